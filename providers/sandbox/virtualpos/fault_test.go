package virtualpos

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/providers/sandbox"
)

// outcome is what a client saw of a request, and what the book says.
type outcome struct {
	status int
	word   string
}

// attempt makes the request; a connection that was hung up has status 0.
func attempt(t *testing.T, s *sandbox.Provider, r request) (o outcome) {
	t.Helper()
	defer func() {
		if err, ok := recover().(error); ok && errors.Is(err, http.ErrAbortHandler) {
			o = outcome{}
		}
	}()
	status, word := send(t, s, r)
	return outcome{status, word}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	delay := sandbox.Duration(time.Minute)
	for _, row := range []struct {
		fault   sandbox.Fault
		created outcome // its word is a part of the response
		moved   int
		queried []outcome
	}{
		{sandbox.Fault{Kind: "decline"}, outcome{422, "E-120"}, 0, []outcome{{404, "E-041"}}},
		{sandbox.Fault{Kind: "decline", Code: "E-133"}, outcome{422, "E-133"}, 0, []outcome{{404, "E-041"}}},
		{sandbox.Fault{Kind: "rejected_object"}, outcome{201, ""}, 0, []outcome{{404, "E-041"}}},
		{sandbox.Fault{Kind: "duplicate"}, outcome{409, "E-121"}, 0, []outcome{{404, "E-041"}}},
		{sandbox.Fault{Kind: "rejected_word"}, outcome{200, "rechazado"}, 0, []outcome{{200, "rechazado"}}},
		{sandbox.Fault{Kind: "rejected_later", Polls: 1}, outcome{200, "pendiente"}, 0, []outcome{{200, "pendiente"}, {200, "rechazado"}}},
		{sandbox.Fault{Kind: "pending", Polls: 2}, outcome{200, "pendiente"}, 0, []outcome{{200, "pendiente"}, {200, "pendiente"}, {200, "pagado"}}},
		{sandbox.Fault{Kind: "unauthorized"}, outcome{401, "E-001"}, 0, nil},
		{sandbox.Fault{Kind: "unauthorized_in_body"}, outcome{200, ""}, 0, nil}, // for providers with tokens
		{sandbox.Fault{Kind: "expire_tokens"}, outcome{200, ""}, 0, nil},
		{sandbox.Fault{Kind: "throttled", RetryAfter: "7"}, outcome{429, ""}, 0, nil},
		{sandbox.Fault{Kind: "hang_up_before"}, outcome{}, 0, []outcome{{404, "E-041"}}},
		{sandbox.Fault{Kind: "hang_up_after"}, outcome{}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "slow_before", Delay: 1}, outcome{200, ""}, 0, []outcome{{404, "E-041"}}},
		{sandbox.Fault{Kind: "slow_after", Delay: 1}, outcome{200, "pagado"}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "bad_gateway_before"}, outcome{502, "<html>"}, 0, []outcome{{404, "E-041"}}},
		{sandbox.Fault{Kind: "bad_gateway_after"}, outcome{502, "<html>"}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "html_before"}, outcome{200, "<html>"}, 0, []outcome{{404, "E-041"}}},
		{sandbox.Fault{Kind: "html_after"}, outcome{200, "<html>"}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "cut_json_after"}, outcome{200, "{"}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "cut_body_after"}, outcome{}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "huge_after"}, outcome{200, " "}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "name_twice_after"}, outcome{200, "pagado"}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "wrong_types_after"}, outcome{200, "true"}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "unknown_status_after"}, outcome{200, "en_la_luna"}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "unknown_code_after"}, outcome{200, "E-777"}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "rejection_beside"}, outcome{201, "pagado"}, 1, []outcome{{201, "pagado"}}},
		{sandbox.Fault{Kind: "redirect"}, outcome{307, ""}, 0, []outcome{{404, "E-041"}}},
		{sandbox.Fault{Kind: "late"}, outcome{}, 0, []outcome{{404, "E-041"}, {200, "pagado"}}},
		{sandbox.Fault{Kind: "delayed", Delay: delay}, outcome{}, 0, []outcome{{404, "E-041"}, {404, "E-041"}}},
		{sandbox.Fault{Kind: "bare_404"}, outcome{200, "pagado"}, 1, []outcome{{404, "404 page"}}},
		{sandbox.Fault{Kind: "login_page"}, outcome{200, "pagado"}, 1, []outcome{{200, "<html>"}}},
		{sandbox.Fault{Kind: "not_found"}, outcome{200, "pagado"}, 1, []outcome{{404, "E-041"}}},
		{sandbox.Fault{Kind: "wrong_amount"}, outcome{200, "pagado"}, 1, []outcome{{200, "pagado"}}},
		{sandbox.Fault{Kind: "latency", Delay: 1}, outcome{200, "pagado"}, 1, []outcome{{200, "pagado"}}},
	} {
		c := &clock{at: time.Date(2026, 5, 15, 9, 0, 0, 0, time.UTC)}
		s := New(Options{}, sandbox.Options{Now: c.now})
		if err := s.AddFaults(row.fault); err != nil {
			t.Fatal(err)
		}
		name := row.fault.Kind
		check(t, name+", create", attempt(t, s, create("po-1")), row.created)
		if moved := s.ExecutionCount("po-1"); moved != row.moved {
			t.Errorf("%s: money moved %d times, want %d", name, moved, row.moved)
		}
		for _, want := range row.queried {
			check(t, name+", status", attempt(t, s, statusQuery("po-1")), want)
		}
	}
}

func check(t *testing.T, name string, got, want outcome) {
	t.Helper()
	part := strings.Replace(want.word, "<html>", "<!doctype html>", 1)
	if got.status != want.status || !strings.Contains(got.word, part) {
		t.Errorf("%s: got %d %.60q, want %d %q", name, got.status, got.word, want.status, want.word)
	}
}

func TestDelayedMoneyMovesWithoutAStatusQuery(t *testing.T) {
	t.Parallel()
	c := &clock{at: time.Date(2026, 5, 15, 9, 0, 0, 0, time.UTC)}
	s := New(Options{}, sandbox.Options{Now: c.now})
	if err := s.AddFaults(sandbox.Fault{Kind: "delayed", Delay: sandbox.Duration(time.Minute)}, sandbox.Fault{Kind: "late"}); err != nil {
		t.Fatal(err)
	}
	attempt(t, s, create("po-1"))
	c.at = c.at.Add(59 * time.Second)
	if n := s.ExecutionCount("po-1"); n != 0 {
		t.Fatalf("moved %d times before its time", n)
	}
	c.at = c.at.Add(time.Second)
	if n := s.ExecutionCount("po-1"); n != 1 {
		t.Errorf("moved %d times at its time, want 1", n)
	}
}

func TestAFaultAppliesToWhatItNames(t *testing.T) {
	t.Parallel()
	s := New(Options{}, sandbox.Options{})
	if err := s.AddFaults(
		sandbox.Fault{Kind: "decline", Reference: "demo-decline-"},
		sandbox.Fault{Kind: "decline", Amount: "666"},
		sandbox.Fault{Kind: "unauthorized", Next: 1, Reference: "once-"},
		sandbox.Fault{Kind: "bad_gateway_before", Operation: sandbox.StatusOperation, Reference: "asked-"},
	); err != nil {
		t.Fatal(err)
	}
	expensive := create("po-2")
	both("12500", "666")(&expensive)
	for _, row := range []struct {
		name string
		r    request
		want outcome
	}{
		{"another reference", create("po-1"), outcome{200, "pagado"}},
		{"the reference", create("demo-decline-1"), outcome{422, "E-120"}},
		{"the amount", expensive, outcome{422, "E-120"}},
		{"the first", create("once-1"), outcome{401, "E-001"}},
		{"the second", create("once-1"), outcome{200, "pagado"}},
		{"another operation", create("asked-1"), outcome{200, "pagado"}},
		{"the operation", statusQuery("asked-1"), outcome{502, "<html>"}},
	} {
		check(t, row.name, attempt(t, s, row.r), row.want)
	}
	if left := s.Faults(); len(left) != 3 {
		t.Errorf("%d faults left, want 3: the used one is gone", len(left))
	}
	s.ClearFaults()
	check(t, "cleared", attempt(t, s, create("demo-decline-2")), outcome{200, "pagado"})
}

func TestBookAndFaultsOverHTTP(t *testing.T) {
	t.Parallel()
	s := New(Options{}, sandbox.Options{})
	if status, text := sendPlain(t, s, "POST", "/virtualpos/_faults", `{"kind":"decline","reference":"d-","delay":"1.5s"}`); status != 200 || !strings.Contains(text, `"delay":"1.5s"`) {
		t.Fatalf("got %d %s", status, text)
	}
	if status, _ := sendPlain(t, s, "POST", "/virtualpos/_faults", `[{"kind":"late","next":2},{"kind":"latency","delay":"1ms"}]`); status != 200 {
		t.Fatalf("got %d", status)
	}
	for name, body := range map[string]string{
		"an unknown kind": `{"kind":"x"}`, "an unknown field": `{"kind":"late","x":1}`, "an operation": `{"kind":"late","operation":"x"}`,
		"a number below zero": `{"kind":"late","next":-1}`, "no JSON": `x`, "a bad delay": `{"kind":"late","delay":"soon"}`,
	} {
		if status, text := sendPlain(t, s, "POST", "/virtualpos/_faults", body); status != 400 {
			t.Errorf("%s: got %d %s", name, status, text)
		}
	}
	var faults []sandbox.Fault
	_, text := sendPlain(t, s, "GET", "/virtualpos/_faults", "")
	if err := json.Unmarshal([]byte(text), &faults); err != nil || len(faults) != 3 {
		t.Errorf("got %s, %v", text, err)
	}
	if status, _ := sendPlain(t, s, "DELETE", "/virtualpos/_faults", ""); status != 204 || len(s.Faults()) != 0 {
		t.Errorf("delete: got %d", status)
	}

	send(t, s, create("po-1"))
	var book sandbox.Book
	_, text = sendPlain(t, s, "GET", "/virtualpos/_book", "")
	if err := json.Unmarshal([]byte(text), &book); err != nil || len(book.Executions) != 1 || book.Arrivals["po-1"] != 1 {
		t.Errorf("got %s, %v", text, err)
	}
	sendPlain(t, s, "DELETE", "/virtualpos/_book", "")
	if _, text = sendPlain(t, s, "GET", "/virtualpos/_book", ""); !strings.Contains(text, `"executions":[]`) {
		t.Errorf("after delete: %s", text)
	}
}

func TestSlowEndsWhenTheClientLeaves(t *testing.T) {
	t.Parallel()
	s := New(Options{}, sandbox.Options{})
	if err := s.AddFaults(sandbox.Fault{Kind: "slow_after"}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	defer server.Close() // blocks until the handler returned
	req := create("po-1").build(t)
	out, err := http.NewRequestWithContext(t.Context(), req.Method, server.URL+req.URL.Path, req.Body)
	if err != nil {
		t.Fatal(err)
	}
	out.Header = req.Header
	client := &http.Client{Timeout: 200 * time.Millisecond}
	if resp, err := client.Do(out); err == nil {
		resp.Body.Close()
		t.Error("got an answer")
	}
}
