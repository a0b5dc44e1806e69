package shell

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/processtest"
)

type program struct {
	URL string `group:"Store" help:"Where the store is."`
	Key string `group:"A provider" default:"none" help:"Its key."`

	List struct {
		State string `enum:",held,failed" default:"" short:"s" help:"The state."`
		Fast  bool   `help:"Fast."`
	} `cmd:"" help:"List."`
	Plan struct {
		Add struct {
			File string `arg:"" optional:"" help:"The file."`
		} `cmd:"" help:"Add."`
		Show struct{} `cmd:"" help:"Show."`
	} `cmd:"" help:"Plans."`
	Script struct {
		Shell string `arg:"" enum:"bash,zsh" help:"The shell."`
	} `cmd:"" help:"A script."`
	Secret struct{} `cmd:"" hidden:"" help:"Hidden."`
}

func parser(t *testing.T, options ...kong.Option) *kong.Kong {
	t.Helper()
	k, err := kong.New(&program{}, append(options, kong.Name("program"), kong.Exit(func(int) {}))...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestCandidates(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ typed, want string }{
		{"", "list plan script"},
		{"l", "list"},
		{"plan ", "add show"},
		{"plan a", "add"},
		{"list --s", "--state"},
		{"list --state ", "failed held"},
		{"list -s h", "held"},
		{"list --state=h", "--state=held"},
		{"list --state = h", "held"},
		{"list --state held --f", "--fast"},
		{"list --fast --state f", "failed"},
		{"list --u", "--url"},
		{"script ", "bash zsh"},
		{"script bash ", ""},
		{"plan add ", ""},
		{"list --url ", ""},
		{"list --unknown=h", ""},
		{"sec", ""},
	} {
		got := strings.Join(candidates(parser(t).Model.Node, strings.Split(row.typed, " ")), " ")
		if got != row.want {
			t.Errorf("%q is completed by %q, want %q", row.typed, got, row.want)
		}
	}
}

// TestABashCompletes runs the script in a real shell, with a program that knows two words.
func TestABashCompletes(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		processtest.Missing(t, "no bash on this machine")
	}
	var script bytes.Buffer
	if err := (Completion{Shell: "bash"}).Write(&script, "program"); err != nil {
		t.Fatal(err)
	}
	script.WriteString(`
program() { local IFS=' '; printf '%s\n' "$*" "two words"; }
COMP_WORDS=(program list --state h); COMP_CWORD=3; _program
printf '%s|' "${COMPREPLY[@]}"
`)
	cmd := exec.CommandContext(t.Context(), bash, "--noprofile", "--norc")
	cmd.Stdin, cmd.Dir = &script, filepath.Clean(t.TempDir())
	out, err := cmd.Output()
	if want := CompleteCommand + " list --state h|two words|"; err != nil || string(out) != want {
		t.Errorf("%q, %v, want %q", out, err, want)
	}
}

func TestEachCommandHasAnExample(t *testing.T) {
	t.Parallel()
	all := Examples{"list": {"program list"}, "plan add": {"program plan add"}, "plan show": {"program plan show"}, "script": {"program script bash"}}
	parser(t, all.Option("Examples:"))
	for _, row := range []struct {
		says   string
		change func(Examples)
	}{
		{"a command without one", func(e Examples) { delete(e, "plan show") }},
		{"one without a command", func(e Examples) { e["plan drop"] = []string{"program plan drop"} }},
	} {
		e := Examples{}
		for name, lines := range all {
			e[name] = lines
		}
		row.change(e)
		if _, err := kong.New(&program{}, e.Option("Examples:")); err == nil {
			t.Errorf("%s: no error", row.says)
		}
	}
}

func TestSettingsBySection(t *testing.T) {
	t.Parallel()
	english := i18n.New(i18n.English, nil)
	var help bytes.Buffer
	k := parser(t, Help(english, func(section string) bool { return section == "A provider" }, "see settings"), kong.Writers(&help, &help))
	if want := []string{"Store", "A provider"}; !slices.Equal(Sections(k), want) {
		t.Errorf("sections %q, want %q", Sections(k), want)
	}
	_, _ = k.Parse([]string{"list", "--help"}) // it prints, and would exit
	if got := help.String(); strings.Contains(got, "--key") || !strings.Contains(got, "--url") || !strings.HasSuffix(got, "\nsee settings\n") {
		t.Errorf("the help is\n%s", got)
	}
	var section bytes.Buffer
	if err := WriteSettings(&section, english, k, "aprov", func(v *kong.Value) string { return v.Help }); err != nil {
		t.Fatal(err)
	}
	if want := "A provider\n\n  --key=\"none\"\n      Its key.\n"; section.String() != want {
		t.Errorf("the section is\n%q, want\n%q", section.String(), want)
	}
	if err := WriteSettings(&section, english, k, "nope", nil); err == nil {
		t.Error("a section that there is not was printed")
	}
}
