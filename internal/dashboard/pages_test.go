package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/seal"
)

// view opens a path with this ledger behind it.
func view(t *testing.T, d *fakeLedger, path string) (int, string) {
	t.Helper()
	o := options(t)
	o.Ledger = d
	w := ask(t, New(o), get(path))
	return w.Code, w.Body.String()
}

// visible is a page's text without its markup, white space as one blank.
func visible(html string) string {
	text := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(html, " ")
	return strings.Join(strings.Fields(text), " ")
}

func contains(t *testing.T, html string, wants ...string) {
	t.Helper()
	text := visible(html)
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
}

func TestTheOverviewSaysWhatNeedsSomebody(t *testing.T) {
	d := newFakeLedger()
	doubt := record("pagandocheck", "PAY-1", idempotency.InDoubt)
	doubt.Amount, doubt.Currency = "149.50", "MXN"
	doubt2 := doubt
	doubt2.Key.Reference, doubt2.Amount = "PAY-2", "0.50"
	odd := record("virtualpos", "odd", idempotency.Succeeded)
	odd.Anomaly = "second_success"
	odd.History = append(odd.History, idempotency.AuditEntry{At: testNow.Add(-50 * time.Hour), State: idempotency.Succeeded, Note: "anomaly: second_success"})
	blocked := record("etpay", "limit", idempotency.Blocked)
	d.records = append(d.records, doubt, doubt2, odd, blocked)
	d.halts["etpay"] = "2026-05-15 halt * by ana: storm"
	at := idempotency.Loss{Since: 1_795_000_000_000}
	proven, declared := at, at
	proven.From, proven.To, declared.Declared = 3, 7, "ana: restored a backup"
	d.epochs = map[string]idempotency.Epoch{"virtualpos": {Number: 2, Loss: &proven}, "etpay": {Number: 1, Loss: &declared}, "coordinador": {Number: 9}}
	code, html := view(t, d, "/payments")
	if code != http.StatusOK {
		t.Fatal(code)
	}
	contains(t, html, "The store forgot sends 2", "virtualpos , since 2026-11-18 11:06:40 (UTC) : 4 sends are missing",
		"etpay , since 2026-11-18 11:06:40 (UTC) : nobody knows how many sends are missing; declared by ana: restored a backup")
	contains(t, html, "With an anomaly 1", "virtualpos/odd 12,500 CLP 2 days Two executions are known", "Held 1", "virtualpos/p 12,500 CLP 3 h 0 min",
		"In doubt 2", "Sum: 150.00 MXN", "Blocked 1", "etpay/limit", "Halted providers 1", "etpay , all accounts: 2026-05-15 halt * by ana: storm",
		"State etpay pagandocheck virtualpos", "Held in doubt, and an operator decides 0 0 1 12,500 CLP", "In doubt may have been executed; the provider is being queried 0 2 0 150.00 MXN")
}

func TestLongListsAreCutAndSayWhatIsMissing(t *testing.T) {
	for _, row := range []struct {
		n    int
		says []string
	}{
		{100, []string{"Held 100", "Sum: 1,250,000 CLP"}},
		{101, []string{"Held 101", "Sum: 1,262,500 CLP", "The 100 oldest are shown. 1 more are not"}},
		{1000, []string{"Held 1,000", "Sum: 12,500,000 CLP", "900 more are not"}},
		{1001, []string{"Held more than 1,000", "Sum: more than 12,500,000 CLP", "more than 900 more are not"}},
	} {
		d := &fakeLedger{}
		for n := range row.n {
			r := record("virtualpos", fmt.Sprintf("p-%04d", n), idempotency.Held)
			r.History[1].At = testNow.Add(-time.Duration(n) * time.Minute)
			d.records = append(d.records, r)
		}
		_, html := view(t, d, "/payments")
		contains(t, html, row.says...)
		if rows := strings.Count(html, "/payments/show?key="); rows != 100 {
			t.Errorf("%d: %d rows", row.n, rows)
		}
		oldest := min(row.n, 1000) - 1
		if !strings.Contains(html, fmt.Sprintf("p-%04d", oldest)) || row.n > 100 && strings.Contains(html, "p-0000") {
			t.Errorf("%d: the oldest is not among those shown", row.n)
		}
	}
}

func TestOneUnreadableProviderHidesNoOther(t *testing.T) {
	d := newFakeLedger()
	d.broken = "etpay"
	code, html := view(t, d, "/payments")
	if code != http.StatusOK {
		t.Fatal(code)
	}
	contains(t, html, "The payments of etpay could not all be read", "virtualpos/p", "Held at least 1",
		"In doubt at least 0 None among those that could be read.")
	if strings.Contains(html, "dial tcp") {
		t.Error("the page repeats the error")
	}
}

// TestADamagedRecordIsNotPassedOver: the lists skip it, and the page says that something is
// missing.
func TestADamagedRecordIsNotPassedOver(t *testing.T) {
	d := newFakeLedger()
	d.damaged = idempotency.Key{Provider: "virtualpos", Account: "default", Reference: "broken"}
	_, html := view(t, d, "/payments")
	contains(t, html, "The payments of virtualpos could not all be read", "virtualpos/p", "Held at least 1")
}

type dueSubscriptions struct {
	n   int64
	err error
}

func (s dueSubscriptions) Due(context.Context) (int64, time.Time, error) {
	return s.n, testNow.Add(-90 * time.Minute), s.err
}

func TestSubscriptionsThatAreDueAreShown(t *testing.T) {
	for _, row := range []struct {
		from Subscriptions
		says string
	}{
		{dueSubscriptions{n: 3}, "Subscriptions due 3 The oldest is due since 2026-05-15 08:00:00 (UTC) (1 h 30 min)."},
		{dueSubscriptions{}, "Subscriptions due 0 None."},
		{dueSubscriptions{err: errors.New("secret")}, "The subscriptions could not be read."},
	} {
		o := options(t)
		o.Subscriptions = row.from
		html := ask(t, New(o), get("/payments")).Body.String()
		contains(t, html, row.says)
		if strings.Contains(html, "secret") {
			t.Error("the page repeats the error")
		}
	}
}

func TestOnePaymentsPageTellsEverythingButPeoplesData(t *testing.T) {
	d := newFakeLedger()
	r := &d.records[0]
	r.Code, r.Message, r.ProviderID, r.Decline, r.MayHaveLeft = "not_found", "nobody knows", "id-77", "soft", true
	r.NextDue, r.Metadata, r.ActionURL = testNow.Add(time.Hour), map[string]string{"order": "canary-metadata"}, "https://pay.example/canary-session"
	r.Subscription, r.Period = "sub-1", "2026-05"
	code, html := view(t, d, "/payments/show?key=virtualpos/p")
	if code != http.StatusOK {
		t.Fatal(code)
	}
	contains(t, html, "virtualpos/p", "Held : in doubt", "12,500 CLP", "Code not_found", "Message nobody knows", "Provider&#39;s id id-77", "Kind of refusal soft",
		"1, at least one of which may have been executed", "Looked at next 2026-05-15 10:30:00 (UTC)", "sub-1, period 2026-05", "Metadata order",
		"2026-05-15 05:30:00 (UTC) Queued", "2026-05-15 06:30:00 (UTC) Held attempt 1 a note", "The provider does not know it")
	if !strings.Contains(html, `<time datetime="2026-05-15T06:30:00Z">`) {
		t.Error("times are not for machines")
	}
	if strings.Contains(html, "canary") {
		t.Error("the page shows what it must not")
	}
}

// TestWhatThisWorkerCannotOpenIsNamedNotShown: sealed texts give way to the reason, and nothing
// else does.
func TestWhatThisWorkerCannotOpenIsNamedNotShown(t *testing.T) {
	stored := "s1.2026.canary" + strings.Repeat("A", 60)
	for _, row := range []struct {
		name     string
		unopened error
		says     string
	}{
		{"another's key", fmt.Errorf("message: %w", seal.ErrUnknownKey), "sealed; this worker has no key"},
		{"another's key, and damage", errors.Join(seal.ErrTampered, seal.ErrUnknownKey), "sealed; this worker has no key"},
		{"damage", fmt.Errorf("message: %w", seal.ErrTampered), "sealed; changed or moved since"},
	} {
		d := newFakeLedger()
		r := &d.records[0]
		r.Message, r.ActionURL, r.DecryptErr = stored, stored, row.unopened
		r.History[1].Note = stored
		r.History[0].Note = "plain words"
		_, html := view(t, d, "/payments/show?key=virtualpos/p")
		contains(t, html, "texts can be read here: "+row.says+".", "Message "+row.says, "Held attempt 1 "+row.says, "Queued plain words", "Payer&#39;s link there is one")
		if strings.Contains(html, "canary") {
			t.Errorf("%s: the page shows the text as it is stored", row.name)
		}
	}
	if _, html := view(t, newFakeLedger(), "/payments/show?key=virtualpos/p"); strings.Contains(html, "sealed") {
		t.Error("a payment that could be opened is called sealed")
	}
}

func TestEveryPageIsFitForAScreenReader(t *testing.T) {
	d := newFakeLedger()
	for _, path := range append([]string{"/payments", "/payments/show?key=virtualpos/none"}, consolePages...) {
		_, html := view(t, d, path)
		for _, want := range []string{`<html lang="en">`, `<title>`, `<main id="main"`, `<nav aria-label="Main">`, `<a class="skip" href="#main">`, `role="search"`,
			`<label for="search">`, `name="viewport"`} {
			if !strings.Contains(html, want) {
				t.Errorf("%s lacks %s", path, want)
			}
		}
		if n := strings.Count(html, "<h1>"); n != 1 {
			t.Errorf("%s has %d headings of the first order", path, n)
		}
		for _, th := range regexp.MustCompile(`<th[ >][^>]*`).FindAllString(html, -1) {
			if !strings.Contains(th, "scope=") {
				t.Errorf("%s: %s has no scope", path, th)
			}
		}
		for _, id := range regexp.MustCompile(`<(?:input|select) id="([^"]+)"`).FindAllStringSubmatch(html, -1) {
			if !strings.Contains(html, `<label for="`+id[1]+`"`) {
				t.Errorf("%s: %s has no label", path, id[1])
			}
		}
		if regexp.MustCompile(`(?i)<script|<style| style=| on[a-z]+=`).MatchString(html) {
			t.Errorf("%s has something that the policy forbids", path)
		}
	}
}

const markup = `"><script>alert(1)</script><img src=x onerror=alert(2)>'`

func TestMarkupInAPaymentIsText(t *testing.T) {
	d := newFakeLedger()
	r := &d.records[0]
	r.Code, r.Message, r.ProviderID, r.Amount, r.Anomaly, r.Type = markup, markup, markup, markup, markup, markup
	r.Metadata, r.Subscription, r.Period, r.Decline = map[string]string{markup: markup}, markup, markup, markup
	r.History[1].Note = markup
	d.halts["etpay"] = markup
	d.epochs = map[string]idempotency.Epoch{"etpay": {Loss: &idempotency.Loss{Declared: markup}}}
	form := url.Values{"step": {"anomaly"}, "as": {"accept"}, "key": {"virtualpos/p"}, "version": {"7"}, "by": {markup}, "note": {markup}}
	o := options(t)
	o.Ledger = d
	h := New(o)
	unfinished := url.Values{"step": {"resolve"}, "key": {"virtualpos/p"}, "version": {"7"}, "by": {markup}, "note": {markup}, "provider_id": {markup}}
	for _, r := range []*http.Request{get("/payments"), get("/payments/show?key=virtualpos/p"), get("/payments/show?key=" + url.QueryEscape(markup)),
		get("/payments/show?key=" + url.QueryEscape("a/"+markup)), get("/payments/show?key=virtualpos/p&done=" + url.QueryEscape(markup)),
		post("/payments/confirm", form.Encode()), post("/payments/confirm", unfinished.Encode())} {
		html := ask(t, h, r).Body.String()
		if strings.Contains(html, "<script") || strings.Contains(html, "<img") {
			t.Errorf("%s %s: the page has the markup", r.Method, r.URL)
		}
	}
}

func TestAPaymentIsFoundByKeyAndByReference(t *testing.T) {
	d := newFakeLedger()
	d.records = append(d.records, record("etpay", "two", idempotency.Pending), record("pagoseguro", "two", idempotency.Succeeded))
	o := options(t)
	o.Ledger = d
	h := New(o)
	for _, row := range []struct {
		key      string
		code     int
		location string
		says     string
	}{
		{"virtualpos/p", 200, "", "virtualpos/p"},
		{"virtualpos/default/p", 200, "", "virtualpos/p"},
		{" virtualpos/p ", 200, "", "virtualpos/p"},
		{"p", 303, "/payments/show?key=virtualpos%2Fp", ""},
		{"two", 200, "", "Several payments have this reference etpay/two : Pending, 12,500 CLP pagoseguro/two"},
		{"none", 404, "", "No such payment"},
		{"virtualpos/none", 404, "", "The ledger has no payment virtualpos/none."},
		{"virtualpos/..", 404, "", "No such payment"},
		{"../../etc/passwd", 400, "", "Not a key"},
		{"no such key", 400, "", "Not a key"},
		{"", 303, "/payments", ""},
	} {
		w := ask(t, h, get("/payments/show?key="+url.QueryEscape(row.key)))
		if w.Code != row.code || w.Header().Get("Location") != row.location || !strings.Contains(visible(w.Body.String()), row.says) {
			t.Errorf("%q: %d %q %s", row.key, w.Code, w.Header().Get("Location"), visible(w.Body.String()))
		}
	}
}

func TestNothingIsCalledNoneWhereNothingCouldBeRead(t *testing.T) {
	d := newFakeLedger()
	d.broken = "*"
	code, html := view(t, d, "/payments")
	if code != http.StatusServiceUnavailable || strings.Contains(html, "None") {
		t.Errorf("%d %s", code, visible(html))
	}
	contains(t, html, "The ledger cannot be read")
}

func TestALedgerThatDoesNotAnswerIsSaidInWords(t *testing.T) {
	d := newFakeLedger()
	d.broken = "virtualpos"
	code, html := view(t, d, "/payments/show?key=virtualpos/p")
	if code != http.StatusServiceUnavailable || strings.Contains(html, "dial tcp") {
		t.Errorf("%d %s", code, html)
	}
	contains(t, html, "The ledger cannot be read")
}
