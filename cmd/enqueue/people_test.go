package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/tasks"
)

func chile(t *testing.T) i18n.Locale {
	t.Helper()
	return i18n.New(i18n.Tag{Language: "es", Country: "CL"}, must[*time.Location](t)(time.LoadLocation("America/Santiago")))
}

// person is a command whose stdout is a terminal of somebody in this locale.
func person(l i18n.Locale, out, errOut *strings.Builder) *app {
	return &app{out: bufio.NewWriter(out), errOut: errOut, text: l, toPeople: true}
}

func doubted(t *testing.T) idempotency.Record {
	t.Helper()
	return idempotency.Record{
		Key: mustKey(t, "virtualpos/tef-0001"), Type: "payout", State: idempotency.Held, Amount: "13160000", Currency: "CLP", Code: "poll_deadline",
		Attempts: 1, MayHaveLeft: true, Created: time0, Updated: time0.Add(time.Hour), NextDue: time0.Add(2 * time.Hour),
		History: []idempotency.AuditEntry{
			{At: time0, State: idempotency.Queued},
			{At: time0.Add(time.Second), State: idempotency.Sending, Attempt: 1},
			{At: time0.Add(time.Minute), State: idempotency.InDoubt, Attempt: 1, Note: "lease lapsed"},
			{
				At: time0.Add(2 * time.Minute), State: idempotency.InDoubt, Attempt: 1, Count: 12, Last: time0.Add(50 * time.Minute),
				Answer: idempotency.Answer{Question: idempotency.AskStatus, HTTPStatus: 502, Class: "in_doubt", Took: 1234 * time.Millisecond},
			},
			{At: time0.Add(time.Hour), State: idempotency.Held, Attempt: 1, Note: "no final answer by the poll deadline"},
		},
	}
}

// golden are what people see, by language.
const (
	shownInSpanish = `virtualpos/tef-0001: pago de $13.160.000 CLP, Por revisar
código         poll_deadline
15-05-2026 05:00:00 (UTC-04:00)  queued     intento 0  
15-05-2026 05:00:01 (UTC-04:00)  sending    intento 1  
15-05-2026 05:01:00 (UTC-04:00)  in_doubt   intento 1  lease lapsed
15-05-2026 05:02:00 (UTC-04:00)  in_doubt   intento 1  Consulta de estado: HTTP 502, no dice qué pasó, en 1.234 ms; la misma respuesta llegó 12 veces, la última: 15-05-2026 05:50:00 (UTC-04:00)
15-05-2026 06:00:00 (UTC-04:00)  held       intento 1  no final answer by the poll deadline
Qué sigue (operador): El proveedor de pago no dio una respuesta definitiva a tiempo: busque la referencia en el proveedor de pago o en el banco y después resuélvalo.
Por qué: enqueue explain virtualpos/tef-0001.
`
	shownInEnglish = `virtualpos/tef-0001: payout of 13,160,000 CLP, held
code           poll_deadline
2026-05-15 09:00:00  queued     attempt 0  
2026-05-15 09:00:01  sending    attempt 1  
2026-05-15 09:01:00  in_doubt   attempt 1  lease lapsed
2026-05-15 09:02:00  in_doubt   attempt 1  Status query: HTTP 502, it does not say what happened, after 1,234 ms; the same answer came 12 times, last at 2026-05-15 09:50:00 (UTC)
2026-05-15 10:00:00  held       attempt 1  no final answer by the poll deadline
Next (operator): The provider gave no final answer in time: look the reference up at the provider or the bank, then settle it.
Why: enqueue explain virtualpos/tef-0001. All times are in UTC.
`
	explainedInSpanish = `virtualpos/tef-0001: pago de $13.160.000 CLP

15-05-2026 05:00:00 (UTC-04:00)  Se registró y espera su envío.
15-05-2026 05:00:01 (UTC-04:00)  Comenzó el intento 1: desde aquí su solicitud puede salir.
15-05-2026 05:01:00 (UTC-04:00)  El intento no informó mientras lo tenía, y pudo ejecutarse. Se pregunta al proveedor de pago antes de enviar algo de nuevo.
15-05-2026 05:02:00 (UTC-04:00)  Consulta de estado: HTTP 502, no dice qué pasó, en 1.234 ms; la misma respuesta llegó 12 veces, la última: 15-05-2026 05:50:00 (UTC-04:00).
15-05-2026 06:00:00 (UTC-04:00)  El proveedor de pago no dio una respuesta definitiva dentro del plazo: queda por revisar por un operador y no se envía de nuevo.

Ahora: Por revisar (held): en duda, y decide un operador. Consta un intento, y pudo ejecutarse. Su código es poll_deadline: el proveedor de pago no dio una respuesta definitiva a tiempo.
Qué sigue (operador): El proveedor de pago no dio una respuesta definitiva a tiempo: busque la referencia en el proveedor de pago o en el banco y después resuélvalo.
remesa lo mira de nuevo el 15-05-2026 07:00:00 (UTC-04:00).
`
)

func TestAPaymentIsShownInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		locale i18n.Locale
		do     func(*app, idempotency.Record)
		want   string
	}{
		{chile(t), (*app).showToPeople, shownInSpanish},
		{i18n.New(i18n.English, nil), (*app).showToPeople, shownInEnglish},
		{chile(t), (*app).tell, explainedInSpanish},
	} {
		var out, errOut strings.Builder
		a := person(row.locale, &out, &errOut)
		row.do(a, doubted(t))
		if err := a.flush(); err != nil {
			t.Fatal(err)
		}
		if out.String() != row.want {
			t.Errorf("%s:\n%s\nwant\n%s", row.locale.Tag(), out.String(), row.want)
		}
	}
}

func TestAListOnATerminalIsInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	r := doubted(t)
	r.Anomaly = "late_success"
	for _, row := range []struct {
		locale   i18n.Locale
		toPeople bool
		want     []string
	}{
		{chile(t), true, []string{"Por revisar ", " 13.160.000 CLP ", "15-05-2026 05:00:00 (UTC-04:00)", "anomalía: late_success poll_deadline"}},
		{i18n.New(i18n.English, nil), true, []string{"held ", " 13,160,000 CLP ", "2026-05-15 09:00:00 ", "anomaly: late_success poll_deadline"}},
		// Where a program may read, no language and no zone changes a byte.
		{chile(t), false, []string{"held ", " 13160000 CLP ", "2026-05-15T09:00:00Z", "anomaly: late_success poll_deadline"}},
	} {
		var out, errOut strings.Builder
		a := person(row.locale, &out, &errOut)
		a.toPeople = row.toPeople
		if err := (&listCmd{}).print(a, r, time0.Add(3*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := a.flush(); err != nil {
			t.Fatal(err)
		}
		wantText(t, fmt.Sprint(row.locale.Tag(), row.toPeople), out.String(), row.want...)
	}
}

// inSpanish are the settings of an operator in Chile.
func inSpanish() []string { return []string{"LANG=es_CL.UTF-8", "REMESA_TIMEZONE=America/Santiago"} }

// TestWhatProgramsReadIsTheSameInEveryLanguage: the same commands on the same payments print the
// same bytes on stdout and end with the same code.
func TestWhatProgramsReadIsTheSameInEveryLanguage(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.held("virtualpos/h1")
	d.blocked("virtualpos/b1")
	d.finished("virtualpos/s1", providers.Outcome{Class: providers.Succeeded, ProviderID: "9"})
	bad := write(t, "bad.jsonl", payout("tef-1")+"\n"+payout("tef-1", "12500", "99")+"\n"+payout("tef-2", "12345678-5", "12345678-4")+"\n{\n")
	env := environment(redisAt(d.server.URL()), "REMESA_SETTLE_TIME=1ms")
	for _, args := range []string{
		"show virtualpos/h1", "list --json", "list --state failed", "list --anomalies", "explain virtualpos/h1 --json", "submit --dry-run " + bad, "submit " + bad,
		"show none", "resolve h1 --as succeeded --anomaly accept --by x --note y", "cancel s1 --by x --note y", "release --all --provider virtualpos --by x --note y",
		"subscription list", "apikey list", "watch --no-follow --provider coordinador", "forgot show --provider virtualpos", "halt --provider etpay --by x --note y",
	} {
		english := enqueuePlain(t, env, nil, strings.Fields(args)...)
		spanish := enqueuePlain(t, append(env, inSpanish()...), nil, strings.Fields(args)...)
		if args == "submit "+bad { // the first one took it in
			english.out = strings.Replace(english.out, `"result":"enqueued"`, `"result":"duplicate","state":"queued"`, 1)
		}
		if english.out != spanish.out || english.code != spanish.code {
			t.Errorf("%s: %d\n%s\nin Spanish %d\n%s", args, english.code, english.out, spanish.code, spanish.out)
		}
	}
}

func TestPeopleReadStderrInTheirLanguage(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.blocked("virtualpos/b1")
	d.blocked("virtualpos/b2")
	d.held("virtualpos/h1")
	d.finished("virtualpos/s1", providers.Outcome{Class: providers.Succeeded, ProviderID: "9"})
	bad := write(t, "bad.jsonl", payout("tef-1", "12500", "7000000")+"\n"+payout("tef-1", "12500", "99")+"\n"+
		payout("tef-2", `"12500"`, `"12.500.000"`)+"\n"+payout("tef-3", "description", "glosa")+"\n")
	env := append(environment(redisAt(d.server.URL()), "REMESA_SETTLE_TIME=1ms"), inSpanish()...)
	for _, row := range []struct {
		args string
		code int
		want []string
	}{
		{"submit " + bad, exitRefused, []string{
			"4 líneas de " + bad + ": 1 en cola, 1 en conflicto, 2 inválidas", "suma $7.000.000 CLP",
			"línea 2: esta referencia ya existe con otro contenido (conflicto). Use otra referencia si es una operación distinta. Detalle: amount",
			"línea 3, «amount» (monto): debe ser un número sin separador de miles y con punto decimal",
			"línea 4, «glosa»: revise este campo",
			"aviso: ningún trabajador ha atendido nunca a virtualpos",
		}},
		{"submit " + bad + " --expect-count 5 --expect-sum CLP=1", exitRefused, []string{
			"2 líneas inválidas, no se esperaba ninguna", "2 operaciones, se esperaban 5", "la suma en CLP es 7000099, se esperaba 1", "no se envió nada a la cola",
		}},
		{"submit " + os.DevNull, 0, []string{"está vacío: no hay nada que hacer"}},
		{"release --all --provider virtualpos --by x --note y", exitRefused, []string{
			"2 operaciones bloqueadas por $200 CLP; no se hizo nada. Si la cantidad y la suma son correctas, repita con: --confirm-count 2 --confirm-sum CLP=200",
		}},
		{"cancel --all --provider etpay --by x --note y", exitRefused, []string{"no hay ninguna operación bloqueada así"}},
		{"show virtualpos/none", exitUnknown, []string{"virtualpos/none: no existe esa operación"}},
		{"show none", exitUnknown, []string{"none: no existe esa operación en el perfil de credenciales default"}},
		{"halt --provider virtualpos --by x --note y", 0, []string{"detenido para virtualpos: todos los perfiles de credenciales"}},
		{"cancel s1 --by x --note y", exitRefused, []string{"no se admite: es tarde para cancelar; esto está: Ejecutado"}},
		{"release h1 --by x --note y", exitRefused, []string{"no se admite: solo se libera lo bloqueado; esto está: Por revisar"}},
		{"forgot open --provider virtualpos --by x --note y", 0, []string{"antes de enviar lo que espera se pregunta al proveedor de pago"}},
		{"explain virtualpos/h1", 0, nil},
	} {
		got := enqueue(t, env, nil, strings.Fields(row.args)...)
		wantCode(t, row.args, got, row.code)
		wantText(t, row.args, got.err, row.want...)
	}
	wantText(t, "explain", enqueue(t, env, nil, "explain", "virtualpos/h1").out, "pago de $100 CLP", "Se registró y espera su envío.", "Qué sigue (operador): ")
	wantText(t, "the setting wins", enqueue(t, append(env, "REMESA_LANG=en"), nil, "show", "virtualpos/none").err, "no such payment")
}

// TestNoLanguageRepeatsAPersonsData: what a line holds about people stands in no text of stderr.
func TestNoLanguageRepeatsAPersonsData(t *testing.T) {
	t.Parallel()
	canaries := []string{"Canario", "canario@example.cl", "11222333", "4000000000000002", "987654321012"}
	all := strings.Join([]string{
		payout("a", "Ana Soto", "Canario\u0007", "ana@example.cl", "canario@example.cl"),
		payout("b", "12345678-5", "11222333-0"),
		payout("c", `"012"`, `"987654321012"`),
		payout("d", "Devolución", "4000000000000002"),
		payout("e", "ana@example.cl", "canario@example.cl canario"),
		payout("f", `"12500"`, `"987654321012.123"`),
		payout("g", `"CLP"`, `"Canario"`),
		`{"type":"Canario"}`,
		payout("h", `"amount"`, `"card":{"number":"4000000000000002"},"amount"`),
	}, "\n")
	csv := write(t, "no-header.csv", "payout,virtualpos,a,12500,CLP,Canario,11222333-0,987654321012\n")
	file := write(t, "people.jsonl", all)
	for _, lang := range i18n.Names() {
		env := environment(redisAt(nowhere), "REMESA_LANG="+lang)
		for _, name := range []string{file, csv} {
			got := enqueue(t, env, nil, "submit", "--dry-run", name)
			for _, canary := range canaries {
				if strings.Contains(got.err, canary) {
					t.Errorf("%s %s repeats %q:\n%s", lang, filepath.Base(name), canary, got.err)
				}
			}
		}
	}
}

// Every field of every table has a name and a hint in each language.
func TestEveryFieldHasWords(t *testing.T) {
	t.Parallel()
	for _, l := range []i18n.Locale{chile(t), i18n.New(i18n.English, nil)} {
		for _, provider := range catalog.Names() {
			for _, kind := range []string{"payout", "charge", "status"} {
				for _, f := range tasks.Table(provider, kind) {
					if _, ok := l.Field(f.Path); !ok {
						t.Errorf("%s: %s of %s has no words", l.Tag(), f.Path, provider)
					}
				}
			}
			for _, f := range tasks.SubscriptionTable(provider) {
				if _, ok := l.Field(f.Path); !ok {
					t.Errorf("%s: %s of a subscription has no words", l.Tag(), f.Path)
				}
			}
		}
	}
}

func TestStderrTellsOfAFewLinesOnly(t *testing.T) {
	t.Parallel()
	var all []string
	for range 25 {
		all = append(all, "{}")
	}
	got := enqueue(t, append(environment(redisAt(nowhere)), inSpanish()...), lines(all...), "submit", "--dry-run")
	wantCode(t, "submit", got, exitRefused)
	if n := strings.Count(got.err, "línea "); n != mostProblems {
		t.Errorf("%d lines are told\n%s", n, got.err)
	}
	wantText(t, "the rest", got.err, "y 15 líneas más como estas")
	if n := strings.Count(got.out, "\n"); n != len(all) {
		t.Errorf("%d result lines", n)
	}
}

func TestAnErrorIsDescribedByWhatItIs(t *testing.T) {
	t.Parallel()
	a := &app{text: chile(t)}
	for _, row := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("virtualpos/a: %w", idempotency.ErrVersionChanged), "virtualpos/a: cambió entre tanto; mírela de nuevo"},
		{fmt.Errorf("%w: %w", errInput, errWritten), "no se puede seguir leyendo la entrada: el archivo cambió mientras se leía: puede que aún se esté escribiendo"},
		{errors.New("no such payment, says somebody else"), "no such payment, says somebody else"},
	} {
		if got := a.describe(row.err); got != row.want {
			t.Errorf("%s, want %s", got, row.want)
		}
	}
}
