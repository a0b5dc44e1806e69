package dashboard

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/csvcell"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/providers"
)

// consolePages are pages that can be asked for with the fake ledger.
var consolePages = []string{"/payments/show?key=virtualpos/p", "/payments/list", "/payments/list?state=anomaly", "/payments/list?state=failed&code=x",
	"/payments/groups", "/payments/subscriptions", "/payments/subscriptions/show?id=sub-1", "/payments/subscriptions/calendar", "/payments/rejected",
	"/payments/halts"}

// someBilling is a subscription with a period that has two charges.
type someBilling struct{}

func (someBilling) sub() billing.Subscription {
	return billing.Subscription{ID: "sub-1", Provider: "pagoseguro", Account: "default", State: billing.Paused, Reason: billing.HardDecline, Amount: "32900.50",
		Currency: "COP", Added: testNow.Add(-time.Hour), NextDue: testNow.Add(24 * time.Hour)}
}

func (b someBilling) Page(context.Context, billing.PageQuery) ([]billing.Subscription, billing.Place, bool, error) {
	return []billing.Subscription{b.sub()}, billing.Place{Added: 1, ID: "sub-1", Provider: "pagoseguro"}, true, nil
}

func (b someBilling) Get(_ context.Context, id string) (billing.Details, error) {
	if id != "sub-1" {
		return billing.Details{}, fmt.Errorf("%s: %w", id, billing.ErrUnknown)
	}
	charges := []billing.PeriodCharge{{Reference: "SUB1-1", State: "failed"}, {Reference: "SUB1-1R", DunningAttempt: 1, State: billing.ChargeUnknown}}
	return billing.Details{Subscription: b.sub(), Periods: []billing.Period{{Number: 1, Due: testNow, State: "failed", Charges: charges},
		{Number: 2, Due: testNow, State: billing.PeriodStateSkipped}}, History: []billing.AuditEntry{{At: testNow, Action: "paused", By: "ana", Note: "a note"}}}, nil
}

func (someBilling) Upcoming(_ context.Context, provider string, _ time.Time, _ int) ([]billing.Upcoming, bool, error) {
	if provider != "pagoseguro" {
		return nil, false, nil
	}
	return []billing.Upcoming{{Due: testNow.Add(-time.Hour), Amount: "10", Currency: "COP"}, {Due: testNow.Add(time.Hour), Amount: "20", Currency: "COP"},
		{Due: testNow.Add(72 * time.Hour), Amount: "149.50", Currency: "MXN"}}, true, nil
}

// inSpanish asks as a Chilean browser does.
func inSpanish(path string) *http.Request {
	r := get(path)
	r.Header.Set("Accept-Language", "es-CL,es;q=0.9")
	return r
}

func TestEveryPageSpeaksTheReadersLanguage(t *testing.T) {
	santiago, err := time.LoadLocation("America/Santiago")
	if err != nil {
		t.Fatal(err)
	}
	o := options(t)
	o.Billing = someBilling{}
	o.InBrowser = func(accept string) i18n.Locale { return i18n.New(i18n.FromHeader(accept), santiago) }
	d := o.Ledger.(*fakeLedger)
	d.halts["etpay"] = "2026-05-15 halt * by ana: storm"
	d.rejected = []idempotency.RejectedTask{{Provider: "etpay", TaskID: "t", Reason: idempotency.RejectInvalid, At: testNow}}
	d.records[0].Code = "no_status_query"
	h := New(o)
	for _, row := range []struct{ path, english, spanish string }{
		{"/payments/show?key=virtualpos/p", "What happened", "Qué pasó"},
		{"/payments/show?key=virtualpos/p", "Held attempt 1", "Por revisar intento 1"},
		{"/payments/show?key=virtualpos/p", "2026-05-15 02:30:00 (UTC-04:00)", "15-05-2026 02:30:00 (UTC-04:00)"},
		{"/payments/show?key=none", "No such payment", "No existe esa operación"},
		{"/payments/list", "Payments: Held", "Operaciones: Por revisar"},
		{"/payments/list", "12,500 CLP", "$12.500 CLP"},
		{"/payments/list?state=failed", "None.", "No hay."},
		{"/payments/groups", "no_status_query the provider has no status query for it", "no_status_query al proveedor de pago no se le puede preguntar por él"},
		{"/payments/subscriptions", "the card or its holder was refused for good 32,900.50 COP", "la tarjeta o su titular fue rechazado en definitiva $32.900,50 COP"},
		{"/payments/subscriptions/show?id=sub-1", "SUB1-1R : unknown (dunning 1)", "SUB1-1R : desconocido (reintento de cobro 1)"},
		{"/payments/subscriptions/show?id=sub-2", "There is no subscription sub-2.", "No hay una suscripción sub-2."},
		{"/payments/subscriptions/calendar", "2026-05-15 2 30 COP", "15-05-2026 2 $30 COP"},
		{"/payments/rejected", "etpay invalid a field is wrong", "etpay invalid un campo no es válido"},
		{"/payments/halts", "etpay, all accounts 2026-05-15 halt * by ana: storm", "etpay, todos los perfiles 2026-05-15 halt * by ana: storm"},
	} {
		contains(t, ask(t, h, get(row.path)).Body.String(), row.english)
		html := ask(t, h, inSpanish(row.path)).Body.String()
		contains(t, html, row.spanish)
		if !strings.Contains(html, `<html lang="es-CL">`) {
			t.Errorf("%s does not say that it is in Spanish", row.path)
		}
	}
}

func TestAChosenLanguageIsKept(t *testing.T) {
	h := New(options(t))
	w := ask(t, h, get("/payments/list?state=failed&lang=es"))
	if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || to != "/payments/list?state=failed" {
		t.Fatalf("%d %s", w.Code, to)
	}
	cookies := w.Result().Cookies()
	if len(cookies) != 1 || cookies[0].Value != "es" || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteLaxMode {
		t.Fatalf("%+v", cookies)
	}
	r := get("/payments/list?state=failed")
	r.AddCookie(cookies[0])
	contains(t, ask(t, h, r).Body.String(), "Operaciones: Fallido")
	for _, bad := range []string{"xx", "<script>", "es-CL-x-y-z-" + strings.Repeat("a", 100)} {
		if w := ask(t, h, get("/payments/list?lang="+url.QueryEscape(bad))); w.Code != http.StatusOK || len(w.Result().Cookies()) > 0 {
			t.Errorf("%q: %d", bad, w.Code)
		}
	}
}

func TestAFilterThatNobodyCanMeanIsSaid(t *testing.T) {
	for address, says := range map[string]string{
		"provider=nobody": "There is no such provider.", "account=A": "s name has small letters, digits and dashes", "code=" + strings.Repeat("x", 65): "The code is too long.",
		"reference=a/b": "A reference has letters", "fingerprint=a b": "A fingerprint has letters", "currency=clp": "A currency is three capital letters", "least=12.500,00": "Write amounts as",
		"most=1e9": "Write amounts as", "from=15-05-2026": "Write dates as", "to=x": "Write dates as", "after=x": "the list begins anew",
	} {
		_, html := view(t, newFakeLedger(), "/payments/list?"+address)
		contains(t, html, says)
		if w := ask(t, New(options(t)), get("/payments/list.csv?"+address)); w.Code != http.StatusBadRequest {
			t.Errorf("an export with %s: %d", address, w.Code)
		}
	}
}

func TestAListIsFilteredByEachField(t *testing.T) {
	d := &fakeLedger{}
	add := func(provider, account, reference, code, amount, currency string) {
		r := record(provider, reference, idempotency.Held)
		r.Key.Account, r.Code, r.Amount, r.Currency, r.Fingerprint = account, code, amount, currency, "v1:"+reference
		d.records = append(d.records, r)
	}
	add("virtualpos", "default", "aa-1", "not_found", "100", "CLP")
	add("virtualpos", "ventas", "aa-2", "mismatch", "9000000", "CLP")
	add("pagandocheck", "default", "bb-1", "not_found", "149.50", "MXN")
	for filter, want := range map[string][]string{
		"": {"aa-1", "aa-2", "bb-1"}, "provider=virtualpos": {"aa-1", "aa-2"}, "account=ventas": {"aa-2"}, "code=not_found": {"aa-1", "bb-1"},
		"reference=aa": {"aa-1", "aa-2"}, "currency=MXN": {"bb-1"}, "least=149.50": {"aa-2", "bb-1"}, "most=149.50": {"aa-1", "bb-1"},
		"least=100&most=100": {"aa-1"}, "state=failed": nil, "code=not_found&currency=CLP": {"aa-1"}, "fingerprint=v1:aa": {"aa-1", "aa-2"},
	} {
		_, html := view(t, d, "/payments/list?"+filter)
		if got := listed(html); !slices.Equal(got, want) {
			t.Errorf("%q lists %v", filter, got)
		}
	}
}

// listed are the references in the rows of a list, sorted.
func listed(html string) []string {
	var got []string
	for _, m := range regexp.MustCompile(`<th scope="row"><a href="[^"]*">[^<]*/([^</]+)</a>`).FindAllStringSubmatch(html, -1) {
		got = append(got, m[1])
	}
	slices.Sort(got)
	return got
}

// TestASparseFilterIsSearchedInParts: one page reads a bounded number of payments, and goes on
// where it ended.
func TestASparseFilterIsSearchedInParts(t *testing.T) {
	d := &fakeLedger{}
	for n := range listReads + 100 {
		r := record("virtualpos", fmt.Sprintf("p-%05d", n), idempotency.Held)
		d.records = append(d.records, r)
	}
	last := &d.records[len(d.records)-1]
	last.Code = "mismatch"
	_, html := view(t, d, "/payments/list?code=mismatch")
	contains(t, html, "Searched so far on this page: 2,000 payments.", "Continue to search")
	if got := listed(html); len(got) > 0 {
		t.Errorf("found %v at once", got)
	}
	_, html = view(t, d, nextPage(t, html))
	if got := listed(html); !slices.Equal(got, []string{last.Key.Reference}) || strings.Contains(html, `rel="next"`) {
		t.Errorf("then %v", got)
	}
}

func nextPage(t *testing.T, html string) string {
	t.Helper()
	m := regexp.MustCompile(`<a href="([^"]*)" rel="next">`).FindStringSubmatch(html)
	if m == nil {
		t.Fatalf("there is no next page:\n%s", visible(html))
	}
	return strings.ReplaceAll(m[1], "&amp;", "&")
}

func TestCellsOfAnExportAreNoFormulas(t *testing.T) {
	for cell, want := range map[string]string{
		"": "", "tef-1": "tef-1", "12500": "12500", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "a=1": "a=1",
	} {
		if got := csvcell.Literal(cell); got != want {
			t.Errorf("%q becomes %q", cell, got)
		}
	}
	d := newFakeLedger()
	d.records[0].ProviderID, d.records[0].Message = "=HYPERLINK(1)", "canary"
	_, text := view(t, d, "/payments/list.csv")
	if !strings.Contains(text, "'=HYPERLINK(1)") || strings.Contains(text, "canary") {
		t.Error(text)
	}
}

// TestAnExportThatCannotBeCompletedIsCut: whoever saves it sees that it is no whole.
func TestAnExportThatCannotBeCompletedIsCut(t *testing.T) {
	d := newFakeLedger()
	d.broken = "etpay"
	o := options(t)
	o.Ledger = d
	defer func() {
		if p := recover(); p != any(http.ErrAbortHandler) {
			t.Errorf("the export ended with %v", p)
		}
	}()
	New(o).ServeHTTP(httptest.NewRecorder(), get("/payments/list.csv"))
}

// slowLedger takes its time for each page, as a large one does.
type slowLedger struct{ *fakeLedger }

func (l slowLedger) Page(ctx context.Context, q idempotency.PageQuery) ([]idempotency.Record, idempotency.Place, bool, error) {
	time.Sleep(7 * time.Second)
	if ctx.Err() != nil {
		return nil, q.After, false, ctx.Err()
	}
	return l.fakeLedger.Page(ctx, q)
}

// TestALongExportIsCompleted: the server's own limit for reading a request does not end it.
func TestALongExportIsCompleted(t *testing.T) {
	o := options(t)
	o.Ledger = slowLedger{newFakeLedger()}
	synctest.Test(t, func(t *testing.T) {
		p := pipeListener{make(chan net.Conn)}
		server := Server(New(o))
		go func() { _ = server.Serve(p) }()
		client, conn := net.Pipe()
		p.conns <- conn
		go func() {
			_, _ = io.WriteString(client, "GET /payments/list.csv HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Basic "+basic()+"\r\n\r\n")
		}()
		begun := time.Now()
		response, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if took := time.Since(begun); err != nil || !strings.Contains(string(text), "virtualpos/p") || took < 20*time.Second {
			t.Errorf("after %s: %v, %q", took, err, text)
		}
		_ = server.Close()
	})
}

// hold makes that many payments held after a provider that hung, each of which may have been
// executed.
func (r *fixture) hold(n int, prefix string) {
	r.t.Helper()
	ctx, work := r.t.Context(), make(chan idempotency.Key)
	var rs []idempotency.Registration
	for i := range n {
		k := idempotency.Key{Provider: "virtualpos", Account: "default", Reference: fmt.Sprintf("%s-%04d", prefix, i)}
		rs = append(rs, idempotency.Registration{Key: k, Type: "payout", Fingerprint: "f-" + k.Reference, Amount: fmt.Sprint(1000 + i), Currency: "CLP",
			Payload: []byte("{}")})
	}
	if _, err := r.ledger.Register(ctx, rs...); err != nil {
		r.t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for k := range work {
				attempt := idempotency.NewAttempt()
				if _, err := r.ledger.Begin(ctx, k, idempotency.BeginParams{Attempt: attempt, Lease: time.Minute}); err != nil {
					r.t.Error(err)
				}
				hung := idempotency.AttemptResult{Attempt: attempt, MoneyStepReached: true, Outcome: providers.Outcome{Class: providers.InDoubt, Code: "timeout"}}
				if _, err := r.ledger.Finish(ctx, k, hung); err != nil {
					r.t.Error(err)
				}
			}
		})
	}
	for _, reg := range rs {
		work <- reg.Key
	}
	close(work)
	wg.Wait()
}

// bulkForHeld is the form of a list of all held payments.
func bulkForHeld(changes ...string) url.Values {
	f := url.Values{"query": {"state=held"}, "which": {"matching"}, "step": {"resolve failed"}, "by": {"ana"}, "note": {"the list of 15 May"}}
	for i := 0; i < len(changes); i += 2 {
		f.Set(changes[i], changes[i+1])
	}
	return f
}

func haltOf(provider string) url.Values {
	return url.Values{"do": {"halt"}, "provider": {provider}, "by": {"ana"}, "note": {"storm"}}
}

func (r *fixture) show(path string) string {
	r.t.Helper()
	w := ask(r.t, r.pages, get(path))
	if w.Code != http.StatusOK {
		r.t.Fatalf("%s: %d %s", path, w.Code, visible(w.Body.String()))
	}
	return w.Body.String()
}

func (r *fixture) countHeld() int64 {
	r.t.Helper()
	counts, err := r.ledger.Counts(r.t.Context(), "virtualpos")
	if err != nil {
		r.t.Fatal(err)
	}
	return counts[idempotency.Held]
}

func TestABadDayIsListedGroupedAndExported(t *testing.T) {
	r := newRig(t)
	r.hold(120, "bad")
	r.hold(5, "other")
	var got []string
	html := r.show("/payments/list?state=held")
	got = append(got, listed(html)...)
	for strings.Contains(html, `rel="next"`) {
		html = r.show(nextPage(t, html))
		got = append(got, listed(html)...)
	}
	slices.Sort(got)
	if len(slices.Compact(got)) != 125 || got[0] != "bad-0000" || got[124] != "other-0004" {
		t.Errorf("%d payments in all pages: %v", len(got), got)
	}
	contains(t, r.show("/payments/groups?state=held"), "timeout virtualpos 125 132,150 CLP")
	contains(t, r.show("/payments/groups?state=held&reference=other"), "virtualpos 5 5,010 CLP")
	rows, err := csv.NewReader(strings.NewReader(r.show("/payments/list.csv?state=held&reference=bad"))).ReadAll()
	if err != nil || len(rows) != 121 || !slices.Equal(rows[0], exportColumns) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if row := strings.Join(rows[1], " "); !strings.HasPrefix(row, "virtualpos/bad-0000 payout virtualpos default bad-0000 held timeout") {
		t.Error(row)
	}
}

func TestManyAreSettledAsConfirmed(t *testing.T) {
	r := newRig(t)
	r.hold(60, "bad")
	r.hold(3, "other")
	all := bulkForHeld("query", "state=held&reference=bad")
	confirmation := ask(t, r.pages, post("/payments/bulk", all.Encode())).Body.String()
	contains(t, confirmation, "Settle it as failed: 60 payments?", "Number 60", "Sum 61,770 CLP", "Reference begins with: bad", "Your name ana (login ana, 192.0.2.1)",
		"Why the list of 15 May", "type the number of payments (60)")
	confirmed := hiddenIn(confirmation, "/payments/bulk/apply")
	for typed, says := range map[string]string{"": "is not the number of payments", "61": "is not the number of payments"} {
		confirmed.Set("typed", typed)
		w := ask(t, r.pages, post("/payments/bulk/apply", confirmed.Encode()))
		if contains(t, w.Body.String(), says); w.Code != http.StatusUnprocessableEntity || r.countHeld() != 63 {
			t.Fatalf("typed %q: %d, %d held", typed, w.Code, r.countHeld())
		}
	}
	confirmed.Set("typed", "60")
	w := ask(t, r.pages, post("/payments/bulk/apply", confirmed.Encode()))
	contains(t, w.Body.String(), "virtualpos/bad-0000 1,000 CLP : done", "Ended: 60 of 60 were done.")
	if rows := strings.Count(w.Body.String(), "</span>: done</li>"); w.Code != http.StatusOK || rows != 60 || r.countHeld() != 3 {
		t.Fatalf("%d, %d results, %d held", w.Code, rows, r.countHeld())
	}
	rec, err := r.ledger.Show(t.Context(), idempotency.Key{Provider: "virtualpos", Account: "default", Reference: "bad-0059"})
	if err != nil {
		t.Fatal(err)
	}
	if last := rec.History[len(rec.History)-1]; rec.State != idempotency.Failed || last.Note != "by ana (login ana, 192.0.2.1): the list of 15 May" {
		t.Errorf("%s, %+v", rec.State, last)
	}
	w = ask(t, r.pages, post("/payments/bulk/apply", confirmed.Encode()))
	contains(t, w.Body.String(), "The payments have changed")
}

// hiddenIn is what the form with this action holds.
func hiddenIn(html, action string) url.Values {
	f := url.Values{}
	_, html, _ = strings.Cut(html, `action="`+action+`"`)
	html, _, _ = strings.Cut(html, "</form>")
	for _, m := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(html, -1) {
		value := strings.NewReplacer("&amp;", "&", "&#39;", "'", "&#43;", "+").Replace(m[2])
		f[m[1]] = append(f[m[1]], value)
	}
	return f
}

// TestWhatChangedSinceTheConfirmationIsNotSettled: one more, one less, or another version of one.
func TestWhatChangedSinceTheConfirmationIsNotSettled(t *testing.T) {
	for says, change := range map[string]func(r *fixture){
		"one more": func(r *fixture) { r.hold(1, "late") },
		"one less": func(r *fixture) {
			k := idempotency.Key{Provider: "virtualpos", Account: "default", Reference: "bad-0001"}
			rec, err := r.ledger.Show(r.t.Context(), k)
			if err == nil {
				_, err = r.ledger.Resolve(r.t.Context(), k, rec.Version, idempotency.Resolution{Actor: idempotency.Actor{By: "eva", Note: "seen"}, As: "succeeded"})
			}
			if err != nil {
				r.t.Fatal(err)
			}
		},
	} {
		t.Run(says, func(t *testing.T) {
			r := newRig(t)
			r.hold(4, "bad")
			confirmed := hiddenIn(ask(t, r.pages, post("/payments/bulk", bulkForHeld().Encode())).Body.String(), "/payments/bulk/apply")
			change(r)
			before := r.countHeld()
			confirmed.Set("typed", "4")
			w := ask(t, r.pages, post("/payments/bulk/apply", confirmed.Encode()))
			if w.Code != http.StatusConflict || r.countHeld() != before {
				t.Errorf("%d, %d held after %d", w.Code, r.countHeld(), before)
			}
			contains(t, w.Body.String(), "The payments have changed", "Nothing was done")
		})
	}
}

func TestOnlyTheChosenAreSettled(t *testing.T) {
	r := newRig(t)
	r.hold(5, "bad")
	chosen := bulkForHeld("which", "selected", "step", "resolve succeeded")
	chosen["key"] = []string{"virtualpos/bad-0001", "virtualpos/bad-0003"}
	confirmation := ask(t, r.pages, post("/payments/bulk", chosen.Encode())).Body.String()
	contains(t, confirmation, "Settle it as succeeded: 2 payments?", "Sum 2,004 CLP")
	confirmed := hiddenIn(confirmation, "/payments/bulk/apply")
	confirmed.Set("typed", "2")
	contains(t, ask(t, r.pages, post("/payments/bulk/apply", confirmed.Encode())).Body.String(), "Ended: 2 of 2 were done.")
	for reference, want := range map[string]idempotency.State{"bad-0000": idempotency.Held, "bad-0001": idempotency.Succeeded, "bad-0003": idempotency.Succeeded} {
		if got := r.state(reference); got != want {
			t.Errorf("%s is %s", reference, got)
		}
	}
	html := r.show("/payments/list?state=succeeded")
	if got := listed(html); !slices.Equal(got, []string{"bad-0001", "bad-0003"}) {
		t.Errorf("the settled ones are listed as %v", got)
	}
	contains(t, html, "Read from the outcomes")
	if got := listed(r.show("/payments/list?state=succeeded&least=1002")); !slices.Equal(got, []string{"bad-0003"}) {
		t.Errorf("filtered by amount: %v", got)
	}
}

// TestPaymentsOfAllPartitionsAreListed, each once, in either order, whatever instant they share.
func TestPaymentsOfAllPartitionsAreListed(t *testing.T) {
	r := newRig(t)
	r.ledger = idempotency.NewRedis(r.rdb, idempotency.Options{Default: idempotency.DefaultPolicy(), Partitions: idempotency.Partitions{"virtualpos": 3}})
	if err := r.ledger.CheckPartitions(t.Context(), "virtualpos"); err != nil {
		t.Fatal(err)
	}
	o := options(t)
	o.Ledger, o.Redis, o.Now = r.ledger, r.rdb, time.Now
	r.pages = New(o)
	r.hold(120, "bad")
	all := func(path string) []string {
		var got []string
		for html := r.show(path); ; html = r.show(nextPage(t, html)) {
			if got = append(got, listed(html)...); !strings.Contains(html, `rel="next"`) {
				slices.Sort(got)
				return got
			}
		}
	}
	want := all("/payments/list?state=held")
	if len(slices.Compact(want)) != 120 {
		t.Fatalf("%d are held: %v", len(want), want)
	}
	confirmed := hiddenIn(ask(t, r.pages, post("/payments/bulk", bulkForHeld("step", "resolve succeeded").Encode())).Body.String(), "/payments/bulk/apply")
	confirmed.Set("typed", "120")
	contains(t, ask(t, r.pages, post("/payments/bulk/apply", confirmed.Encode())).Body.String(), "Ended: 120 of 120 were done.")
	for _, path := range []string{"/payments/list?state=succeeded", "/payments/list?state=succeeded&sort=oldest"} {
		if got := all(path); !slices.Equal(got, want) {
			t.Errorf("%s: %d payments: %v", path, len(got), got)
		}
	}
}

// TestWhatTheLedgerRefusesIsToldOfEachPayment: the others are done all the same.
func TestWhatTheLedgerRefusesIsToldOfEachPayment(t *testing.T) {
	r := newRigThatSettles(t, time.Hour)
	r.hold(2, "bad")
	f := bulkForHeld("step", "resolve not-received") // within the settle time of their attempts' leases
	confirmed := hiddenIn(ask(t, r.pages, post("/payments/bulk", f.Encode())).Body.String(), "/payments/bulk/apply")
	confirmed.Set("typed", "2")
	html := ask(t, r.pages, post("/payments/bulk/apply", confirmed.Encode())).Body.String()
	contains(t, html, "not done : the settle time has not passed", "Ended: 0 of 2 were done.")
	if r.countHeld() != 2 {
		t.Error("something was done")
	}
}

func TestABulkFormThatIsNotRightDoesNothing(t *testing.T) {
	for _, row := range []struct {
		form url.Values
		code int
		says string
	}{
		{bulkForHeld("by", ""), 422, "Give your name"}, {bulkForHeld("note", ""), 422, "Say why"}, {bulkForHeld("by", "a (login b)"), 422, "without brackets"},
		{bulkForHeld("step", ""), 422, "Choose what is to be done."}, {bulkForHeld("step", "retry"), 422, "Choose what is to be done."},
		{bulkForHeld("step", "anomaly reverse"), 422, "Choose what is to be done."}, {bulkForHeld("query", "state=succeeded"), 422, "Choose what is to be done."},
		{bulkForHeld("which", "selected"), 422, "Choose payments in the list"}, {bulkForHeld("query", "state=held&least=x"), 422, "Write amounts as"},
		{bulkForHeld("which", "selected", "key", "no key"), 400, "Not a form of ours"}, {bulkForHeld("note", "a\x00"), 400, "Not a form of ours"},
		{bulkForHeld("which", "selected", "key", "virtualpos/gone"), 409, "No payment is left"}, {bulkForHeld("query", "%zz"), 400, "Not a form of ours"},
	} {
		o := options(t)
		d := o.Ledger.(*fakeLedger)
		w := ask(t, New(o), post("/payments/bulk", row.form.Encode()))
		if contains(t, w.Body.String(), row.says); w.Code != row.code || len(d.calls) > 0 {
			t.Errorf("%v: %d, the ledger was told %q", row.form, w.Code, d.calls)
		}
		w = ask(t, New(o), post("/payments/bulk/apply", row.form.Encode()))
		if w.Code < 400 || len(d.calls) > 0 {
			t.Errorf("%v applied: %d, the ledger was told %q", row.form, w.Code, d.calls)
		}
	}
}

func TestAProviderIsHaltedAndGoesOn(t *testing.T) {
	o := options(t)
	d := o.Ledger.(*fakeLedger)
	d.halts["virtualpos"] = "2026-05-15 halt * by eva: storm"
	h := New(o)
	contains(t, ask(t, h, get("/payments/halts")).Body.String(), "virtualpos, all accounts 2026-05-15 halt * by eva: storm", "Let it go on: virtualpos, all accounts")
	second := haltOf("etpay")
	second.Set("account", "second")
	over := haltOf("virtualpos")
	over.Set("do", "unhalt")
	over.Set("account", "*")
	for _, f := range []url.Values{haltOf("etpay"), second, over} {
		if w := ask(t, h, post("/payments/halts", f.Encode())); w.Code != http.StatusSeeOther {
			t.Errorf("%v: %d %s", f, w.Code, visible(w.Body.String()))
		}
	}
	want := []string{"halt etpay  by ana (login ana, 192.0.2.1): storm", "halt etpay second by ana (login ana, 192.0.2.1): storm",
		"unhalt virtualpos  by ana (login ana, 192.0.2.1): storm"}
	if !slices.Equal(d.calls, want) {
		t.Errorf("the ledger was told %q", d.calls)
	}
	for name, value := range map[string]string{"provider": "nobody", "by": "", "note": "", "account": "A B", "do": "destroy"} {
		f := haltOf("etpay")
		f.Set(name, value)
		if w := ask(t, h, post("/payments/halts", f.Encode())); w.Code < 400 || len(d.calls) != len(want) {
			t.Errorf("%s %q: %d, the ledger was told %q", name, value, w.Code, d.calls)
		}
	}
}

func TestRejectedTasksAreListedByReason(t *testing.T) {
	d := newFakeLedger()
	for _, reason := range []idempotency.RejectReason{idempotency.RejectInvalid, idempotency.RejectConflict} {
		d.rejected = append(d.rejected, idempotency.RejectedTask{Provider: "etpay", Key: idempotency.Key{Provider: "etpay", Account: "default", Reference: string(reason)},
			Queue: "etpay", TaskID: "t-" + string(reason), Reason: reason, Message: "amount: differs", At: testNow.Add(-time.Hour)})
	}
	_, html := view(t, d, "/payments/rejected")
	contains(t, html, "etpay/conflict conflict another payment has its reference amount: differs", "etpay/invalid invalid a field is wrong")
	_, html = view(t, d, "/payments/rejected?reason=conflict&provider=etpay")
	if contains(t, html, "etpay t-conflict"); strings.Contains(html, "t-invalid") {
		t.Error("the filter does nothing")
	}
	_, html = view(t, d, "/payments/rejected?provider=virtualpos")
	contains(t, html, "None.")
}

func TestSubscriptionsAreAbsentWhereNobodyShowsThem(t *testing.T) {
	for _, path := range []string{"/payments/subscriptions", "/payments/subscriptions/show?id=x", "/payments/subscriptions/calendar"} {
		if w := ask(t, New(options(t)), get(path)); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// TestAnotherVersionOfAPaymentIsNotSettled, also where state and amount are the same.
func TestAnotherVersionOfAPaymentIsNotSettled(t *testing.T) {
	o := options(t)
	d := o.Ledger.(*fakeLedger)
	h := New(o)
	confirmed := hiddenIn(ask(t, h, post("/payments/bulk", bulkForHeld().Encode())).Body.String(), "/payments/bulk/apply")
	confirmed.Set("typed", "1")
	d.records[0].Version++
	if w := ask(t, h, post("/payments/bulk/apply", confirmed.Encode())); w.Code != http.StatusConflict || len(d.calls) > 0 {
		t.Errorf("%d, the ledger was told %q", w.Code, d.calls)
	}
	d.records[0].Version--
	if w := ask(t, h, post("/payments/bulk/apply", confirmed.Encode())); w.Code != http.StatusOK || len(d.calls) != 1 {
		t.Errorf("%d, the ledger was told %q", w.Code, d.calls)
	}
}

// TestAChosenPaymentOfAnotherStateIsLeftAlone: it has moved on since the list was shown.
func TestAChosenPaymentOfAnotherStateIsLeftAlone(t *testing.T) {
	o := options(t)
	o.Ledger.(*fakeLedger).records[0].State = idempotency.InDoubt
	w := ask(t, New(o), post("/payments/bulk", bulkForHeld("which", "selected", "key", "virtualpos/p").Encode()))
	if contains(t, w.Body.String(), "No payment is left"); w.Code != http.StatusConflict {
		t.Errorf("%d", w.Code)
	}
}
