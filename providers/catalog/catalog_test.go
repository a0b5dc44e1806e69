package catalog_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/providers/fields"
	"github.com/remesa/remesa/providers/spec"
)

const root = "../.."

// each runs a test of every row, under the provider's name.
func each(t *testing.T, test func(t *testing.T, p spec.Provider)) {
	t.Helper()
	for _, p := range catalog.Providers() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

// mustHave fails with the name of what is missing, where the file lacks the text or is not there.
func mustHave(t *testing.T, what, path, pattern string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Errorf("%s is missing: %s", what, path)
		return
	}
	if !regexp.MustCompile(pattern).Match(content) {
		t.Errorf("%s is missing: %s has nothing like %q", what, path, pattern)
	}
}

// TestEveryProviderHasAllThatBelongsToIt is what an author of an adapter sees first.
func TestEveryProviderHasAllThatBelongsToIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p spec.Provider) {
		mustHave(t, "its page", "docs/providers/"+p.Name+".md", `(?m)^# .*`+regexp.QuoteMeta(p.Title))
		mustHave(t, "its row in the README's table of providers", "README.md", `(?m)^\| `+regexp.QuoteMeta(p.Title)+`.*docs/providers/`+p.Name+`\.md`)
		mustHave(t, "its name among the providers of a task", "docs/tasks.md", "(?m)^\\| `provider` \\|.*`"+p.Name+"`")
		mustHave(t, "the run of its conformance suite", "providers/"+p.Name+"/conformance_test.go", `providertest\.(Run|Forms)\b`)
		for _, payments := range p.Payments {
			mustHave(t, "an example of its "+string(payments.Type), example(p, payments.Type), `"type":"`+string(payments.Type)+`"`)
		}
		for _, variable := range variables(p) {
			mustHave(t, "the setting "+variable, "docs/providers/"+p.Name+".md", strings.TrimPrefix(variable, "REMESA_"+strings.ToUpper(p.Name)+"_"))
		}
	})
}

// example is the golden file of a task in package tasks; the second type has its name.
func example(p spec.Provider, t spec.Type) string {
	if p.Payments[0].Type == t {
		return "tasks/testdata/" + p.Name + ".json"
	}
	return "tasks/testdata/" + p.Name + "-" + string(t) + ".json"
}

// variables are those of the provider's settings that have no default.
func variables(p spec.Provider) []string {
	var names []string
	for _, f := range reflect.VisibleFields(reflect.TypeOf(p.Settings()).Elem()) {
		if f.Tag.Get("default") == "" && !strings.HasSuffix(f.Name, "File") {
			names = append(names, "REMESA_"+strings.ToUpper(p.Name+"_"+strings.ReplaceAll(f.Tag.Get("name"), "-", "_")))
		}
	}
	return names
}

func TestNames(t *testing.T) {
	t.Parallel()
	names := catalog.Names()
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(catalog.Providers()) {
		t.Errorf("the names are not sorted, or one stands twice: %v", names)
	}
	for _, name := range names {
		if !regexp.MustCompile(`^[a-z][a-z0-9]{1,31}$`).MatchString(name) {
			t.Errorf("%q is not 2 to 32 lower-case letters and digits: it stands in keys and in names of variables", name)
		}
		if p, found := catalog.Find(name); !found || p.Name != name {
			t.Errorf("%s is not found", name)
		}
	}
	if _, found := catalog.Find("nobody"); found {
		t.Error("nobody is found")
	}
}

// TestClientsDoWhatTheirProviderTakes: a type of payment without a client that makes it would wait
// for ever.
func TestClientsDoWhatTheirProviderTakes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p spec.Provider) {
		if p.Takes(spec.Payout) != spec.Can[providers.Payer](p) || p.Takes(spec.Charge) != spec.Can[providers.Charger](p) {
			t.Errorf("takes payouts %t, charges %t; its clients pay %t, charge %t",
				p.Takes(spec.Payout), p.Takes(spec.Charge), spec.Can[providers.Payer](p), spec.Can[providers.Charger](p))
		}
		if len(p.Payments) == 0 {
			t.Error("takes no payments")
		}
		for _, client := range p.Clients {
			if v := reflect.ValueOf(client); v.Kind() != reflect.Pointer || !v.IsNil() {
				t.Errorf("%T is not a nil pointer", client)
			}
		}
	})
}

func TestTablesAreWhole(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p spec.Provider) {
		for _, payments := range p.Payments {
			checkTable(t, payments)
		}
	})
}

func checkTable(t *testing.T, p spec.Payments) {
	t.Helper()
	known := map[string]bool{}
	details := false
	for _, f := range p.Fields {
		if known[f.Path] {
			t.Errorf("%s stands twice", f.Path)
		}
		known[f.Path] = true
		details = details || strings.HasPrefix(f.Path, "details.")
		checkField(t, f)
	}
	if details != (p.Details != nil) {
		t.Errorf("a table with details %t has a type for them %t", details, p.Details != nil)
	}
	if p.Reference.Valid == nil || p.Reference.Path != "" {
		t.Error("the reference has no rule, or a path of its own")
	}
	_, whole := providers.ParseMoney("1", p.Currency)
	if _, cents := providers.ParseMoney("1.00", p.Currency); whole != nil && cents != nil {
		t.Errorf("currency %q: %v", p.Currency, whole)
	}
	for _, part := range append(slices.Clone(p.Meaning), p.Exclusive) {
		if part != (fields.Part{}) && (!known[part.Path] || part.Name == "") {
			t.Errorf("%s=%s is no field of the table", part.Name, part.Path)
		}
	}
}

func checkField(t *testing.T, f fields.Field) {
	t.Helper()
	if (f.Kind == fields.Text || f.Kind == fields.Texts) != (f.Valid != nil) || f.Required && f.Empty {
		t.Errorf("%s cannot be judged", f.Path)
	}
	if f.Kind == fields.Integer && f.Low > f.High {
		t.Errorf("%s takes no number", f.Path)
	}
}

// TestSettingsCanBeSet: each has a flag, and what is required is one of them.
func TestSettingsCanBeSet(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p spec.Provider) {
		settings := p.Settings()
		known := map[string]bool{}
		structure := reflect.TypeOf(settings).Elem()
		for _, f := range reflect.VisibleFields(structure) {
			name := f.Tag.Get("name")
			if name == "" || f.Tag.Get("help") == "" {
				t.Errorf("%s has no name, or no help", f.Name)
			}
			known[strings.ToUpper(strings.ReplaceAll(name, "-", "_"))] = true
			if _, has := structure.FieldByName(f.Name + "File"); f.Type == reflect.TypeFor[providers.Secret]() && !has {
				t.Errorf("%s is a secret without a %sFile", f.Name, f.Name)
			}
		}
		r := settings.Requirements()
		if len(r.Credentials) == 0 || r.Needed == 0 || r.Needed > len(r.URLs) || len(r.Identity) < 2 {
			t.Errorf("requires too little: %+v", r)
		}
		for _, s := range slices.Concat(r.Credentials, r.URLs, r.Files, r.Problems) {
			if !known[s.Name] {
				t.Errorf("%s is required and no setting", s.Name)
			}
		}
	})
}
