package config

import (
	"strings"
	"testing"
)

func TestPeopleAreAddressedAsTheSettingSaysOrAsTheyAsk(t *testing.T) {
	t.Parallel()
	environ := func(lang string) LookupEnv {
		return func(name string) (string, bool) { return lang, name == "LANG" }
	}
	c := mustParse(t, nil)
	if got := c.OnTerminal(environ("es_MX.UTF-8")).Tag().String(); got != "es-MX" {
		t.Error(got)
	}
	if got := c.InBrowser("es-CO,en").Tag().String(); got != "es-CO" {
		t.Error(got)
	}
	if got := c.InBrowser("").Zone().String(); got != "UTC" {
		t.Error(got)
	}
	c = mustParse(t, map[string]string{"REMESA_LANG": "es_CL", "REMESA_TIMEZONE": "America/Santiago"})
	for _, l := range []string{c.OnTerminal(environ("en_US.UTF-8")).Tag().String(), c.InBrowser("en").Tag().String()} {
		if l != "es-CL" {
			t.Error(l)
		}
	}
	if got := c.OnTerminal(environ("")).Zone().String(); got != "America/Santiago" {
		t.Error(got)
	}
}

func TestTheColorBeforeTheArgumentsAreParsed(t *testing.T) {
	t.Parallel()
	never := func(name string) (string, bool) { return "never", name == "REMESA_COLOR" }
	for args, want := range map[string]string{"list": "never", "list --color=always": "always", "--color auto list": "auto", "list --color": "never"} {
		if _, got := BeforeParsing(strings.Fields(args), never); got != want {
			t.Errorf("%s: %s, want %s", args, got, want)
		}
	}
	if _, err := parse(t, map[string]string{"REMESA_COLOR": canary}); err == nil || !strings.Contains(err.Error(), "REMESA_COLOR: must be auto, always or never") ||
		strings.Contains(err.Error(), canary) {
		t.Error(err)
	}
}

func TestALanguageOrZoneThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	_, err := parse(t, map[string]string{"REMESA_LANG": canary, "REMESA_TIMEZONE": canary})
	if err == nil || !strings.Contains(err.Error(), "REMESA_LANG: must be one of en, es") || !strings.Contains(err.Error(), "REMESA_TIMEZONE: not a time zone") ||
		strings.Contains(err.Error(), canary) {
		t.Error(err)
	}
	for _, zone := range []string{"Local", "localtime", "America/Nowhere"} {
		if _, err := parse(t, map[string]string{"REMESA_TIMEZONE": zone}); err == nil {
			t.Errorf("%s is taken", zone)
		}
	}
}

func TestTheLanguageBeforeTheArgumentsAreParsed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		args, setting, lang, want string
	}{
		{"", "", "es_CL.UTF-8", "es-CL"},
		{"", "", "", "en"},
		{"", "es-MX", "en_US.UTF-8", "es-MX"},
		{"list --lang=es-CO", "en", "", "es-CO"},
		{"list --lang es", "en", "", "es"},
		{"--lang", "es", "", "es"},                  // the parser says what is missing
		{"--lang nolanguage", "", "es_CL", "es-CL"}, // as good as not given
	} {
		got, _ := BeforeParsing(strings.Fields(row.args), func(name string) (string, bool) {
			value := map[string]string{"REMESA_LANG": row.setting, "LANG": row.lang}[name]
			return value, value != ""
		})
		if got.Tag().String() != row.want {
			t.Errorf("%+v: %s", row, got.Tag())
		}
	}
}
