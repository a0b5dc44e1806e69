package coordinador_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/coordinador"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/sandbox"
	simulator "github.com/remesa/remesa/providers/sandbox/coordinador"
)

func newTLSPortal(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(simulator.New(simulator.Options{}, sandbox.Options{}))
	server.Config.ErrorLog = discardLogger()
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// Every line: what happened to the instruction before, and what our attempt, and then a status
// query, come to.
func TestWhatIsRegisteredAlready(t *testing.T) {
	t.Parallel()
	const mismatch = providers.Mismatch
	for _, row := range []struct {
		name    string
		rows    []string // amounts that somebody registered for the instruction
		sent    bool     // an attempt of ours may have
		want    providers.Class
		code    string
		message string
		id      string
		arrived int
	}{
		{"nothing", nil, false, providers.Succeeded, "registered", "", "1", 1},
		{"nothing, though an attempt of ours may have", nil, true, providers.Succeeded, "registered", "", "1", 1},
		{"our amount, by somebody else", []string{"119000"}, false, mismatch, "already_registered", "execution 900001: 119000", "", 0},
		{"another amount, by somebody else", []string{"5"}, false, mismatch, "already_registered", "execution 900001: 5", "", 0},
		{"twice, by somebody else", []string{"119000", "119000"}, false, mismatch, "already_registered", "execution 900001: 119000; execution 900002: 119000", "", 0},
		{"our amount, after an attempt of ours", []string{"119000"}, true, providers.Succeeded, "registered", "", "900001", 0},
		{"our amount with decimals, after an attempt of ours", []string{"119000.00"}, true, providers.Succeeded, "registered", "", "900001", 0},
		{"another amount, after an attempt of ours", []string{"100000"}, true, mismatch, "other_amount", "execution 900001: 100000", "", 0},
		{"twice, after an attempt of ours", []string{"119000", "119000"}, true, mismatch, "several_rows", "execution 900001: 119000; execution 900002: 119000", "", 0},
	} {
		s := newFixture(t, simulator.Options{})
		p := payoutOf(t, "PAY-1", 7)
		for _, amount := range row.rows {
			s.AddRow(7, amount)
		}
		var r providertest.CheckpointRecorder
		if row.sent {
			r.ProviderRefs = map[string]string{"sent": "1"}
		}
		queried, err := s.query(t, p, &r)
		before := row.want
		if len(row.rows) == 0 {
			before = providers.NotFound
		}
		if err != nil || queried.Class != before {
			t.Errorf("%s, asked: got %+v, %v", row.name, queried, err)
		}
		o, err := s.pay(t, p, &r)
		if err != nil || o.Class != row.want || o.Code != row.code || o.Message != row.message || o.ProviderID != row.id {
			t.Errorf("%s: got %+v, %v", row.name, o, err)
		}
		if n := s.ArrivalCount("PAY-1"); n != row.arrived || r.MoneySteps() != row.arrived {
			t.Errorf("%s: %d registrations arrived, %d noted; want %d", row.name, n, r.MoneySteps(), row.arrived)
		}
	}
}

// A row counts as ours only where an attempt of ours may have made it.
func TestAnAttemptThatProvablyDidNothingLeavesNoClaim(t *testing.T) {
	t.Parallel()
	send := func(kind string) sandbox.Fault {
		return sandbox.Fault{Kind: kind, Operation: sandbox.SendOperation, Next: 1}
	}
	for _, row := range []struct {
		name   string
		faults []sandbox.Fault
		before string
		after  string
	}{
		{"refused as too busy", []sandbox.Fault{send("throttled")}, "", ""},
		{"refused for its token, twice", []sandbox.Fault{send("unauthorized"), send("unauthorized")}, "", ""},
		{"refused for its content", []sandbox.Fault{send("decline")}, "", ""},
		{"refused as a duplicate", []sandbox.Fault{send("duplicate")}, "", ""},
		{"in doubt", []sandbox.Fault{send("hang_up_before")}, "", "1"},
		{"accepted", nil, "", "1"},
		{"refused as too busy, after one in doubt", []sandbox.Fault{send("throttled")}, "1", "1"},
		{"refused as a duplicate, after one in doubt", []sandbox.Fault{send("duplicate")}, "1", "1"},
		{"refused for its content, after one in doubt", []sandbox.Fault{send("decline")}, "1", "1"},
	} {
		s := newFixture(t, simulator.Options{}, row.faults...)
		r := providertest.CheckpointRecorder{ProviderRefs: map[string]string{"sent": row.before}}
		o, err := s.pay(t, payout(t, "PAY-1"), &r)
		if r.ProviderRefs["sent"] != row.after || r.MoneySteps() != 1 {
			t.Errorf("%s: came to %+v, %v and left %v", row.name, o, err, r.ProviderRefs)
		}
	}
}

// A duplicate that was refused before any attempt of ours may have left is somebody else's, though
// it has our amount.
func TestADuplicateIsNotOurs(t *testing.T) {
	t.Parallel()
	for _, left := range []bool{false, true} {
		s := newFixture(t, simulator.Options{}, sandbox.Fault{Kind: "duplicate"})
		p := payoutOf(t, "PAY-1", 7)
		var r providertest.CheckpointRecorder
		if left {
			r.ProviderRefs = map[string]string{"sent": "1"}
		}
		if o, err := s.pay(t, p, &r); err != nil || o.Class != providers.Duplicate {
			t.Fatalf("left %v: came to %+v, %v", left, o, err)
		}
		s.AddRow(7, "119000")
		want := map[bool]providers.Class{false: providers.Mismatch, true: providers.Succeeded}[left]
		o, err := s.query(t, p, &r)
		if err != nil || o.Class != want || !left && o.Code != "already_registered" || o.Echo.Complete {
			t.Errorf("left %v: found %+v, %v", left, o, err)
		}
	}
}

// An attempt of which the ledger knows, and whose provider reference is lost, may have made the
// row.
func TestTheLedgerKnowsOfAnEarlierAttempt(t *testing.T) {
	t.Parallel()
	for left, want := range map[bool]providers.Class{false: providers.Mismatch, true: providers.Succeeded} {
		s := newFixture(t, simulator.Options{})
		s.AddRow(7, "119000")
		a := (&providertest.CheckpointRecorder{}).Attempt()
		a.MayHaveLeft = left
		o, err := s.client.Pay(t.Context(), payoutOf(t, "PAY-1", 7), a)
		if err != nil || o.Class != want || s.ArrivalCount("PAY-1") != 0 {
			t.Errorf("left %v: got %+v, %v", left, o, err)
		}
	}
}

func TestAnAttemptThatIsNoLongerTheOwnerSendsNothing(t *testing.T) {
	t.Parallel()
	s := newFixture(t, simulator.Options{})
	r := providertest.CheckpointRecorder{MoneyStepErr: errors.New("another attempt owns it")}
	_, err := s.pay(t, payout(t, "PAY-1"), &r)
	var notSent *providers.NotSent
	if !errors.As(err, &notSent) || notSent.Reason != "superseded" || s.ArrivalCount("PAY-1") != 0 || r.ProviderRefs["sent"] != "" {
		t.Errorf("got %v, %d arrived", err, s.ArrivalCount("PAY-1"))
	}
}

func TestAFilterThatIsIgnoredMisleadsNobody(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name      string
		elsewhere int
		ours      bool
		want      string // of a status query
	}{
		{"others alone", 3, false, "lists other instructions"},
		{"others beyond what is read", 1001, false, "more rows"},
		{"others and ours", 3, true, ""},
		{"none at all", 0, false, ""},
	} {
		s := newFixture(t, simulator.Options{AnyInstruction: true})
		for range row.elsewhere {
			s.AddRow(8, "119000")
		}
		want := providers.NotFound
		if row.ours {
			s.AddRow(7, "119000")
			want = providers.Succeeded
		}
		r := providertest.CheckpointRecorder{ProviderRefs: map[string]string{"sent": "1"}}
		o, err := s.query(t, payoutOf(t, "PAY-1", 7), &r)
		if row.want == "" && (err != nil || o.Class != want) || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: got %+v, %v", row.name, o, err)
		}
		if _, err := s.pay(t, payoutOf(t, "PAY-1", 7), &r); row.want != "" && (err == nil || s.ArrivalCount("PAY-1") != 0) {
			t.Errorf("%s: sent all the same: %v", row.name, err)
		}
	}
}

func TestRowsAreReadToTheirEnd(t *testing.T) {
	t.Parallel()
	s := newFixture(t, simulator.Options{PageSize: 2})
	for range 5 {
		s.AddRow(7, "119000")
	}
	r := providertest.CheckpointRecorder{ProviderRefs: map[string]string{"sent": "1"}}
	o, err := s.query(t, payoutOf(t, "PAY-1", 7), &r)
	if err != nil || o.Class != providers.Mismatch || !strings.HasSuffix(o.Message, "; 1 more") || len(o.Message) > 120 {
		t.Errorf("got %+v, %v", o, err)
	}
}

// Every line: the pages that the portal answers with, one after another, and how many of them are
// read.
func TestPagesThatDoNotFitTogetherAreNoStatusResult(t *testing.T) {
	t.Parallel()
	row := func(id int) string {
		return fmt.Sprintf(`{"id":%d,"instruction":7,"execution":%d,"amount":119000}`, id, id)
	}
	for _, line := range []struct {
		name  string
		pages []string
		read  int
	}{
		{"more rows than are counted", []string{`{"count":1,"results":[` + row(1) + `,` + row(2) + `]}`}, 1},
		{"rows, and a count of none", []string{`{"count":0,"results":[` + row(1) + `]}`}, 1},
		{"no rows, and a count", []string{`{"count":1,"results":[]}`}, 1},
		{"a page too few", []string{`{"count":2,"results":[` + row(1) + `]}`, `{"count":2,"results":[]}`}, 2},
		{"one row less meanwhile", []string{`{"count":3,"results":[` + row(1) + `]}`, `{"count":2,"results":[` + row(3) + `]}`}, 2},
		{"a row twice", []string{`{"count":2,"results":[` + row(1) + `]}`, `{"count":2,"results":[` + row(1) + `]}`}, 2},
	} {
		var read atomic.Int32
		server := newPortal(t, func(r *http.Request) string {
			if r.URL.Path == obtained {
				return `{"token":"t"}`
			}
			n := int(read.Add(1))
			return line.pages[min(n, len(line.pages))-1]
		})
		r := providertest.CheckpointRecorder{ProviderRefs: map[string]string{"sent": "1"}}
		p := payoutOf(t, "PAY-1", 7)
		s := fixture{client: newClient(t, server.config())}
		if o, err := s.query(t, p, &r); err == nil || !strings.Contains(err.Error(), "do not fit together") || int(read.Load()) != line.read {
			t.Errorf("%s: got %+v, %v after %d pages", line.name, o, err, read.Load())
		}
		if _, err := s.pay(t, p, &r); err == nil || len(server.sent(paid)) != 0 {
			t.Errorf("%s: sent all the same: %v", line.name, err)
		}
	}
}

func TestAPaymentWithoutInvoicesSendsAnEmptyList(t *testing.T) {
	t.Parallel()
	s := newFixture(t, simulator.Options{})
	p := payoutOf(t, "PAY-1", 7)
	spoiled(func(d *coordinador.Details) { d.DTEs = nil })(&p)
	if o, err := s.pay(t, p, &providertest.CheckpointRecorder{}); err != nil || o.Class != providers.Succeeded {
		t.Errorf("got %+v, %v", o, err)
	}
}

func TestStatusNeedsTheInstruction(t *testing.T) {
	t.Parallel()
	s := newFixture(t, simulator.Options{})
	if _, err := s.client.Status(t.Context(), providers.StatusQuery{Reference: "PAY-1", ProviderID: "7"}); err == nil || s.Logins() != 0 {
		t.Errorf("got %v", err)
	}
}

// A payment that the portal is known to have is ours, whatever is left of its provider references.
func TestAKnownExecutionIsOurs(t *testing.T) {
	t.Parallel()
	s := newFixture(t, simulator.Options{})
	s.AddRow(7, "119000")
	p := payoutOf(t, "PAY-1", 7)
	o, err := s.client.Status(t.Context(), providers.StatusQuery{Reference: "PAY-1", Amount: p.Amount, Payout: &p, ProviderID: "900001"})
	if err != nil || o.Class != providers.Succeeded || o.ProviderID != "900001" || o.Echo.Amount != "119000" {
		t.Errorf("got %+v, %v", o, err)
	}
}

// Every line: what somebody registered for the instruction of a payment that is final, and what a
// watch finds beside the execution that is known.
func TestAWatchNamesASecondExecution(t *testing.T) {
	t.Parallel()
	const one, two = "900001", "900002"
	for _, row := range []struct {
		name       string
		rows       []string
		known      string
		sent       string
		class      providers.Class
		id, second string
	}{
		{"the known one", []string{"119000"}, one, "1", providers.Succeeded, one, ""},
		{"another one", []string{"119000"}, "7", "1", providers.Succeeded, one, ""},
		{"the known one and another", []string{"119000", "119000"}, one, "1", providers.Succeeded, one, two},
		{"another and the known one", []string{"119000", "119000.00"}, two, "1", providers.Succeeded, two, one},
		{"two, and neither is known", []string{"119000", "119000"}, "", "1", providers.Succeeded, one, two},
		{"three", []string{"119000", "119000", "119000"}, two, "1", providers.Succeeded, two, one},
		{"the known one and another amount", []string{"119000", "5"}, one, "1", providers.Mismatch, "", ""},
		{"two that nobody of ours made", []string{"119000", "119000"}, "", "", providers.Mismatch, "", ""},
	} {
		s := newFixture(t, simulator.Options{})
		for _, amount := range row.rows {
			s.AddRow(7, amount)
		}
		p := payoutOf(t, "PAY-1", 7)
		o, err := s.client.Status(t.Context(), providers.StatusQuery{
			Reference: "PAY-1", Amount: p.Amount, Payout: &p, ProviderID: row.known, ByReference: true, ProviderRefs: map[string]string{"sent": row.sent},
		})
		if err != nil || o.Class != row.class || o.ProviderID != row.id || o.SecondID != row.second {
			t.Errorf("%s: got %+v, %v", row.name, o, err)
		}
	}
}

// Every line: what the portal says to a login, and how often it was asked for one by three payments
// in a row.
func TestRefusedCredentialsAreTriedOnce(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusBadRequest} {
		var logins atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			logins.Add(1)
			w.WriteHeader(status)
		}))
		t.Cleanup(server.Close)
		client := newClient(t, config(server.URL))
		for range 3 {
			_, err := client.Pay(t.Context(), payout(t, "PAY-1"), (&providertest.CheckpointRecorder{}).Attempt())
			var refused *providers.CredentialsError
			if !errors.As(err, &refused) || refused.Code != fmt.Sprintf("http_%d", status) {
				t.Errorf("%d: got %v", status, err)
			}
		}
		if n := logins.Load(); n != 1 {
			t.Errorf("%d: %d logins", status, n)
		}
	}
}

// Every line: how long after its login a token is needed again, and how it is renewed then.
func TestATokenIsRefreshedWhileThatIsAllowed(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	for _, row := range []struct {
		name      string
		later     time.Duration
		refuses   bool
		refreshed int
		obtained  int
	}{
		{"while it is good", day / 2, false, 0, 1},
		{"shortly before its end", day - time.Hour, false, 0, 2},
		{"after its end", day + time.Hour, false, 1, 1},
		{"after its end, where the portal refuses to refresh", day + time.Hour, true, 1, 2},
		{"after refreshing is over", 8 * day, false, 0, 2},
	} {
		at := newClock()
		server := newPortal(t, func(r *http.Request) string {
			if r.URL.Path == refreshed && row.refuses {
				panic(http.ErrAbortHandler)
			}
			return `{"access_token":"` + token(at.Now().Add(day)) + `"}`
		})
		c := server.config()
		c.Auth.Now = at.Now
		client := newClient(t, c)
		if err := client.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		at.Pass(row.later)
		err := client.Prepare(t.Context())
		renewed := func() bool {
			return len(server.sent(refreshed)) == row.refreshed && len(server.sent(obtained)) == row.obtained
		}
		for end := time.Now().Add(5 * time.Second); !renewed() && time.Now().Before(end); {
			<-time.After(time.Millisecond) // a token that is still good is renewed beside the payment
		}
		if err != nil || !renewed() {
			t.Errorf("%s: %v, refreshed %d, obtained %d times", row.name, err, len(server.sent(refreshed)), len(server.sent(obtained)))
		}
	}
}

// A portal that refused to refresh is not tried again: each refusal counts as a wrong password.
func TestARefusalToRefreshIsRemembered(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	at := newClock()
	var obtains, refreshes atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "refresh/") {
			refreshes.Add(1)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		obtains.Add(1)
		_, _ = w.Write([]byte(`{"token":"` + token(at.Now().Add(day)) + `"}`))
	}))
	t.Cleanup(server.Close)
	c := config(server.URL)
	c.Auth.Now = at.Now
	client := newClient(t, c)
	for range 4 {
		if err := client.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		at.Pass(2 * day)
	}
	if refreshes.Load() != 1 || obtains.Load() != 4 {
		t.Errorf("refreshed %d times, obtained %d times", refreshes.Load(), obtains.Load())
	}
}
