package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/logtest"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/internal/webhook"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/sandbox"
	simulator "github.com/remesa/remesa/providers/sandbox/etpay"
	"github.com/remesa/remesa/seal"
)

// fixture is a ledger on a real Redis, the simulated ETpay, a client of it, and the webhook that
// the client registers with ETpay.
type fixture struct {
	t        *testing.T
	redis    *redistest.Server
	ledger   *idempotency.Ledger
	provider *sandbox.Provider
	client   *etpay.Client
	handler  *httptest.Server
	log      logtest.Log // what the handler logged
}

func newFixture(t *testing.T, o webhook.Options) *fixture {
	t.Helper()
	s := &fixture{t: t, redis: redistest.Start(t), provider: simulator.New(simulator.Options{}, sandbox.Options{})}
	s.ledger = idempotency.NewRedis(s.redis.Client(), idempotency.Options{})
	o.Ledger, o.Log = s.ledger, zerolog.New(&s.log)
	s.handler = httptest.NewServer(webhook.New(o))
	t.Cleanup(s.handler.Close)
	server := httptest.NewServer(s.provider)
	t.Cleanup(server.Close)
	base := server.URL + s.provider.Prefix
	client, err := etpay.New(etpay.Config{
		BaseURL: base, PaymentURL: base, MerchantCode: "cl_sandbox_cl", MerchantAPIToken: "sandbox-merchant-api-token",
		WebhookURL: s.handler.URL + "/webhooks/etpay",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	s.client = client
	return s
}

func keyOf(reference string) idempotency.Key {
	return idempotency.Key{Provider: etpay.Name, Account: idempotency.DefaultAccount, Reference: reference}
}

func money(t *testing.T) providers.Money {
	t.Helper()
	m, err := providers.ParseMoney("50000", "CLP")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// open brings a charge to pending, as a worker does; the next poll is an hour away.
func (s *fixture) open(reference string) (k idempotency.Key, address string) {
	s.t.Helper()
	ctx := s.t.Context()
	k = keyOf(reference)
	registered := idempotency.Registration{Key: k, Type: "charge", Fingerprint: "1:x", Amount: "50000", Currency: "CLP", Payload: []byte("{}")}
	_, err := s.ledger.Register(ctx, registered)
	s.must(err)
	id := idempotency.NewAttempt()
	_, err = s.ledger.Begin(ctx, k, idempotency.BeginParams{Attempt: id, Lease: time.Minute, SafeFirstStep: true, Queryable: true})
	s.must(err)
	charge := providers.Charge{Payment: providers.Payment{Provider: k.Provider, Account: k.Account, Reference: reference, Amount: money(s.t)}}
	o, err := s.client.Charge(ctx, charge, providers.Attempt{
		ID: id,
		Checkpoint: func(ctx context.Context, h map[string]string, moves bool) error {
			_, err := s.ledger.Checkpoint(ctx, k, id, h, moves)
			return err
		},
		Alias: func(ctx context.Context, alias string) error { return s.ledger.Alias(ctx, k, alias) },
	})
	s.must(err)
	_, err = s.ledger.Finish(ctx, k, idempotency.AttemptResult{Attempt: id, Outcome: o, QueryAfter: time.Hour})
	s.must(err)
	return k, o.ActionURL
}

func (s *fixture) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// pay acts as the payer at the address. It returns the token that the browser gets, and the status
// with which the webhook answered the same report.
func (s *fixture) pay(address string) (token string, status int) {
	s.t.Helper()
	var page struct {
		Payment string `json:"payment"`
		Webhook int    `json:"webhook"`
	}
	code, body := s.send("POST", address, "application/x-www-form-urlencoded", "result=success")
	if code != http.StatusOK {
		s.t.Fatalf("the payer was answered %d", code)
	}
	s.must(json.Unmarshal([]byte(body), &page))
	return page.Payment, page.Webhook
}

func (s *fixture) send(method, address, kind, body string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, address, strings.NewReader(body))
	s.must(err)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	answer, err := http.DefaultClient.Do(r)
	s.must(err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	s.must(err)
	return answer.StatusCode, string(text)
}

func (s *fixture) report(token string) int {
	s.t.Helper()
	code, _ := s.send("POST", s.handler.URL+"/webhooks/etpay", "application/json", `{"payment":"`+token+`"}`)
	return code
}

// queries are the wake-ups that are due now.
func (s *fixture) queries() []idempotency.WakeUp {
	s.t.Helper()
	w, _, err := s.ledger.Due(s.t.Context(), idempotency.Partition{Provider: etpay.Name}, 100, idempotency.Lanes{QueryTimeout: time.Minute})
	s.must(err)
	return w
}

func (s *fixture) state(k idempotency.Key) idempotency.Record {
	s.t.Helper()
	r, err := s.ledger.Show(s.t.Context(), k)
	s.must(err)
	return r
}

// query makes a status query and records its result, as a worker does.
func (s *fixture) query(k idempotency.Key) {
	s.t.Helper()
	ctx := s.t.Context()
	q, err := s.ledger.StartQuery(ctx, k)
	s.must(err)
	o, err := s.client.Status(ctx, providers.StatusQuery{Reference: k.Reference, Amount: money(s.t), ProviderID: q.ProviderID, ProviderRefs: q.ProviderRefs})
	s.must(err)
	_, err = s.ledger.RecordStatus(ctx, k, idempotency.StatusResult{Version: q.Version, QueriedAt: q.QueriedAt, Outcome: o, QueryAfter: time.Hour})
	s.must(err)
}

func TestAReportMakesThePaymentDueAndDecidesNothing(t *testing.T) {
	t.Parallel()
	s := newFixture(t, webhook.Options{})
	k, address := s.open("OC1")
	if due := s.queries(); len(due) != 0 {
		t.Fatalf("due before anything happened: %v", due)
	}
	token, status := s.pay(address)
	if status != http.StatusOK {
		t.Fatalf("the webhook answered %d", status)
	}
	if r := s.state(k); r.State != idempotency.Pending || r.ProviderID != "" {
		t.Fatalf("a report alone made it %s %q", r.State, r.ProviderID)
	}
	if due := s.queries(); len(due) != 1 || due[0].Key != k || !due[0].Query {
		t.Fatalf("due after the report: %v", due)
	}
	s.query(k)
	if r := s.state(k); r.State != idempotency.Succeeded || r.ProviderID != "etp_000001" || r.Anomaly != "" {
		t.Fatalf("asked, it is %s %q, anomaly %q", r.State, r.ProviderID, r.Anomaly)
	}
	for range 3 {
		if status := s.report(token); status != http.StatusOK {
			t.Errorf("a repeated report was answered %d", status)
		}
	}
	if due := s.queries(); len(due) != 1 || !due[0].Query {
		t.Errorf("three repeated reports came to %v, want one question", due)
	}
	s.query(k)
	if r := s.state(k); r.State != idempotency.Succeeded || r.Anomaly != "" {
		t.Errorf("after repeated reports it is %s, anomaly %q", r.State, r.Anomaly)
	}
}

func TestASecondPaymentIsReportedToo(t *testing.T) {
	t.Parallel()
	s := newFixture(t, webhook.Options{})
	k, address := s.open("OC1")
	s.pay(address)
	s.query(k)
	if _, status := s.pay(address); status != http.StatusOK {
		t.Fatalf("the webhook answered %d", status)
	}
	if due := s.queries(); len(due) != 1 {
		t.Fatalf("due: %v", due)
	}
	s.query(k)
	if r := s.state(k); r.State != idempotency.Succeeded || r.ProviderID != "etp_000001" || r.Anomaly != "second_success" {
		t.Errorf("it is %s %q, anomaly %q", r.State, r.ProviderID, r.Anomaly)
	}
}

// forge makes a JWT by hand.
func forge(header, payload, key string) string {
	segment := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	text := segment(header) + "." + segment(payload)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return text + "." + segment(string(mac.Sum(nil)))
}

func TestWhatIsNoReport(t *testing.T) {
	t.Parallel()
	s := newFixture(t, webhook.Options{})
	s.open("OC1")
	s.open("OC2")
	const hs256, form = `{"alg":"HS256","typ":"JWT"}`, "application/x-www-form-urlencoded"
	about := func(session string) string {
		return fmt.Sprintf(`{"session_token":%q,"payment_token":"p","payment_status":"success"}`, session)
	}
	wrapped := func(token string) string { return `{"payment":"` + token + `"}` }
	good := forge(hs256, about("ses_000001"), "sig-000001-sandbox")
	for _, row := range []struct {
		name, method, path, kind, body string
		want                           int
	}{
		{"another method", "GET", "/webhooks/etpay", "", "", 405},
		{"another path", "POST", "/webhooks/other", "application/json", wrapped(good), 404},
		{"the root", "GET", "/", "", "", 404},
		{"another type", "POST", "/webhooks/etpay", "text/plain", wrapped(good), 415},
		{"no type", "POST", "/webhooks/etpay", "", wrapped(good), 415},
		{"too large", "POST", "/webhooks/etpay", "application/json", wrapped(good) + strings.Repeat(" ", webhook.MaxBody), 413},
		{"no JSON", "POST", "/webhooks/etpay", "application/json", "payment", 400},
		{"no payment", "POST", "/webhooks/etpay", "application/json", `{"other":"x"}`, 400},
		{"a payment that is no text", "POST", "/webhooks/etpay", "application/json", `{"payment":{}}`, 400},
		{"no form", "POST", "/webhooks/etpay", form, "%zz", 400},
		{"no JWT", "POST", "/webhooks/etpay", "application/json", wrapped("a.b.c"), 400},
		{"an unknown session", "POST", "/webhooks/etpay", "application/json", wrapped(forge(hs256, about("ses_999999"), "sig-000001-sandbox")), 400},
		{"another session's key", "POST", "/webhooks/etpay", "application/json", wrapped(forge(hs256, about("ses_000001"), "sig-000002-sandbox")), 400},
		{"an empty key", "POST", "/webhooks/etpay", "application/json", wrapped(forge(hs256, about("ses_000001"), "")), 400},
		{"no algorithm", "POST", "/webhooks/etpay", "application/json", wrapped(forge(`{"alg":"none"}`, about("ses_000001"), "sig-000001-sandbox")), 400},
		{"another order", "POST", "/webhooks/etpay", "application/json", wrapped(forge(hs256, `{"session_token":"ses_000001","merchant_order_id":"OC2"}`, "sig-000001-sandbox")), 400},
		{"another amount", "POST", "/webhooks/etpay", "application/json", wrapped(forge(hs256, `{"session_token":"ses_000001","amount":1}`, "sig-000001-sandbox")), 400},
	} {
		status, body := s.send(row.method, s.handler.URL+row.path, row.kind, row.body)
		if status != row.want {
			t.Errorf("%s: answered %d, want %d", row.name, status, row.want)
		}
		if status == 400 && body != "Bad Request\n" {
			t.Errorf("%s: the answer tells %q", row.name, body)
		}
	}
	if due := s.queries(); len(due) != 0 {
		t.Errorf("these made due: %v", due)
	}
	if status, _ := s.send("POST", s.handler.URL+"/webhooks/etpay", form, url.Values{"payment": {good}}.Encode()); status != http.StatusOK {
		t.Errorf("a good report as a form was answered %d", status)
	}
	if due := s.queries(); len(due) != 1 || due[0].Key != keyOf("OC1") {
		t.Errorf("a good report made due: %v", due)
	}
	for _, secret := range []string{"ses_00000", "sig-00000", good} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

func TestTooManyReports(t *testing.T) {
	t.Parallel()
	s := newFixture(t, webhook.Options{PerSecond: 2, Burst: 6, Now: func() time.Time { return time.Unix(1, 0) }})
	for range 3 {
		if status := s.report("x"); status != http.StatusBadRequest {
			t.Fatalf("answered %d", status)
		}
	}
	if status := s.report("x"); status != http.StatusTooManyRequests {
		t.Errorf("one address's fourth in a burst of three was answered %d", status)
	}
}

func TestAReportWhileTheLedgerDoesNotAnswerIsToComeAgain(t *testing.T) {
	t.Parallel()
	s := newFixture(t, webhook.Options{})
	_, address := s.open("OC1")
	s.redis.Kill()
	if _, status := s.pay(address); status != http.StatusServiceUnavailable {
		t.Errorf("answered %d", status)
	}
}

// TestAReportForAnotherWorkersKeysIsToComeAgain: without the key nobody can say whether the report
// is ETpay's.
func TestAReportForAnotherWorkersKeysIsToComeAgain(t *testing.T) {
	t.Parallel()
	s := newFixture(t, webhook.Options{})
	key, err := seal.NewKey("a")
	s.must(err)
	ring, err := seal.Parse(key)
	s.must(err)
	s.ledger = idempotency.NewRedis(s.redis.Client(), idempotency.Options{Seal: ring})
	_, address := s.open("OC1")
	if _, status := s.pay(address); status != http.StatusServiceUnavailable {
		t.Errorf("answered %d", status)
	}
}

func TestTheServerWaitsForNobody(t *testing.T) {
	t.Parallel()
	s := webhook.Server(http.NotFoundHandler())
	if s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.WriteTimeout == 0 || s.IdleTimeout == 0 || s.MaxHeaderBytes == 0 {
		t.Errorf("a limit is missing: %+v", s)
	}
}
