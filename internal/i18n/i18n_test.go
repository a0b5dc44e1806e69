package i18n_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/i18n/i18ntest"
)

func spanish(country string) i18n.Locale {
	return i18n.New(i18n.Tag{Language: "es", Country: country}, nil)
}

func english() i18n.Locale { return i18n.New(i18n.English, nil) }

func TestTheCatalogueIsCompleteInBothLanguages(t *testing.T) {
	t.Parallel()
	i18ntest.Complete(t, *english().Texts, *spanish("").Texts,
		"CLI.List.State", "CLI.Submit.Sum", "CLI.Bulk.RepeatBlocked", "CLI.Bulk.RepeatNamed")
}

// traps are words that mean something else to whoever reads statements: see the glossary.
var traps = regexp.MustCompile(`(?i)\b(cargos?|abonos?|retenid[oa]s?|nóminas?|remesas|(una|la|esta) remesa)\b|[¡!]|\b(tu|tus|tú|haz|revisa|confirma) `)

func TestSpanishTextsAvoidWordsWithAnotherMeaning(t *testing.T) {
	t.Parallel()
	for path, text := range i18ntest.Texts(t, *spanish("").Texts) {
		if found := traps.FindString(text); found != "" {
			t.Errorf("%s says %q: %s", path, found, text)
		}
	}
}

func TestMoney(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ country, amount, currency, want string }{
		{"", "13160000", "CLP", "$13.160.000 CLP"},
		{"", "32900.50", "COP", "$32.900,50 COP"},
		{"", "149.50", "MXN", "$149.50 MXN"},
		{"", "13149.50", "MXN", "$13,149.50 MXN"},
		{"", "-1500", "CLP", "-$1.500 CLP"},
		{"", "0", "CLP", "$0 CLP"},
		{"", "999", "CLP", "$999 CLP"},
		{"", "1000", "CLP", "$1.000 CLP"},
		{"", "1234.5", "USD", "1.234,5 USD"},
		{"CL", "13149.50", "MXN", "$13.149,50 MXN"},
		{"CO", "32900", "COP", "$32.900 COP"},
		{"MX", "13160000", "CLP", "$13,160,000 CLP"},
		// More digits than a float holds.
		{"", "123456789012345678901.25", "COP", "$123.456.789.012.345.678.901,25 COP"},
		// What is no amount is shown as it is.
		{"", "", "CLP", " CLP"},
		{"", "1e9", "CLP", "1e9 CLP"},
		{"", "1.2.3", "", "1.2.3"},
	} {
		if got := spanish(row.country).Money(row.amount, row.currency); got != row.want {
			t.Errorf("es-%s %s %s: %q, want %q", row.country, row.amount, row.currency, got, row.want)
		}
	}
	for amount, want := range map[string]string{"13160000": "13,160,000 CLP", "-1500": "-1,500 CLP", "32900.50": "32,900.50 CLP"} {
		if got := english().Money(amount, "CLP"); got != want {
			t.Errorf("en %s: %q, want %q", amount, got, want)
		}
	}
	if got := spanish("CL").Amount("13160000", "CLP"); got != "13.160.000" {
		t.Error(got)
	}
}

// The tables of x/text change with its versions: what they say today is pinned here.
func TestSeparatorsAreThoseOfTheCountry(t *testing.T) {
	t.Parallel()
	for tag, want := range map[i18n.Tag]string{
		i18n.English:                       "1,234,567",
		i18n.Spanish:                       "1.234.567",
		{Language: "es", Country: "CL"}:    "1.234.567",
		{Language: "es", Country: "CO"}:    "1.234.567",
		{Language: "es", Country: "MX"}:    "1,234,567",
		{Language: "es", Country: "ES"}:    "1.234.567", // no way of its own here
		{Language: "latin", Country: "CL"}: "1,234,567",
		{}:                                 "1,234,567",
	} {
		if got := i18n.Count(i18n.New(tag, nil), 1234567).Text; got != want {
			t.Errorf("%v: %s, want %s", tag, got, want)
		}
	}
	if got := i18n.Count(english(), -1234).Text; got != "-1,234" {
		t.Error(got)
	}
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestTimesNameTheirOffset(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 27, 17, 5, 9, 0, time.UTC)
	for _, row := range []struct{ tag, zone, want string }{
		{"es-CL", "America/Santiago", "27-11-2026 14:05 (UTC-03:00)"},
		{"es", "America/Santiago", "27-11-2026 14:05 (UTC-03:00)"},
		{"es-CO", "America/Bogota", "27/11/2026 12:05 (UTC-05:00)"},
		{"es-MX", "America/Mexico_City", "27/11/2026 11:05 (UTC-06:00)"},
		{"en", "UTC", "2026-11-27 17:05 (UTC)"},
		{"en", "America/Santiago", "2026-11-27 14:05 (UTC-03:00)"},
	} {
		tag, err := i18n.Parse(row.tag)
		if err != nil {
			t.Fatal(err)
		}
		l := i18n.New(tag, zone(t, row.zone))
		if got := l.Time(at); got != row.want {
			t.Errorf("%s %s: %s, want %s", row.tag, row.zone, got, row.want)
		}
	}
	l := i18n.New(i18n.Tag{Language: "es", Country: "CL"}, zone(t, "America/Santiago"))
	if got := l.TimeToSecond(at) + " " + l.Date(at); got != "27-11-2026 14:05:09 (UTC-03:00) 27-11-2026" {
		t.Error(got)
	}
	// An hour that comes twice: only the offset tells which.
	first, second := l.Time(time.Date(2026, 4, 5, 2, 30, 0, 0, time.UTC)), l.Time(time.Date(2026, 4, 5, 3, 30, 0, 0, time.UTC))
	if first != "04-04-2026 23:30 (UTC-03:00)" || second != "04-04-2026 23:30 (UTC-04:00)" {
		t.Error(first, second)
	}
}

func TestADayBeginsAtItsFirstInstant(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ zone, at, want string }{
		{"UTC", "2026-11-27T17:05:00Z", "2026-11-27T00:00:00Z"},
		{"America/Santiago", "2026-11-28T01:00:00Z", "2026-11-27T00:00:00-03:00"},
		// There is no midnight: the clock jumps from 23:59 to 01:00.
		{"America/Santiago", "2026-09-06T15:00:00Z", "2026-09-06T01:00:00-03:00"},
		{"America/Santiago", "2026-09-06T04:00:00Z", "2026-09-06T01:00:00-03:00"},
		{"America/Santiago", "2026-04-05T12:00:00Z", "2026-04-05T00:00:00-04:00"},
	} {
		at, err := time.Parse(time.RFC3339, row.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := i18n.New(i18n.Spanish, zone(t, row.zone)).StartOfDay(at).Format(time.RFC3339); got != row.want {
			t.Errorf("%s %s: %s, want %s", row.zone, row.at, got, row.want)
		}
	}
}

func TestAgesAndDurations(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration][2]string{
		0:                            {"just now", "ahora mismo"},
		59 * time.Second:             {"59 s", "59 s"},
		4 * time.Minute:              {"4 min", "4 min"},
		200 * time.Minute:            {"3 h 20 min", "3 h 20 min"},
		72 * time.Hour:               {"3 days", "3 días"},
		40000 * 24 * time.Hour:       {"40,000 days", "40.000 días"},
		-time.Second:                 {"just now", "ahora mismo"},
		48*time.Hour - time.Second:   {"47 h 59 min", "47 h 59 min"},
		48*time.Hour + 1*time.Second: {"2 days", "2 días"},
	} {
		if got := [2]string{english().Age(d), spanish("").Age(d)}; got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0 segundos", time.Hour: "1 hora", 90 * time.Minute: "1 hora 30 minutos", 24 * time.Hour: "1 día",
		25*time.Hour + time.Second: "1 día 1 hora 1 segundo",
	} {
		if got := spanish("").Duration(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}

func TestTheLanguageOfATerminal(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		env  map[string]string
		want string
	}{
		{nil, "en"},
		{map[string]string{"LANG": "es_CL.UTF-8"}, "es-CL"},
		{map[string]string{"LANG": "es_ES@euro"}, "es"},
		{map[string]string{"LANG": "es_CL.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"},
		{map[string]string{"LANG": "es_CL.UTF-8", "LC_ALL": "C.UTF-8"}, "en"},
		{map[string]string{"LANG": "en_US.UTF-8", "LC_ALL": "es_MX.UTF-8"}, "es-MX"},
		{map[string]string{"LANG": "es_CO.UTF-8", "LC_ALL": ""}, "es-CO"},
		{map[string]string{"LANG": "fr_FR.UTF-8"}, "en"},
		{map[string]string{"LANG": "POSIX"}, "en"},
		{map[string]string{"LANG": "esperanto?"}, "en"},
	} {
		got := i18n.FromEnvironment(func(name string) (string, bool) { v, ok := row.env[name]; return v, ok })
		if got.String() != row.want {
			t.Errorf("%v: %s, want %s", row.env, got, row.want)
		}
	}
}

func TestTheLanguageOfABrowser(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"":                                  "en",
		"es":                                "es",
		"es-419,es;q=0.9,en;q=0.8":          "es",
		"es-CL,es;q=0.9,en;q=0.8":           "es-CL",
		"es-AR,es;q=0.9":                    "es",
		"es-MX":                             "es-MX",
		"en-US,en;q=0.9,es;q=0.8":           "en",
		"en;q=0.3,es-CO;q=0.9":              "es-CO",
		"fr-FR,fr;q=0.9":                    "en",
		"fr,es-CO;q=0.5":                    "es-CO",
		"*":                                 "en",
		"es;q=0,en":                         "en",
		"; drop":                            "en",
		strings.Repeat("es-CL,", 1000):      "en",
		"es-CL" + strings.Repeat("-x", 600): "en",
	} {
		if got := i18n.FromHeader(header).String(); got != want {
			t.Errorf("%.60q: %s, want %s", header, got, want)
		}
	}
}

func TestASettingThatIsNoLanguageIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"fr", "canary", "es-CL-canary", "español"} {
		if _, err := i18n.Parse(text); err != nil && strings.Contains(err.Error(), text) {
			t.Errorf("%s: %s", text, err)
		}
	}
	if _, err := i18n.Parse("fr"); err == nil || !strings.Contains(err.Error(), "en, es") {
		t.Error(err)
	}
}

// Of no payment that may have been executed is said that it was not.
func TestStatesInWords(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 27, 17, 5, 9, 0, time.UTC)
	entry := func(s idempotency.State, note string) idempotency.AuditEntry {
		return idempotency.AuditEntry{At: at, State: s, Note: note}
	}
	for _, row := range []struct {
		record       idempotency.Record
		label, words string
	}{
		{idempotency.Record{State: idempotency.Queued}, "En cola", "Registrado; aún no se envía. Se puede cancelar."},
		{idempotency.Record{State: idempotency.Ready}, "Por reenviar", "El intento anterior terminó sin ejecutarse; se enviará de nuevo."},
		{idempotency.Record{State: idempotency.Ready, MayHaveLeft: true}, "Por reenviar",
			"Se enviará de nuevo. No consta que un intento anterior no se ejecutó."},
		{idempotency.Record{State: idempotency.Pending}, "En proceso", "El proveedor de pago lo tiene y decidirá."},
		{idempotency.Record{State: idempotency.Pending, ActionURL: "https://x"}, "Esperando al pagador", "El pagador debe autorizarlo."},
		{idempotency.Record{State: idempotency.Held}, "Por revisar",
			"El sistema no pudo saber si se ejecutó. Una persona debe resolverlo con un comprobante."},
		{idempotency.Record{State: idempotency.Succeeded, Type: "payout"}, "Pagado", "Confirmado por el proveedor de pago."},
		{idempotency.Record{State: idempotency.Succeeded, Type: "charge", History: []idempotency.AuditEntry{
			entry(idempotency.Sending, ""), entry(idempotency.Succeeded, ""), {At: at.Add(time.Hour), State: idempotency.Succeeded, Note: "provider id recorded"},
		}}, "Cobrado", "Confirmado por el proveedor de pago el 27-11-2026 17:05 (UTC)."},
		{idempotency.Record{State: idempotency.Succeeded, Type: "payout", Code: "resolved", History: []idempotency.AuditEntry{
			entry(idempotency.Held, ""), entry(idempotency.Succeeded, "by m.rojas: cartola 12"),
		}}, "Pagado", "Dado por ejecutado por m.rojas."},
		{idempotency.Record{State: idempotency.Failed, Code: "cancelled"}, "Fallido", "No se ejecutó: cancelado."},
		{idempotency.Record{State: idempotency.Failed, Code: "E-051"}, "Fallido", "No se ejecutó: rechazado."},
		{idempotency.Record{State: idempotency.Failed, Code: "E-051", MayHaveLeft: true}, "Fallido", "Dado por fallido: rechazado. No consta que no se ejecutó."},
		{idempotency.Record{State: idempotency.Failed, Code: "E-051", Anomaly: "late_success"}, "Fallido",
			"Dado por fallido: rechazado. No consta que no se ejecutó. Hay una anomalía: una persona debe decidir."},
		{idempotency.Record{State: idempotency.Failed, Code: "resolved", History: []idempotency.AuditEntry{entry(idempotency.Failed, "by m.rojas: panel")}},
			"Fallido", "Dado por fallido por m.rojas; no consta que no se ejecutó."},
		{idempotency.Record{State: idempotency.Failed, Code: "not_received"}, "Fallido", "Dado por fallido por un operador; no consta que no se ejecutó."},
		{idempotency.Record{State: idempotency.Reversed}, "Reversado", "Se ejecutó y después fue devuelto."},
		{idempotency.Record{State: "moon"}, "moon", "Esta versión no conoce el estado."},
	} {
		got := spanish("CL").State(row.record)
		if got.Label != row.label || got.Sentence != row.words {
			t.Errorf("%s %s: %+v, want %s: %s", row.record.State, row.record.Code, got, row.label, row.words)
		}
	}
}

func TestEveryStateHasWords(t *testing.T) {
	t.Parallel()
	for _, l := range []i18n.Locale{english(), spanish("")} {
		seen := map[string]bool{}
		for _, s := range idempotency.States() {
			got := l.State(idempotency.Record{State: s})
			if got.Label == "" || got.Label == string(s) || seen[got.Label] || got.Sentence == "" || got.Sentence == l.States.Sentence.Unknown {
				t.Errorf("%s %s: %+v", l.Tag(), s, got)
			}
			seen[got.Label] = true
		}
	}
}

func ExampleLocale_Money() {
	chile := i18n.New(i18n.Tag{Language: "es", Country: "CL"}, nil)
	fmt.Println(chile.Money("13160000", "CLP"))
	fmt.Println(i18n.New(i18n.Spanish, nil).Money("149.50", "MXN"))
	fmt.Println(i18n.New(i18n.English, nil).Money("32900.50", "COP"))
	// Output:
	// $13.160.000 CLP
	// $149.50 MXN
	// 32,900.50 COP
}
