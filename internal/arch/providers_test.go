package arch

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/providers/spec"
)

// named lists the files of the product that name a provider although they are not the provider's,
// and why. A path that ends in a slash stands for everything below it. Everybody else reads the
// catalog, so that another provider changes none of them.
var named = []struct{ path, reason string }{
	{"providers/catalog/catalog.go", "lists them"},
	{"providers/sandbox/all/", "lists their simulators"},
	{"internal/demo/", "its scenes are each about what one provider does"},
	{"internal/sim/", "a simulated installation has payments of each provider"},
	{"internal/proof/safeguards.go", "leaves out what the client of one provider does"},
	{"internal/i18n/help_es.go", "says in Spanish what the settings of each provider are"},
	{"internal/i18n/pages_en.go", "shows people what a key looks like"},
	{"internal/i18n/pages_es.go", "shows people what a key looks like"},
	{"cmd/worker/check.go", "shows people which settings a provider has, and what an account is called"},
	{"cmd/enqueue/examples.go", "shows people what a command line looks like"},
	{"cmd/worker/settings.go", "shows people what a command line looks like"},
	{"cmd/worker/run.go", "shows people which settings a provider has"},
	{".golangci.yml", "a linter is told of one package what is no fault"},
	{"deploy/", "examples of deployments, each with the settings of some provider"},
	{"examples/", "programs of users, who are customers of some provider"},
}

// TestProvidersAreNamedInTheirOwnFiles holds that what knows a provider is its row of the catalog,
// its package, its simulator and its page.
func TestProvidersAreNamedInTheirOwnFiles(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, path := range files(t, ".go", ".html", ".lua", ".css", ".sh", ".yaml", ".yml", ".conf", ".env") {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, p := range catalog.Providers() {
			found := namesOf(p).FindString(text(t, path))
			if found == "" || own(p, path) {
				continue
			}
			i := slices.IndexFunc(named, func(n struct{ path, reason string }) bool { return exempts(n.path, path) })
			if i < 0 {
				t.Errorf("%s names %s (%q): read it from the catalog, or give a reason here", path, p.Title, found)
				continue
			}
			used[named[i].path] = true
		}
	}
	for _, n := range named {
		if !used[n.path] {
			t.Errorf("%s names no provider any more: it needs no exception", n.path)
		}
	}
}

// own tells the files of a provider.
func own(p spec.Provider, path string) bool {
	path = filepath.ToSlash(path)
	return strings.HasPrefix(path, "providers/"+p.Name+"/") || strings.HasPrefix(path, "providers/sandbox/"+p.Name+"/")
}

func exempts(exception, path string) bool {
	path = filepath.ToSlash(path)
	return path == exception || strings.HasSuffix(exception, "/") && strings.HasPrefix(path, exception)
}

// namesOf matches the provider's name in tasks and in variables, and its title with and without
// blanks.
func namesOf(p spec.Provider) *regexp.Regexp {
	title, joined := regexp.QuoteMeta(p.Title), regexp.QuoteMeta(strings.ReplaceAll(p.Title, " ", ""))
	return regexp.MustCompile(`\b` + p.Name + `|` + strings.ToUpper(p.Name) + `_|` + title + `|` + joined)
}

func TestWhatNamesAProvider(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, text string
		want       bool
	}{
		{"etpay", `"etpay"`, true},
		{"etpay", "rules.SetPayload", false},
		{"etpay", "REMESA_ETPAY_BASE_URL", true},
		{"etpay", "ETpay's sessions", true},
		{"pagoseguro", "Pago Seguro", true},
		{"pagoseguro", "s.PagoSeguro()", true},
		{"pagoseguro", "pagos@empresa.example", false},
	} {
		p, known := catalog.Find(row.name)
		if !known {
			t.Fatalf("no %s", row.name)
		}
		if got := namesOf(p).MatchString(row.text); got != row.want {
			t.Errorf("%s in %q: %t", row.name, row.text, got)
		}
	}
}
