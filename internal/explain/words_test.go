package explain

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/i18n/i18ntest"
	"github.com/remesa/remesa/providers"
)

// noteArgument and codeArgument say which argument of the rules' functions is a note, and which is
// a code or the kind of an anomaly.
var (
	noteArgument = map[string]int{"toHeld": 1, "addHistory": 1, "addUnanswered": 1, "toReady": 1, "toInDoubt": 0, "toPending": 1, "toSucceeded": 1, "finalize": 1, "setState": 1}
	codeArgument = map[string]int{"toHeld": 0, "setReason": 0}
	kindArgument = map[string]int{"raiseAnomaly": 0, "raiseContradiction": 0, "watchUnrecorded": 0}
)

// TestEachNoteAndCodeOfTheRulesHasWords reads the rules: a new note, code or kind of anomaly needs
// words here.
func TestEachNoteAndCodeOfTheRulesHasWords(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../idempotency/rules/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no rules", err)
	}
	notes, codes, kinds := map[string]bool{}, map[string]bool{"no_status_query": true, "mismatch": true}, map[string]bool{}
	constants := map[string]string{}
	var calls []*ast.CallExpr
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				calls = append(calls, n)
			case *ast.ValueSpec:
				for i, value := range n.Values {
					if text, is := literal(value, nil); is {
						constants[n.Names[i].Name] = text
					}
				}
			}
			return true
		})
	}
	for _, call := range calls {
		f, is := call.Fun.(*ast.SelectorExpr)
		if !is {
			continue
		}
		for into, argument := range map[*map[string]bool]map[string]int{&notes: noteArgument, &codes: codeArgument, &kinds: kindArgument} {
			if i, is := argument[f.Sel.Name]; is && i < len(call.Args) {
				if text, is := literal(call.Args[i], constants); is && text != "" {
					(*into)[text] = true
				}
			}
		}
	}
	for _, b := range idempotency.Brakes() {
		codes[string(b)] = true
	}
	if len(notes) < 20 || len(codes) < 18 || len(kinds) < 8 {
		t.Fatalf("only %d notes, %d codes and %d kinds were found: %v %v %v", len(notes), len(codes), len(kinds), notes, codes, kinds)
	}
	for _, w := range []words{english, spanish} {
		for note := range notes {
			if !knownNote(w, note) {
				t.Errorf("the note %q has no words", note)
			}
		}
		for code := range codes {
			if w.Codes[code] == "" {
				t.Errorf("the code %q has no words", code)
			}
		}
		for kind := range kinds {
			if w.Anomalies[kind] == "" {
				t.Errorf("the anomaly %q has no words", kind)
			}
		}
	}
}

func literal(e ast.Expr, constants map[string]string) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.Ident:
		text, is := constants[e.Name]
		return text, is
	}
	return "", false
}

func knownNote(w words, note string) bool {
	for n := range w.Notes {
		if n.note == note {
			return true
		}
	}
	return false
}

func TestWhatIsNotKnownIsNotSaid(t *testing.T) {
	t.Parallel()
	for says, row := range map[string]struct {
		before idempotency.State
		entry  idempotency.AuditEntry
		want   string
	}{
		"a code of the provider": {idempotency.Sending, idempotency.AuditEntry{State: idempotency.Ready, Attempt: 2, Note: "E-7"},
			"The attempt was not executed, so the payment may be sent again. The note says: E-7."},
		"an anomaly of a newer worker": {idempotency.Failed, idempotency.AuditEntry{State: idempotency.Failed, Note: "anomaly: moon"},
			"A contradiction came up (anomaly moon)."},
		"a note of a newer worker":   {idempotency.Held, idempotency.AuditEntry{State: idempotency.Held, Note: "moon"}, "It is held for an operator. The note says: moon."},
		"a change of a newer worker": {idempotency.Reversed, idempotency.AuditEntry{State: idempotency.Pending}, "The provider has it and decides later."},
		"a message that begins as a step by hand does": {idempotency.InDoubt, idempotency.AuditEntry{State: idempotency.Held, Note: "by order of the bank"},
			"No machine can decide what became of it: it is held for an operator, and not sent again. The note says: by order of the bank."},
		"queued after a gap": {unknown, idempotency.AuditEntry{State: idempotency.Queued}, "It waits to be sent."},
	} {
		if got := InEnglish().tell(row.before, row.entry); got != row.want {
			t.Errorf("%s:\ngot  %s\nwant %s", says, got, row.want)
		}
	}
	r := idempotency.Record{State: idempotency.Failed, Code: "E-051", Message: "insufficient funds"}
	if got := InEnglish().reason(r); got != `Its code is E-051 ("insufficient funds").` {
		t.Error(got)
	}
}

func TestNextNamesWhoMustAct(t *testing.T) {
	t.Parallel()
	at := time.Unix(1, 0)
	for _, row := range []struct {
		record idempotency.Record
		who    Who
		text   string
	}{
		{idempotency.Record{State: idempotency.Queued}, Remesa, "remesa will send it"},
		{idempotency.Record{State: idempotency.Queued, ParkReason: "halted"}, Operator, "the end of the halt of the provider"},
		{idempotency.Record{State: idempotency.Ready, ParkReason: "rate"}, Remesa, "rate limit"},
		{idempotency.Record{State: idempotency.Pending, ActionURL: "https://x"}, Payer, "the payer must act"},
		{idempotency.Record{State: idempotency.Pending}, Provider, "decides later"},
		{idempotency.Record{State: idempotency.Held, Code: "forgotten_send"}, Operator, "The store forgot sends"},
		{idempotency.Record{State: idempotency.Blocked, Code: "limit_hour"}, Operator, "release or cancel it"},
		{idempotency.Record{State: idempotency.Failed, Anomaly: "late_success"}, Operator, "executed all the same"},
		{idempotency.Record{State: idempotency.Succeeded}, Nobody, "None"},
	} {
		row.record.NextDue = at
		got := InEnglish().NextStep(row.record)
		if got.Who != row.who || !strings.Contains(got.Text, row.text) || !got.At.Equal(at) {
			t.Errorf("%s %s: %+v", row.record.State, row.record.ParkReason, got)
		}
	}
}

func TestBothLanguagesTellTheSame(t *testing.T) {
	t.Parallel()
	i18ntest.Complete(t, english, spanish, "Who[remesa]", "Phrases.By", "Phrases.State", "Waits.AccountFor")
}

func TestAPaymentIsToldInSpanish(t *testing.T) {
	t.Parallel()
	at := time.Unix(1, 0)
	r := idempotency.Record{
		State: idempotency.Held, Attempts: 1, MayHaveLeft: true, Code: "poll_deadline", Message: "HTTP 502", ProviderID: "77",
		History: []idempotency.AuditEntry{
			{At: at, State: idempotency.Queued},
			{At: at, State: idempotency.Sending, Attempt: 1},
			{At: at, State: idempotency.InDoubt, Attempt: 1, Note: "lease lapsed"},
			{At: at, State: idempotency.Held, Attempt: 1, Note: "no final answer by the poll deadline"},
			{At: at, State: idempotency.Held, Attempt: 1, Note: "anomaly: late_success"},
			{At: at, State: idempotency.Held, Attempt: 1, Note: "anomaly cleared by ana: cartola 3"},
			{At: at, State: idempotency.Succeeded, Attempt: 1, Note: "by ana: cartola 3"},
			{At: at, State: idempotency.Succeeded, Attempt: 1, Note: "E-7"},
		},
	}
	story := In(i18n.New(i18n.Spanish, nil)).Explain(r)
	var got []string
	for _, s := range story.Sentences {
		got = append(got, s.Text)
	}
	got = append(got, story.Now, story.Next.Text)
	want := []string{
		"Se registró y espera su envío.",
		"Comenzó el intento 1: desde aquí su solicitud puede salir.",
		"El intento no informó mientras lo tenía, y pudo ejecutarse. Se pregunta al proveedor de pago antes de enviar algo de nuevo.",
		"El proveedor de pago no dio una respuesta definitiva dentro del plazo: queda por revisar por un operador y no se envía de nuevo.",
		"Apareció una contradicción (anomalía late_success): había fallado, y el proveedor de pago dice que se ejecutó.",
		"Un operador resolvió la anomalía (por ana: cartola 3).",
		"Un operador lo dio por ejecutado (por ana: cartola 3).",
		"Se ejecutó. La nota dice: E-7.",
		"Por revisar (held): en duda, y decide un operador. Consta un intento, y pudo ejecutarse. El id. del proveedor es 77. " +
			"Su código es poll_deadline: el proveedor de pago no dio una respuesta definitiva a tiempo («HTTP 502»).",
		"El proveedor de pago no dio una respuesta definitiva a tiempo: busque la referencia en el proveedor de pago o en el banco y después resuélvalo.",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Each class of answer has words in both languages, and an answer stands behind what it led to.
func TestAnAnswerIsToldBehindWhatItLedTo(t *testing.T) {
	t.Parallel()
	answer := idempotency.Answer{Question: idempotency.AskToPay, HTTPStatus: 200, Class: "succeeded", Took: 78 * time.Millisecond}
	r := idempotency.Record{State: idempotency.Succeeded, Attempts: 1, History: []idempotency.AuditEntry{
		{State: idempotency.Sending, Attempt: 1}, {State: idempotency.Succeeded, Attempt: 1, Answer: answer},
		{State: idempotency.Succeeded, Attempt: 1, Answer: idempotency.Answer{Question: idempotency.AskStatus, Class: "moon"}},
	}}
	got := InEnglish().Explain(r).Sentences
	if text := got[1].Text; text != InEnglish().words.Changes[change{idempotency.Sending, idempotency.Succeeded}]+" Payout request: HTTP 200, executed, after 78 ms." {
		t.Error(text)
	}
	if text := got[2].Text; text != "Status query: no HTTP response, moon, after 0 ms." {
		t.Error(text)
	}
	classes := []string{"not_sent", "credentials", "unknown"}
	for _, c := range []providers.Class{
		providers.Succeeded, providers.Pending, providers.Refused, providers.NotFound, providers.InDoubt, providers.Duplicate, providers.Mismatch,
	} {
		classes = append(classes, string(c))
	}
	for _, l := range []i18n.Tag{i18n.English, i18n.Spanish} {
		words := i18n.New(l, nil).States.Answer.Class
		for _, c := range classes {
			if words[c] == "" {
				t.Errorf("the class %s has no words in %s", c, l)
			}
		}
	}
}
