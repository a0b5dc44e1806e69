package i18n_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/remesa/remesa/internal/i18n/i18ntest"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/providers/fields"
	"github.com/remesa/remesa/tasks"
)

// told are the files whose sentences people read on a terminal, and the beginnings of those that
// they do not.
var told = []struct {
	files  string
	except []string
}{
	{"../demo/*.go", []string{"\n⟦0⟧\n\n  http://", "Cuenta de", "Devolución de", "Plan mensual", "Retiro de", "Suscripción de"}}, // payments, and what is put together
	{"../strictjson/*.go", nil},
	{"../strictcsv/*.go", []string{"a quoted cell (the last"}}, // behind a problem
	{"../redisurl/*.go", []string{"has a database that is not a number", "has a user or password with a %"}}, // their escapes look like verbs
	{"../login/*.go", []string{"the password ⟦0⟧"}},                                                          // before another
	{"../config/*.go", []string{"⟦0⟧ is not a group of settings"}},
	{"../intake/*.go", []string{"⟦0⟧s of ⟦0⟧ are off here"}}, // names the kind twice
	{"../../schedule/*.go", nil},
	{"../../tasks/*.go", []string{
		"OOM command not allowed", "options: Keys need", "remesa charge of", "sealed task: ⟦0⟧", "task: ⟦0⟧", "the zero Task", "wake-up: ",
		"another payment has this reference", // of users' programs, and of plain tasks
	}},
	{"../../seal/*.go", []string{"remesa key check 1", "remesa sealed 1"}},
	{"../../providers/fields/*.go", nil},
	{"../../providers/money.go", []string{"cannot add", "⟦0⟧ to ⟦0⟧"}},
	{"../../providers/wire/settings.go", nil},
	{"../../providers/coordinador/check.go", nil},
	{"../apikey/*.go", nil},
	{"../../idempotency/key.go", nil},
	{"../paymentfile/header.go", nil},
	{"../../cmd/enqueue/[abcfhiklpstw]*.go", []string{
		"OOM command not allowed", "the file changed while", "the input cannot be read on", "the results cannot be written", // told by other texts
	}},
	{"../../cmd/worker/check.go", nil},
	{"../../cmd/worker/demo_off.go", nil},
	{"../../cmd/worker/password.go", nil},
	{"../../cmd/worker/sandbox.go", nil},
	{"../../cmd/worker/run.go", []string{"each login may end", "something else logs in", "refusing to start: ⟦0⟧"}}, // logged, and before another
	{"../preflight/*.go", []string{
		"accept the identity of ", "identity of ⟦0⟧/⟦0⟧: ", "nothing to write", "others change the identities",
		"refusing to start on this Redis", ": it may lose or evict payments", "\n  ⟦0⟧ is ⟦0⟧", "clock against Redis",
		"compiling script", "`worker check --accept-identity", "; or set REMESA_REDIS_DURABILITY",
	}},
}

// TestWhatIsToldHasSpanish: a sentence of these files that has no Spanish is one that people read
// in English in the middle of Spanish.
func TestWhatIsToldHasSpanish(t *testing.T) {
	t.Parallel()
	l := spanish("")
	for _, of := range told {
		used := map[string]bool{}
		for _, text := range i18ntest.Sentences(t, of.files) {
			i := slices.IndexFunc(of.except, func(begin string) bool { return strings.HasPrefix(text, begin) })
			if i >= 0 {
				used[of.except[i]] = true
				continue
			}
			if own := l.Say(text); own == text {
				t.Errorf("%s: no Spanish for %q", of.files, text)
			} else if strings.Count(own, "⟦0⟧") < strings.Count(text, "⟦0⟧") || strings.Contains(own, "%!") {
				t.Errorf("%s: %q became %q", of.files, text, own)
			}
		}
		for _, begin := range of.except {
			if !used[begin] {
				t.Errorf("%s: no sentence begins with %q any more", of.files, begin)
			}
		}
	}
}

// TestEveryFieldsProblemHasSpanish: what a task's table says of a wrong field.
func TestEveryFieldsProblemHasSpanish(t *testing.T) {
	t.Parallel()
	l := spanish("")
	var check func(f fields.Field)
	check = func(f fields.Field) {
		for _, text := range []string{f.Problem, f.NeedsProblem} {
			if _, known := l.Phrase(text); text != "" && !known {
				t.Errorf("%s: no Spanish for %q", f.Path, text)
			}
		}
		for _, of := range f.Of {
			check(of)
		}
	}
	for _, provider := range catalog.Names() {
		all := tasks.SubscriptionTable(provider)
		for _, kind := range []string{"payout", "charge", "status"} {
			all = append(all, tasks.Table(provider, kind)...)
		}
		if len(all) == 0 {
			t.Errorf("%s has no table", provider)
		}
		for _, f := range all {
			check(f)
		}
	}
}

func TestAPhraseIsPutTogether(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"REMESA_LEASE: not a duration such as 90s, 5m, 72h or 400d (found 3 characters)": "REMESA_LEASE: no es una duración como 90s, 5m, 72h o 400d (se encontraron 3 caracteres)",
		"--state must be one of held,failed but got \"x\"":                               "--state debe ser uno de held,failed, pero se dio \"x\"",
		"unknown flag --stat, did you mean \"--state\"?":                                 "no existe la opción --stat; ¿quiso decir \"--state\"?",
		"must be a text, not a number":                                                   "debe ser un texto, no un número",
		"71 % of maxmemory":                                                              "71 % de maxmemory",
		"charges of etpay are off here: its settings for charges are not set":            "charge de etpay no se admite aquí: no están sus ajustes para eso",
		"  appendonly is no, must be yes: run `a`, and put the line `b` into redis.conf so that it survives a restart": "  appendonly: se encontró no, debe ser yes: ejecute `a`, y agregue " +
			"la línea `b` a redis.conf para que siga así después de reiniciar",
		"refusing to start: REMESA_X\nREMESA_ALLOW_UNSAFE_REDIS=true starts all the same": "refusing to start: REMESA_X\ncon REMESA_ALLOW_UNSAFE_REDIS=true se inicia de todos modos",
		"what nobody has words for": "what nobody has words for",
		"la línea ya está bien":     "la línea ya está bien",
	} {
		if got := spanish("").Say(text); got != want {
			t.Errorf("%q\n%q, want\n%q", text, got, want)
		}
		if got := english().Say(text); got != text {
			t.Errorf("%q in English is %q", text, got)
		}
	}
}
