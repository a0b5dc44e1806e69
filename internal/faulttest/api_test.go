package faulttest

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/processtest"
	"github.com/remesa/remesa/tasks"
)

// intakeServer is `enqueue serve`, and a key of it.
type intakeServer struct {
	*processtest.Process
	w        *fixture
	url, key string
}

func (w *fixture) serve() *intakeServer {
	w.t.Helper()
	p := w.enqueue("serve", "--addr", "127.0.0.1:0")
	s := &intakeServer{Process: p, w: w, url: "http://" + p.Await(testTimeout, `"api":"`, `"`)}
	made := w.enqueueOutput("apikey", "create", "billing", "--scope", "submit,read,settle")
	_, rest, ok := strings.Cut(made, `"key":"`)
	if !ok {
		w.t.Fatalf("apikey create: %s", made)
	}
	s.key, _, _ = strings.Cut(rest, `"`)
	return s
}

// send returns the response, whose body is the caller's to close.
func (s *intakeServer) send(method, path, media string, body io.Reader) *http.Response {
	s.w.t.Helper()
	r, err := http.NewRequestWithContext(s.w.t.Context(), method, s.url+path, body)
	if err != nil {
		s.w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.key)
	r.Header.Set("Content-Type", media)
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		s.w.t.Fatal(err)
	}
	return reply
}

// call returns status and body.
func (s *intakeServer) call(method, path, media, body string) (int, string) {
	s.w.t.Helper()
	reply := s.send(method, path, media, strings.NewReader(body))
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		s.w.t.Error(err)
	}
	return reply.StatusCode, string(text)
}

const lines = "application/x-ndjson"

// TestAnIntakeServerIsKilled in mid-file, and the file is sent again: each payment is paid once.
func TestAnIntakeServerIsKilled(t *testing.T) {
	t.Parallel()
	w := newFixture(t, nil)
	text, err := os.ReadFile(file(t, w.newPayments(either(600, 20_000))...))
	if err != nil {
		t.Fatal(err)
	}
	w.work(2)
	first := w.serve()
	in, out := io.Pipe()
	go func() { // the second half comes only when the server is gone
		_, _ = out.Write(text[:len(text)/2])
		<-first.Exited()
		out.CloseWithError(io.ErrUnexpectedEOF)
	}()
	reply := first.send(http.MethodPost, "/v1/payouts", lines, in)
	defer reply.Body.Close()
	begun := make([]byte, 1)
	if _, err := io.ReadFull(reply.Body, begun); err != nil {
		t.Fatal(err)
	}
	first.Kill()
	rest, _ := io.ReadAll(reply.Body) // it ends with the connection
	w.assertReported(string(begun) + string(rest))
	second := w.serve()
	status, again := second.call(http.MethodPost, "/v1/payouts", lines, string(text))
	if n := results(t, again); status != http.StatusOK || n[tasks.Enqueued]+n[tasks.Duplicate] != len(w.payments) || n[tasks.Duplicate] == 0 {
		t.Errorf("sent again: %d %v", status, n)
	}
	w.awaitSettled(testTimeout)
	second.Drain(testTimeout)
	all(t, w.audit(allowances{}), idempotency.Succeeded)
}

// searchIntake sends tasks with canaries over HTTP, good and bad, and looks for them in what the
// server answers and logs.
func (w *fixture) searchIntake() {
	w.t.Helper()
	s := w.serve()
	good := string(w.canaryPayment("over.http").Payload())
	with := strings.NewReplacer
	for _, body := range []string{
		good, good, with(`"4321"`, `"90817263544x"`).Replace(good), with(`"4321"`, `"4322"`).Replace(good),
		with(`"012"`, `"Canariona"`).Replace(good), good[:len(good)-9], `"Canariona canary.mail 90817263544"`,
	} {
		for _, media := range []string{"application/json", lines, "text/Canariona"} {
			_, text := s.call(http.MethodPost, "/v1/payouts", media, body)
			w.search("what the HTTP interface answers", text)
		}
	}
	// An unknown field is refused by its name; the log does not have that name either.
	s.call(http.MethodPost, "/v1/payouts", "application/json", with(`"description"`, `"Canariona"`).Replace(good))
	for _, path := range []string{"/v1/payments/Canariona", "/v1/payments?state=Canariona", "/v1/Canariona", "/v1/subscriptions/Canariona", "/v1/outcomes?after=Canariona"} {
		_, text := s.call(http.MethodGet, path, "application/json", "")
		w.search("what the HTTP interface answers", text)
	}
	_, text := s.call(http.MethodGet, "/v1/payments", "application/json", "")
	w.search("what the HTTP interface lists", text)
	_, text = s.call(http.MethodGet, "/v1/outcomes?limit=1000", "application/json", "")
	w.search("what the HTTP interface tells", text)
	s.Drain(testTimeout)
	w.search("what the HTTP interface logs", s.Output())
	if strings.Contains(s.Output(), s.key[20:]) {
		w.t.Error("the HTTP interface logs its key")
	}
}
