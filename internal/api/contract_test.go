package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/remesa/remesa/docs"
	"github.com/remesa/remesa/providers"
)

// contract validates requests and responses against the description, by a library that knows
// nothing of the handlers.
type contract struct {
	*fixture
	doc    *openapi3.T
	router routers.Router
	seen   map[string]bool // "operation status"
}

func newContract(t *testing.T) *contract {
	t.Helper()
	w := newFixture(t)
	doc, err := openapi3.NewLoader().LoadFromData(docs.OpenAPI())
	w.must(err)
	w.must(doc.Validate(t.Context()))
	doc.Servers = openapi3.Servers{{URL: w.server.URL}}
	router, err := gorillamux.NewRouter(doc)
	w.must(err)
	return &contract{w, doc, router, map[string]bool{}}
}

// check sends a request and holds both it and its response against the description.
func (c *contract) check(says, method, path, media, body string, good bool, headers ...string) answerOf {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.server.URL+path, strings.NewReader(body))
	c.must(err)
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	route, parameters, err := c.router.FindRoute(r)
	if err != nil {
		c.t.Fatalf("%s: no route for %s %s: %v", says, method, path, err)
	}
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: parameters, Route: route, Options: &openapi3filter.Options{
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true,
		ExcludeRequestBody: media == linesMedia,
	}}
	if err := openapi3filter.ValidateRequest(c.t.Context(), in); (err == nil) != good {
		c.t.Errorf("%s: the description's judgement of the request: %v", says, err)
	}
	got := c.send(method, path, strings.NewReader(body), append([]string{"Content-Type", media}, headers...)...)
	c.seen[route.Operation.OperationID] = true
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: got.status, Header: got.header, Body: io.NopCloser(bytes.NewBufferString(got.body)), Options: in.Options,
	}
	if kind := got.header.Get("Content-Type"); !strings.Contains(kind, "json") || kind == linesMedia {
		out.Options = &openapi3filter.Options{ExcludeResponseBody: true, IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	}
	if err := openapi3filter.ValidateResponse(c.t.Context(), out); err != nil {
		c.t.Errorf("%s: %d is not as described: %v\n%s", says, got.status, err, got.body)
	}
	return got
}

// TestEveryOperationDoesWhatIsDescribed calls each with the examples of its description.
func TestEveryOperationDoesWhatIsDescribed(t *testing.T) {
	openapi3filter.RegisterBodyDecoder("application/problem+json", openapi3filter.JSONBodyDecoder)
	c := newContract(t)
	for _, op := range operations() {
		described := c.doc.Paths.Find(op.path).GetOperation(op.method)
		if op.body == "" || !op.lines {
			continue
		}
		for name, e := range described.RequestBody.Value.Content[jsonMedia].Examples {
			text, err := json.Marshal(e.Value.Value)
			c.must(err)
			if op.id == "requestStatus" { // the payout must be there
				c.check(op.id, "POST", payouts, jsonMedia, example("virtualpos"), true)
			}
			for range 2 {
				if got := c.check(op.id+" "+name, op.method, op.path, jsonMedia, string(text), true); got.status > 202 {
					t.Errorf("%s of %s: %d %s", op.id, name, got.status, got.body)
				}
			}
		}
		file, _ := described.RequestBody.Value.Content[linesMedia].Examples["file"].Value.Value.(string)
		if got := c.check(op.id+" of a file", op.method, op.path, linesMedia, file, true); got.status != 200 || strings.Contains(got.body, "invalid") {
			t.Errorf("%s of a file: %d %s", op.id, got.status, got.body)
		}
	}
	c.steps()
	for _, query := range []string{"", "?state=failed&provider=virtualpos&limit=1&since=24h", "?state=succeeded"} {
		c.check("listPayments", "GET", "/v1/payments"+query, "", "", true)
	}
	c.check("getPayment", "GET", "/v1/payments/virtualpos%2Ftef-0001", "", "", true)
	c.check("getSubscription", "GET", "/v1/subscriptions/sub-0001", "", "", true)
	c.check("readOutcomes", "GET", "/v1/outcomes?limit=1000&wait=1", "", "", true)
	for _, path := range []string{"/v1/halts", "/openapi.json", "/docs", "/docs/style.css", "/healthz", "/readyz"} {
		c.check(path, "GET", path, "", "", true)
	}
	c.problems()
	for _, op := range operations() {
		if !c.seen[op.id] {
			t.Errorf("%s was not called", op.id)
		}
	}
}

// steps are those by hand, with the examples of their description.
func (c *contract) steps() {
	c.t.Helper()
	c.call("POST", payouts, payout("doubt"))
	c.finish("doubt", providers.Outcome{Class: providers.InDoubt, Code: "timeout"})
	c.call("POST", payouts, payout("stop"))
	for _, row := range []struct{ id, path string }{
		{"cancelPayment", "/v1/payments/virtualpos%2Fstop/cancel"}, {"retryPayment", "/v1/payments/virtualpos%2Fstop/retry"},
		{"resolvePayment", "/v1/payments/virtualpos%2Fdoubt/resolve"}, {"releasePayment", "/v1/payments/virtualpos%2Fstop/release"},
		{"pauseSubscription", "/v1/subscriptions/sub-0001/pause"}, {"changeSubscription", "/v1/subscriptions/sub-0001/change"},
		{"resumeSubscription", "/v1/subscriptions/sub-0001/resume"}, {"cancelSubscription", "/v1/subscriptions/sub-0001/cancel"},
		{"halt", "/v1/halt"}, {"unhalt", "/v1/unhalt"},
	} {
		body := []byte(`{"by":"ana","note":"ticket 4711"}`)
		if e, ok := stepExamples()[row.id]; ok {
			var err error
			body, err = json.Marshal(e)
			c.must(err)
		}
		want := 200
		if row.id == "releasePayment" {
			want = 409 // nothing blocks a payment here
		}
		if got := c.check(row.id, "POST", row.path, jsonMedia, string(body), true); got.status != want {
			c.t.Errorf("%s: %d %s", row.id, got.status, got.body)
		}
	}
}

// problems are described as well as what goes well.
func (c *contract) problems() {
	c.t.Helper()
	for _, row := range []struct {
		says, method, path, media, body string
		good                            bool
		headers                         []string
		status                          int
	}{
		{"a conflict", "POST", payouts, jsonMedia, strings.Replace(example("virtualpos"), "12500", "12501", 1), true, nil, 409},
		{"a wrong task", "POST", payouts, jsonMedia, `{"provider":"virtualpos","merchant_id":7}`, false, nil, 422},
		{"no JSON", "POST", payouts, jsonMedia, `{`, false, nil, 422},
		{"another type of body", "POST", payouts, "text/plain", "x", false, nil, 415},
		{"no such payment", "GET", "/v1/payments/virtualpos%2Fnone", "", "", true, nil, 404},
		{"no key", "GET", "/v1/payments", "", "", true, []string{"Authorization", "Bearer x"}, 401},
		{"a key that may not", "GET", "/v1/payments", "", "", true, []string{"Authorization", "Bearer " + c.newKey("settle")}, 403},
		{"a wrong parameter", "GET", "/v1/payments?limit=0", "", "", false, nil, 422},
	} {
		if got := c.check(row.says, row.method, row.path, row.media, row.body, row.good, row.headers...); got.status != row.status {
			c.t.Errorf("%s: %d, want %d: %s", row.says, got.status, row.status, got.body)
		}
	}
}

// TestTheDescriptionMindsWhatTheReaderMinds: what the reader refuses for its form, the schema
// refuses as well; so a generated client finds out early.
func TestTheDescriptionMindsWhatTheReaderMinds(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(docs.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatal(err)
	}
	schema := doc.Components.Schemas["PayoutVirtualpos"].Value
	for _, row := range []struct{ old, new string }{
		{`"012"`, `"12"`}, {`"12500"`, `12500`}, {`"CLP"`, `"COP"`}, {`"provider"`, `"surprise":1,"provider"`}, {`"merchant_id":"tef-0001",`, ``}, {"tef-0001", "_"},
	} {
		var v any
		if err := json.Unmarshal([]byte(strings.Replace(example("virtualpos"), row.old, row.new, 1)), &v); err != nil {
			t.Fatal(err)
		}
		var wrong *openapi3.SchemaError
		if err := schema.VisitJSON(v, openapi3.EnableJSONSchema2020()); err == nil || !errors.As(err, &wrong) {
			t.Errorf("%s for %s: %v", row.new, row.old, err)
		}
	}
}
