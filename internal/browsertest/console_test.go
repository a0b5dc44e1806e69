package browsertest

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/dashboard"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/login"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

// badDay is the pages over a ledger of its own.
type badDay struct {
	demo
	t      *testing.T
	rdb    redis.UniversalClient
	ledger *idempotency.Ledger
}

const badPassword = "a-password-of-tests"

func startBadDay(t *testing.T) *badDay {
	t.Helper()
	rdb := redistest.Start(t).Client()
	santiago, err := time.LoadLocation("America/Santiago")
	if err != nil {
		t.Fatal(err)
	}
	b := &badDay{t: t, rdb: rdb, ledger: idempotency.NewRedis(rdb, idempotency.Options{Default: idempotency.DefaultPolicy()})}
	server := httptest.NewServer(dashboard.New(dashboard.Options{
		Ledger: b.ledger, Redis: rdb, Users: []login.User{login.Plain("ana", badPassword)}, Writable: true, Log: zerolog.Nop(),
		Billing:   billing.NewClient(billing.ClientConfig{Store: billing.NewStore(rdb, billing.StoreOptions{}), Ledger: b.ledger}),
		InBrowser: func(accept string) i18n.Locale { return i18n.New(i18n.FromHeader(accept), santiago) },
	}))
	t.Cleanup(server.Close)
	b.demo = demo{server.URL, "ana", badPassword}
	return b
}

// hold makes payments that are held after a provider that hung: each may have been executed. Nobody
// is asked, so that they stay held.
func (b *badDay) hold(n int, prefix string) {
	b.t.Helper()
	ctx, work := b.t.Context(), make(chan idempotency.Key)
	var rs []idempotency.Registration
	for i := range n {
		k := idempotency.Key{Provider: "virtualpos", Account: "default", Reference: fmt.Sprintf("%s-%04d", prefix, i)}
		rs = append(rs, idempotency.Registration{Key: k, Type: "payout", Fingerprint: "f-" + k.Reference, Amount: "12500", Currency: "CLP", Payload: []byte("{}")})
	}
	if _, err := b.ledger.Register(ctx, rs...); err != nil {
		b.t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for k := range work {
				hung := idempotency.AttemptResult{Attempt: idempotency.NewAttempt(), MoneyStepReached: true, Outcome: providers.Outcome{Class: providers.InDoubt, Code: "timeout"}}
				_, err := b.ledger.Begin(ctx, k, idempotency.BeginParams{Attempt: hung.Attempt, Lease: time.Minute})
				if err == nil {
					_, err = b.ledger.Finish(ctx, k, hung)
				}
				if err != nil {
					b.t.Error(err)
				}
			}
		})
	}
	for _, r := range rs {
		work <- r.Key
	}
	close(work)
	wg.Wait()
}

// furnish adds what the other pages show.
func (b *badDay) furnish() {
	b.t.Helper()
	ctx := b.t.Context()
	sub, err := tasks.DecodeSubscription([]byte(`{"id":"sub-1","provider":"pagoseguro","amount":"32900","currency":"COP","description":"Canal",
"start":"` + time.Now().AddDate(0, 0, 3).Format(time.DateOnly) + `","schedule":{"every":"week","at":"09:00","timezone":"America/Bogota"},
"customer":{"name":"Ana Ruiz","email":"ana@example.com","document_type":1,"document":"100000000","phone":"3100000000","address":"Calle 10 # 10-99",
"city":"Bogotá","first_names":"Ana","last_names":"Ruiz"},
"card":{"token":"eyJpdiI6","brand":"MasterCard","expiry_month":6,"expiry_year":31,"installments":1}}`))
	if err != nil {
		b.t.Fatal(err)
	}
	store := billing.NewStore(b.rdb, billing.StoreOptions{})
	_, err = store.Add(ctx, billing.NewAddition(sub, nil, time.Now()))
	if err == nil {
		_, err = b.ledger.RejectTask(ctx, idempotency.RejectedTask{Provider: "etpay", Queue: "etpay", TaskID: "t-1", Reason: idempotency.RejectInvalid,
			Message: "amount: must be a decimal string"})
	}
	if err == nil {
		err = b.ledger.Halt(ctx, "etpay", "", idempotency.Actor{By: "eva", Note: "a storm"})
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// walked is what the walk through a bad day reads on the pages, in one language.
type walked struct {
	screen
	prefix                                                          string
	group, list, confirm, count, sum, done, none, exportName, state string
}

// TestABadDayIsSettledInBulk: 400 payments held after a provider that hung are grouped, filtered,
// settled at once with a confirmation, and exported; the same on a phone in Spanish.
func TestABadDayIsSettledInBulk(t *testing.T) {
	findBrowser(t)
	b := startBadDay(t)
	for _, w := range []walked{
		{desktop, "bad", "Groups: Held", "Payments: Held", "Settle it as failed: 400 payments?", "400", "5,000,000 CLP", "Ended: 400 of 400 were done.",
			"None matches the filter.", "Export as CSV", "Failed"},
		{phoneSpanish, "mal", "Grupos: Por revisar", "Operaciones: Por revisar", "¿Resolver como fallida: 400 operaciones?", "400", "$5.000.000 CLP",
			"Terminado: se hicieron 400 de 400.", "Ninguna coincide con el filtro.", "Exportar como CSV", "Fallido"},
	} {
		t.Run("settle"+w.name, func(t *testing.T) { b.settle(t, w) })
	}
}

func (b *badDay) settle(t *testing.T, w walked) {
	b.hold(400, w.prefix)
	v := visit(t, &b.demo, w.screen)
	v.open("/payments/groups?state=held")
	v.see(w.group, "timeout", w.count, w.sum)
	v.isAccessible()
	v.picture("groups")
	v.follow(`tbody th a`)
	v.see(w.list, w.prefix+"-0000")
	v.do("open the filter", chromedp.Click(chromedp.CSS(`details.filter:not([open]) summary, details.filter[open] input[name="reference"]`)))
	v.do("filter", chromedp.SendKeys(chromedp.CSS(`input[name="reference"]`), w.prefix))
	v.follow(`details.filter button`)
	v.see(w.list, w.prefix+"-0000")
	v.isAccessible()
	v.picture("list")
	value[string](v, `document.querySelector("#f-sort").value = "largest"`)
	v.follow(`details.filter button`)
	v.see(w.list, w.prefix+"-0000")
	v.do("choose all on the page", chromedp.Click(chromedp.CSS(`input[value="page"]`)), chromedp.Click(chromedp.CSS(`input[value="resolve failed"]`)),
		chromedp.SendKeys(chromedp.CSS(`#bulk-note`), "support, ticket 4711"))
	v.follow(`fieldset.step button`)
	v.see(": 50 ", w.prefix+"-0000")
	v.open("/payments/list?state=held&sort=largest&reference=" + w.prefix)
	v.do("choose all that match", chromedp.Click(chromedp.CSS(`input[value="matching"]`)), chromedp.Click(chromedp.CSS(`input[value="resolve failed"]`)),
		chromedp.SendKeys(chromedp.CSS(`#bulk-note`), "support, ticket 4711"))
	v.follow(`fieldset.step button`)
	v.see(w.confirm, w.sum, "ana (login ana, 127.0.0.1)", "support, ticket 4711")
	v.isAccessible()
	v.picture("bulk")
	v.do("type the number", chromedp.SendKeys(chromedp.CSS(`#typed`), w.count))
	v.follow(`form.step button`)
	v.see(w.done)
	v.isAccessible()
	v.open("/payments/list?state=held&reference=" + w.prefix)
	v.see(w.none)
	v.open("/payments/list?state=failed&reference=" + w.prefix)
	v.see(w.prefix+"-0399", w.exportName)
	b.wantExport(value[string](v, `[...document.querySelectorAll(".paging a")].map(a => a.getAttribute("href")).find(h => h.includes(".csv"))`), 400)
	v.open("/payments/show?key=virtualpos/" + w.prefix + "-0007")
	v.see(w.state, "by ana (login ana, 127.0.0.1): support, ticket 4711")
	if wrong := v.complaints(); len(wrong) > 0 {
		t.Errorf("the browser complains: %q", wrong)
	}
}

// wantExport gets what a browser would save: its page may fetch nothing by itself.
func (b *badDay) wantExport(path string, payments int) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.SetBasicAuth(b.user, b.password)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	rows, err := csv.NewReader(response.Body).ReadAll()
	if err != nil || len(rows) != payments+1 {
		b.t.Errorf("%s: %d rows, %v", path, len(rows), err)
	}
}

// TestEveryPageIsAccessible in both languages, on a desk and on a phone, in the light and in the
// dark scheme.
func TestEveryPageIsAccessible(t *testing.T) {
	findBrowser(t)
	b := startBadDay(t)
	b.hold(8, "bad")
	b.furnish()
	for _, s := range []screen{desktop, phone, desktopSpanish, phoneSpanish} {
		t.Run("axe"+s.name, func(t *testing.T) {
			v := visit(t, &b.demo, s)
			for _, path := range []string{"/payments", "/payments/list?state=held", "/payments/list?state=succeeded&least=x", "/payments/groups?state=held",
				"/payments/show?key=virtualpos/bad-0001", "/payments/show?key=none", "/payments/subscriptions", "/payments/subscriptions/show?id=sub-1",
				"/payments/subscriptions/calendar", "/payments/rejected", "/payments/halts"} {
				v.open(path)
				v.isAccessible()
			}
			if want, _, _ := strings.Cut(s.language, ","); !strings.HasPrefix(want, value[string](v, `document.documentElement.lang.slice(0, 2)`)) {
				t.Errorf("the page is not in %s", want)
			}
		})
	}
}

// finding is one rule of axe-core's that a page breaks.
type finding struct {
	ID, Impact string
	Nodes      []struct{ Target []string }
}

// axe is axe-core's script.
var axe = sync.OnceValues(func() (string, error) {
	script, err := os.ReadFile("testdata/axe-core/axe.min.js")
	return string(script), err
})

// isAccessible checks the page by axe-core, which must find nothing serious, and its width.
func (v *visitor) isAccessible() {
	v.t.Helper()
	v.fitsTheScreen()
	script, err := axe()
	if err != nil {
		v.t.Fatal(err)
	}
	if _, err := chromedp.Run(v.ctx, chromedp.Evaluate[bool](script+"\n;true")); err != nil {
		v.t.Fatal(err)
	}
	text, err := chromedp.Run(v.ctx, chromedp.Evaluate[string](`axe.run(document, {resultTypes: ["violations"]}).then(r => JSON.stringify(
		r.violations.filter(v => v.impact == "serious" || v.impact == "critical").map(v => ({ID: v.id, Impact: v.impact, Nodes: v.nodes.map(n => ({Target: n.target.map(String)}))}))))`,
		chromedp.EvalAwaitPromise))
	if err != nil {
		v.t.Fatal(err)
	}
	var found []finding
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		v.t.Fatal(err)
	}
	for _, f := range found {
		v.t.Errorf("%s: %s (%s) at %v", value[string](v, "location.pathname + location.search"), f.ID, f.Impact, f.Nodes[:min(3, len(f.Nodes))])
	}
}
