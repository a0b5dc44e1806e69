package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/apikey"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/internal/strictjson"
	"github.com/remesa/remesa/internal/view"
	"github.com/remesa/remesa/providers"
)

func TestAPaymentIsTakenInOnce(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	for _, row := range []struct {
		says, path, body string
		headers          []string
		status           int
		want             string
	}{
		{"a new one", payouts, payout("a"), nil, 201, `"result":"enqueued"`},
		{"the same again", payouts, payout("a"), nil, 200, `"result":"duplicate","state":"queued"`},
		{"on several lines, without a type", payouts, strings.ReplaceAll(payout("b", `"type":"payout",`, ""), ",", ",\n"), nil, 201, `"key":"virtualpos/b"`},
		{"another amount", payouts, payout("a", "12500", "12501"), nil, 409, `amount: differs`},
		{"an agreeing Idempotency-Key", payouts, payout("a"), []string{"Idempotency-Key", "a"}, 200, "duplicate"},
		{"one in quotes", payouts, payout("a"), []string{"Idempotency-Key", `"a"`}, 200, "duplicate"},
		{"the whole key", payouts, payout("a"), []string{"Idempotency-Key", "virtualpos/a"}, 200, "duplicate"},
		{"another Idempotency-Key", payouts, payout("c"), []string{"Idempotency-Key", "d"}, 422, `"header":"Idempotency-Key"`},
		{"another type", "/v1/charges", payout("c"), nil, 422, `"field":"type"`},
		{"several wrong fields", payouts, payout("c", `"012"`, `"12"`, "12345678-5", "12345678-9"), nil, 422, `"pointer":"#/bank/code"`},
		{"no JSON", payouts, "{", nil, 422, `"field":"line"`},
		{"no type of body", payouts, payout("a"), []string{"Content-Type", ""}, 200, "duplicate"},
		{"a form", payouts, payout("c"), []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "urn:remesa:media"},
		{"another charset", payouts, payout("c"), []string{"Content-Type", "application/json; charset=latin1"}, 415, "urn:remesa:media"},
		{"too large", payouts, strings.Repeat(" ", strictjson.MaxLine) + "{}", nil, 413, "urn:remesa:large"},
		{"a deadline that has passed", payouts, payout("c", `"currency"`, `"deadline":"2020-01-01T00:00:00Z","currency"`), nil, 422, `"field":"deadline"`},
		{"a question", "/v1/status", `{"provider":"virtualpos","reference":"a"}`, nil, 202, "enqueued"},
		{"a question about nothing", "/v1/status", `{"provider":"virtualpos","reference":"none"}`, nil, 422, `"field":"reference"`},
		{"a charge", "/v1/charges", example("etpay"), nil, 201, "enqueued"},
		{"a subscription", "/v1/subscriptions", example("subscription-etpay"), nil, 201, `"result":"added"`},
		{"the same subscription", "/v1/subscriptions", example("subscription-etpay"), nil, 200, `"result":"duplicate","state":"active"`},
		{"another one of its id", "/v1/subscriptions", strings.Replace(example("subscription-etpay"), `"amount":"`, `"amount":"1`, 1), nil, 409, "amount"},
		{"a wrong subscription", "/v1/subscriptions", `{"provider":"etpay"}`, nil, 422, `"pointer":"#/schedule/every"`},
		{"another address", "/v1/refunds", payout("c"), nil, 404, "urn:remesa:address"},
	} {
		got := w.call("POST", row.path, row.body, row.headers...)
		if got.status != row.status || !strings.Contains(got.body, row.want) {
			t.Errorf("%s: %d, want %d with %s: %s", row.says, got.status, row.status, row.want, got.body)
		}
		if problem := got.header.Get("Content-Type") == "application/problem+json"; problem != (row.status >= 400) {
			t.Errorf("%s: Content-Type %s", row.says, got.header.Get("Content-Type"))
		}
	}
	if _, err := w.ledger.Show(t.Context(), keyOf("c")); err == nil {
		t.Error("a refused payment is on record")
	}
	if got := w.call("PUT", payouts, ""); got.status != 405 || got.header.Get("Allow") != "POST" {
		t.Errorf("another method: %d %v", got.status, got.header)
	}
	for _, secret := range []string{"12345678", "Ana", w.key[20:], "Devoluci"} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
	if !strings.Contains(w.log.String(), `"about":"virtualpos/a"`) {
		t.Error("the log names no payment")
	}
}

func TestAFileGetsAResultForEachLine(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.call("POST", payouts, payout("old"))
	file := strings.Join([]string{payout("a"), "", payout("b", `"type":"payout",`, ""), payout("a"), payout("old", "12500", "1"), payout("c", `"12500"`, "12500"), "nonsense", payout("old")}, "\n")
	got := w.call("POST", payouts, file, "Content-Type", linesMedia)
	want := "1 virtualpos/a enqueued, 3 virtualpos/b enqueued, 4 virtualpos/a duplicate queued, 5 virtualpos/old conflict (amount), " +
		"6 virtualpos/c invalid (amount), 7  invalid (line), 8 virtualpos/old duplicate queued"
	if got.status != 200 || got.header.Get("Content-Type") != linesMedia || resultLines(got.body) != want {
		t.Errorf("%d %s, want %s", got.status, resultLines(got.body), want)
	}
	subscriptions := example("subscription-etpay") + "\n" + example("subscription-pagoseguro") + "\n{}\n"
	got = w.call("POST", "/v1/subscriptions", subscriptions, "Content-Type", "application/jsonl")
	if want := "added"; got.status != 200 || strings.Count(got.body, want) != 2 || !strings.Contains(got.body, "invalid") {
		t.Errorf("subscriptions: %d %s", got.status, got.body)
	}
	if got := w.call("POST", payouts, "", "Content-Type", linesMedia); got.status != 200 || got.body != "" {
		t.Errorf("an empty file: %d %q", got.status, got.body)
	}
	if got := w.call("POST", payouts, payout("a"), "Content-Type", linesMedia, "Idempotency-Key", "a"); got.status != 422 {
		t.Errorf("a file with an Idempotency-Key: %d", got.status)
	}
	got = w.call("POST", payouts, payout("d")+"\n{\"provider\":", "Content-Type", linesMedia)
	if !strings.Contains(got.body, `"key":"virtualpos/d","task_id"`) || !strings.Contains(got.body, `"result":"stopped","error":"line 2: the file ends in the middle`) {
		t.Errorf("a file that was cut: %d %s", got.status, got.body)
	}
}

// TestResultsComeWhileTheFileIsSent: a client that waits for each result before it sends the next
// line gets it.
func TestResultsComeWhileTheFileIsSent(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	in, out := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), "POST", w.server.URL+payouts, in)
	w.must(err)
	r.Header.Set("Authorization", "Bearer "+w.key)
	r.Header.Set("Content-Type", linesMedia)
	go func() { _, _ = io.WriteString(out, payout("l-0")+"\n") }()
	reply, err := w.server.Client().Do(r)
	w.must(err)
	defer reply.Body.Close()
	lines := json.NewDecoder(reply.Body)
	for i := range 3 {
		var got struct{ Key, Result string }
		w.must(lines.Decode(&got))
		if want := fmt.Sprintf("virtualpos/l-%d", i); got.Key != want || got.Result != "enqueued" {
			t.Errorf("%+v, want %s", got, want)
		}
		if i < 2 {
			_, err := io.WriteString(out, payout(fmt.Sprintf("l-%d", i+1))+"\n")
			w.must(err)
		}
	}
	w.api.Drain()
	var last stopped
	w.must(lines.Decode(&last))
	if last.Result != resultStopped || !strings.Contains(last.Error, "the server is ending") {
		t.Errorf("at the end of the server: %+v", last)
	}
	_ = out.Close()
	if err := lines.Decode(&last); err != io.EOF {
		t.Errorf("behind the last line: %v", err)
	}
}

// TestASilentClientIsNotWaitedFor: nobody holds a stream by sending nothing.
func TestASilentClientIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	w := newFixture(t, func(o *Options) { o.Idle, o.Streams = 50*time.Millisecond, 1 })
	in, out := io.Pipe()
	defer out.Close()
	if got := w.send("POST", payouts, in, "Content-Type", linesMedia); got.status != http.StatusRequestTimeout {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := w.call("POST", payouts, payout("a"), "Content-Type", linesMedia); got.status != 200 {
		t.Errorf("the place is not free again: %d", got.status)
	}
	w.api.streams <- struct{}{}
	if got := w.call("POST", payouts, payout("a"), "Content-Type", linesMedia); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("one file too many: %d", got.status)
	}
}

func TestAKeyMayWhatItsScopesSay(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.call("POST", payouts, payout("a"))
	w.call("POST", "/v1/subscriptions", example("subscription-etpay"))
	const by = `{"by":"ana","note":"x"}`
	second := payout("s", `"currency"`, `"account":"second","currency"`)
	for _, row := range []struct {
		scope        apikey.Scope
		method, path string
		body         string
		status       int
	}{
		{apikey.Read, "GET", "/v1/payments", "", 200}, {apikey.Read, "POST", payouts, payout("x"), 403}, {apikey.Read, "GET", "/v1/outcomes", "", 200},
		{apikey.Read, "POST", "/v1/payments/virtualpos/a/cancel", by, 403}, {apikey.Read, "POST", "/v1/payments/virtualpos/a/retry", by, 403},
		{apikey.Submit, "GET", "/v1/payments/virtualpos/a", "", 403}, {apikey.Submit, "GET", "/v1/outcomes", "", 403},
		{apikey.Submit, "POST", payouts, payout("a"), 200}, {apikey.Submit, "POST", "/v1/payments/virtualpos/a/release", by, 403},
		{"submit:virtualpos", "POST", payouts, second, 201}, {"submit:virtualpos/default", "POST", payouts, second, 403},
		{"submit:virtualpos/second", "POST", payouts, second, 200}, {"submit:virtualpos/second", "POST", payouts, payout("a"), 403},
		{"submit:etpay", "POST", payouts, payout("a"), 403}, {"submit:etpay", "POST", "/v1/payments/virtualpos/a/cancel", by, 403},
		{"submit:virtualpos", "POST", "/v1/subscriptions/gas-30215/pause", by, 403}, {"submit:etpay", "POST", "/v1/subscriptions/gas-30215/pause", by, 200},
		{apikey.Settle, "POST", payouts, payout("a"), 403}, {apikey.Settle, "POST", "/v1/halt", `{"provider":"etpay","by":"ana","note":"x"}`, 200},
		{apikey.Submit, "POST", "/v1/unhalt", `{"provider":"etpay","by":"ana","note":"x"}`, 403},
	} {
		got := w.call(row.method, row.path, row.body, "Authorization", "Bearer "+w.newKey(row.scope))
		if got.status != row.status {
			t.Errorf("%s: %s %s: %d, want %d: %s", row.scope, row.method, row.path, got.status, row.status, got.body)
		}
	}
	got := w.call("POST", payouts, second+"\n"+payout("a"), "Content-Type", linesMedia, "Authorization", "Bearer "+w.newKey("submit:virtualpos/default"))
	if want := "1 virtualpos/second/s invalid (account), 2 virtualpos/a duplicate queued"; resultLines(got.body) != want {
		t.Errorf("a file: %s, want %s", resultLines(got.body), want)
	}
}

func TestWithoutAKeyNobodyIsServed(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	revoked, text, err := w.keys.Create(t.Context(), "old", []apikey.Scope{apikey.Read})
	w.must(err)
	_, err = w.keys.Revoke(t.Context(), revoked.ID)
	w.must(err)
	for says, header := range map[string]string{
		"nothing": "", "another scheme": "Basic " + w.key, "another secret": "Bearer " + w.key[:len(w.key)-1] + "1", "an unknown id": "Bearer remesa_000000000000_" + w.key[20:],
		"a revoked one": "Bearer " + text.Reveal(), "nonsense": "Bearer x",
	} {
		got := w.call("GET", "/v1/payments", "", "Authorization", header)
		if got.status != 401 || got.header.Get("WWW-Authenticate") == "" || got.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", says, got.status, got.body)
		}
	}
	w.must(w.rdb.FlushDB(t.Context()).Err())
	if got := w.call("GET", "/v1/payments", ""); got.status != 401 || !strings.Contains(got.body, "enqueue apikey create") {
		t.Errorf("where no key was made: %d %s", got.status, got.body)
	}
	for _, open := range []string{"/openapi.json", "/docs", "/docs/style.css", "/healthz", "/readyz"} {
		if got := w.call("GET", open, "", "Authorization", ""); got.status != 200 {
			t.Errorf("%s: %d", open, got.status)
		}
	}
	if csp := w.call("GET", "/docs", "").header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; style-src 'self'") {
		t.Errorf("the page's policy: %s", csp)
	}
}

func TestAKeyMakesSoManyRequests(t *testing.T) {
	t.Parallel()
	w := newFixture(t, func(o *Options) { o.Rate, o.Now = 2, func() time.Time { return time.Unix(1, 0) } })
	for i := range 5 {
		got := w.call("GET", "/v1/payments", "")
		if want := []int{200, 200, 200, 200, 429}[i]; got.status != want || (want == 429) != (got.header.Get("Retry-After") == "1") {
			t.Errorf("request %d: %d, Retry-After %q", i+1, got.status, got.header.Get("Retry-After"))
		}
	}
	if got := w.call("GET", "/v1/payments", "", "Authorization", "Bearer "+w.newKey(apikey.Read)); got.status != 200 {
		t.Errorf("another key: %d", got.status)
	}
}

func TestAFullOrAbsentStoreIsSaid(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	w := newFixture(t)
	w.must(w.rdb.ConfigSet(t.Context(), "maxmemory", "1").Err())
	w.must(w.rdb.ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err())
	for _, path := range []string{payouts, "/v1/subscriptions"} {
		body := payout("a")
		if path != payouts {
			body = example("subscription-etpay")
		}
		if got := w.call("POST", path, body); got.status != 503 || got.header.Get("Retry-After") != "30" || !strings.Contains(got.body, "urn:remesa:full") {
			t.Errorf("%s: %d %v %s\n%s", path, got.status, got.header, got.body, w.log.String())
		}
		if got := w.call("POST", path, body, "Content-Type", linesMedia); got.status != 503 {
			t.Errorf("a file to %s: %d", path, got.status)
		}
	}
	if got := w.call("GET", "/readyz", ""); got.status != 503 {
		t.Errorf("ready: %d", got.status)
	}
	gone := newFixture(t, func(o *Options) { o.Keys = apikey.NewStore(server.Client()) })
	server.Kill()
	if got := gone.call("GET", "/v1/payments", ""); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("without a store: %d", got.status)
	}
}

// pages reads a list to its end.
func (w *fixture) pages(query string) (keys []string, sizes []int) {
	w.t.Helper()
	for cursor := ""; ; {
		var page struct {
			Payments []view.Payment
			Cursor   *string
		}
		w.into(&page, 200, w.call("GET", "/v1/payments?"+query+"&cursor="+cursor, ""))
		for _, p := range page.Payments {
			keys = append(keys, p.Key)
		}
		sizes = append(sizes, len(page.Payments))
		if page.Cursor == nil {
			return keys, sizes
		}
		cursor = *page.Cursor
	}
}

func TestPaymentsAreListedPageByPage(t *testing.T) {
	t.Parallel()
	for _, partitions := range []int{1, 3} {
		t.Run(fmt.Sprint(partitions), func(t *testing.T) { t.Parallel(); listedPageByPage(t, newPartedFixture(t, partitions)) })
	}
}

func listedPageByPage(t *testing.T, w *fixture) {
	t.Helper()
	const n = 23
	var file []string
	for i := range n {
		file = append(file, payout(fmt.Sprintf("p-%02d", i)))
	}
	w.call("POST", payouts, strings.Join(file, "\n"), "Content-Type", linesMedia) // many at one instant
	w.call("POST", "/v1/charges", example("etpay"))
	keys, sizes := w.pages("limit=4")
	slices.Sort(keys)
	if len(keys) != n+1 || len(slices.Compact(keys)) != n+1 || slices.Max(sizes) > 4 {
		t.Errorf("%d listed in pages of %v: %v", len(keys), sizes, keys)
	}
	if keys, _ := w.pages("provider=etpay"); len(keys) != 1 {
		t.Errorf("one provider's: %v", keys)
	}
	w.finish("p-00", providers.Outcome{Class: providers.Succeeded, ProviderID: "x"})
	w.finish("p-01", providers.Outcome{Class: providers.Refused, Code: "declined"})
	w.finish("p-02", providers.Outcome{Class: providers.Refused, Code: "declined"})
	for query, want := range map[string]string{
		"state=succeeded": "virtualpos/p-00", "state=failed&limit=1": "virtualpos/p-01 virtualpos/p-02", "state=reversed": "",
		"state=failed&since=2100-01-01T00:00:00Z": "", "state=failed&since=24h&provider=virtualpos": "virtualpos/p-01 virtualpos/p-02",
		"state=succeeded&since=1h": "virtualpos/p-00",
	} {
		if keys, _ := w.pages(query); strings.Join(keys, " ") != want {
			t.Errorf("%s: %v, want %s", query, keys, want)
		}
	}
	for _, bad := range []string{"state=paid", "provider=x", "limit=0", "limit=x", "since=yesterday", "since=-1h", "cursor=x", "cursor=eyJwIjoieCJ9", "page=2", "limit=1&limit=2", "%zz",
		"state=succeeded&cursor=" + encoded(`{"p":"virtualpos","s":"succeeded","c":"99:5"}`),
		"state=succeeded&cursor=" + encoded(`{"p":"virtualpos","s":"succeeded","c":"99999999999999999999"}`)} {
		if got := w.call("GET", "/v1/payments?"+bad, ""); got.status != 422 || !strings.Contains(got.body, `"parameter"`) {
			t.Errorf("%s: %d %s", bad, got.status, got.body)
		}
	}
}

// encoded is a cursor as an address has it.
func encoded(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func TestAPaymentIsShownUnderItsKey(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.call("POST", payouts, payout("a"))
	w.call("POST", payouts, payout("b", `"currency"`, `"account":"second","currency"`))
	for path, want := range map[string]int{
		"virtualpos/a": 200, "virtualpos%2Fa": 200, "virtualpos/default/a": 200, "virtualpos/second/b": 200, "virtualpos%2Fsecond%2Fb": 200,
		"virtualpos/none": 404, "virtualpos": 404, "a/b/c/d": 404, "": 404,
	} {
		got := w.call("GET", "/v1/payments/"+path, "")
		if got.status != want || want == 200 && !strings.Contains(got.body, `"history":[{`) {
			t.Errorf("%s: %d, want %d: %s", path, got.status, want, got.body)
		}
	}
}

func TestStepsByHand(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	for _, r := range []string{"a", "b", "c"} {
		w.call("POST", payouts, payout(r))
	}
	w.finish("b", providers.Outcome{Class: providers.InDoubt, Code: "timeout"})
	w.call("POST", "/v1/subscriptions", example("subscription-etpay"))
	const by, key = `"by":"ana","note":"ticket 4711"`, "/v1/payments/virtualpos/"
	for _, row := range []struct {
		path, body string
		status     int
		want       string
	}{
		{key + "a/cancel", `{` + by + `}`, 200, `"state":"failed"`}, {key + "a/cancel", `{` + by + `}`, 409, "urn:remesa:refused"},
		{"/v1/payments/virtualpos%2Fc/cancel", `{` + by + `}`, 200, `"state":"failed"`},
		{key + "c/retry", `{` + by + `}`, 200, `"state":"ready"`},
		{key + "none/cancel", `{` + by + `}`, 404, "unknown"}, {key + "b/cancel", `{` + by + `}`, 409, "refused"},
		{key + "b/resolve", `{` + by + `}`, 422, `"field":"as"`}, {key + "b/resolve", `{` + by + `,"as":"failed","anomaly":"accept"}`, 422, `"field":"as"`},
		{key + "b/resolve", `{` + by + `,"as":"paid"}`, 422, `"field":"as"`}, {key + "b/resolve", `{"by":"ana","as":"failed"}`, 422, `"field":"note"`},
		{key + "b/resolve", `{` + by + `,"as":"succeeded","decline":"soft"}`, 422, `"field":"decline"`},
		{key + "b/resolve", `{` + by + `,"as":"succeeded","provider_id":"pyt_1"}`, 200, `"state":"succeeded"`},
		{key + "b/release", `{` + by + `}`, 409, "refused"}, {key + "a/frobnicate", `{` + by + `}`, 405, "method"},
		{key + "a/cancel", `{"by":"ana","note":"4111111111111111"}`, 422, `"field":"note"`}, {key + "a/cancel", `{"by":" ","note":"x"}`, 422, `"field":"by"`},
		{key + "a/cancel", `{` + by + `,"force":true}`, 422, `"field":"force"`},
		{"/v1/halt", `{` + by + `,"provider":"virtualpos"}`, 200, `"account":"*"`}, {"/v1/unhalt", `{` + by + `,"provider":"virtualpos"}`, 200, `{"halts":[]}`},
		{"/v1/halt", `{` + by + `,"provider":"x"}`, 422, `"field":"provider"`}, {"/v1/halt", `{` + by + `,"provider":"etpay","account":"A"}`, 422, `"field":"account"`},
		{"/v1/subscriptions/gas-30215/pause", `{` + by + `}`, 200, `"state":"paused"`}, {"/v1/subscriptions/gas-30215/pause", `{` + by + `}`, 409, "refused"},
		{"/v1/subscriptions/gas-30215/change", `{` + by + `,"amount":"777"}`, 200, `"amount":"777"`}, {"/v1/subscriptions/gas-30215/change", `{` + by + `}`, 422, "amount"},
		{"/v1/subscriptions/gas-30215/change", `{` + by + `,"amount":"x"}`, 422, `"field":"amount"`},
		{"/v1/subscriptions/gas-30215/resume", `{` + by + `}`, 200, `"state":"active"`}, {"/v1/subscriptions/gas-30215/cancel", `{` + by + `}`, 200, `"state":"ended"`},
		{"/v1/subscriptions/none/cancel", `{` + by + `}`, 404, "unknown"},
	} {
		got := w.call("POST", row.path, row.body)
		if got.status != row.status || !strings.Contains(got.body, row.want) {
			t.Errorf("%s %s: %d, want %d with %s: %s", row.path, row.body, got.status, row.status, row.want, got.body)
		}
	}
	if got := w.call("GET", key[:len(key)-1]+"/b", ""); !strings.Contains(got.body, "by ana (key billing): ticket 4711") {
		t.Errorf("the history does not name who: %s", got.body)
	}
	if got := w.call("GET", "/v1/subscriptions/gas-30215", ""); got.status != 200 || !strings.Contains(got.body, "ana (key billing)") {
		t.Errorf("the subscription: %d %s", got.status, got.body)
	}
	if got := w.call("GET", "/v1/halts", ""); got.body != "{\"halts\":[]}\n" {
		t.Errorf("halts: %s", got.body)
	}
}

// outcomesOf reads one page.
func (w *fixture) outcomesOf(query string) (keys []string, cursor string, missed int64) {
	w.t.Helper()
	var page struct {
		Events []map[string]any
		Cursor string
		Missed int64
	}
	w.into(&page, 200, w.call("GET", "/v1/outcomes?"+query, ""))
	for _, e := range page.Events {
		keys = append(keys, fmt.Sprintf("%s %s", e["key"], e["state"]))
	}
	return keys, page.Cursor, page.Missed
}

func TestOutcomesAreReadFromACursorOn(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	_, now, _ := w.outcomesOf("after=now")
	for _, r := range []string{"a", "b", "c"} {
		w.call("POST", payouts, payout(r))
	}
	w.call("POST", "/v1/charges", example("etpay"))
	var all []string
	for cursor := ""; ; {
		keys, next, _ := w.outcomesOf("limit=3&after=" + cursor)
		if all = append(all, keys...); len(keys) == 0 {
			break
		}
		cursor = next
	}
	if want := "virtualpos/a queued, virtualpos/b queued, virtualpos/c queued, etpay/OC700104 queued"; strings.Join(all, ", ") != want {
		t.Errorf("all: %v, want %s", all, want)
	}
	if keys, _, _ := w.outcomesOf("after=" + now); len(keys) != 4 {
		t.Errorf("from then on: %v", keys)
	}
	if keys, _, _ := w.outcomesOf("provider=etpay"); len(keys) != 1 {
		t.Errorf("one provider's: %v", keys)
	}
	_, end, _ := w.outcomesOf("after=now")
	waited := make(chan []string, 1)
	go func() { keys, _, _ := w.outcomesOf("wait=60&after=" + end); waited <- keys }()
	w.call("POST", payouts, payout("d"))
	if keys := <-waited; len(keys) != 1 || keys[0] != "virtualpos/d queued" {
		t.Errorf("waited for %v", keys)
	}
	w.must(w.rdb.XTrimMaxLen(t.Context(), idempotency.OutcomesKey("virtualpos"), 1).Err())
	if keys, _, missed := w.outcomesOf("after=" + now); missed != 3 || len(keys) != 2 {
		t.Errorf("trimmed: %v, %d missed", keys, missed)
	}
	if _, _, missed := w.outcomesOf(""); missed != 0 {
		t.Errorf("whoever begins has missed %d", missed)
	}
	for _, bad := range []string{"after=x", "after=e30", "wait=61", "wait=x", "limit=0", "provider=x",
		"after=" + encoded(`{"virtualpos":{"a":"99999999999999999999-1","n":0}}`), "after=" + encoded(`{"virtualpos":{"a":"1","n":0}}`)} {
		if got := w.call("GET", "/v1/outcomes?"+bad, ""); got.status != 422 {
			t.Errorf("%s: %d %s", bad, got.status, got.body)
		}
	}
	go func() { keys, _, _ := w.outcomesOf("wait=60&after=now"); waited <- keys }()
	w.api.Drain()
	if keys := <-waited; len(keys) != 0 {
		t.Errorf("at the server's end: %v", keys)
	}
}

// TestOutcomesOfAllPartitionsAreRead: once each, page by page and from a moment on.
func TestOutcomesOfAllPartitionsAreRead(t *testing.T) {
	t.Parallel()
	w := newPartedFixture(t, 3)
	_, now, _ := w.outcomesOf("after=now")
	var want []string
	for i := range 12 {
		w.call("POST", payouts, payout(fmt.Sprintf("p-%02d", i)))
		want = append(want, fmt.Sprintf("virtualpos/p-%02d queued", i))
	}
	for _, cursor := range []string{"", now} {
		var all []string
		for {
			keys, next, missed := w.outcomesOf("limit=5&after=" + cursor)
			if all = append(all, keys...); len(keys) == 0 || missed > 0 {
				break
			}
			cursor = next
		}
		if slices.Sort(all); !slices.Equal(all, want) {
			t.Errorf("read %v, want %v", all, want)
		}
	}
	for _, p := range w.ledger.Partitions("virtualpos") {
		if w.rdb.XLen(t.Context(), idempotency.OutcomesKey(p.String())).Val() == 0 {
			t.Errorf("no event is in %s: this test tests nothing", p)
		}
	}
}

// TestACursorGoesOnIntoNewPartitions from their beginning, and into no other provider's.
func TestACursorGoesOnIntoNewPartitions(t *testing.T) {
	t.Parallel()
	before := cursor{"virtualpos": {After: "5-0", Read: 3}}
	all := append(idempotency.Partitions{"virtualpos": 2}.All("virtualpos"), idempotency.Partition{Provider: "etpay"})
	got, err := readCursor(before.text(), all)
	want := cursor{"virtualpos": {After: "5-0", Read: 3}, "virtualpos:1": {After: "0-0"}}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v %v, want %v", got, err, want)
	}
}

// TestAClientThatReadsAtTheEndGetsAll: many send a whole file before they read the first result.
func TestAClientThatReadsAtTheEndGetsAll(t *testing.T) {
	t.Parallel()
	c := &call{w: &recorder{ResponseWriter: &slowWriter{gate: make(chan struct{})}}}
	c.control = http.NewResponseController(c.w)
	slow := c.w.ResponseWriter.(*slowWriter)
	o := newOutbox(c, time.Minute)
	line := []byte(strings.Repeat("x", 999) + "\n")
	const n = 5 * mostInMemory / 1000
	for range n {
		if err := o.put(line); err != nil {
			t.Fatal(err)
		}
	}
	if o.file == nil {
		t.Error("nothing was put into a file: it is all in memory")
	}
	close(slow.gate)
	if err := o.finish(); err != nil || slow.n != n*len(line) || slow.bad {
		t.Errorf("%v, %d bytes of %d, out of order %t", err, slow.n, n*len(line), slow.bad)
	}
}

// slowWriter takes nothing before the gate is open.
type slowWriter struct {
	gate chan struct{}
	n    int
	bad  bool
}

func (s *slowWriter) Header() http.Header { return http.Header{} }
func (s *slowWriter) WriteHeader(int)     {}
func (s *slowWriter) FlushError() error   { return nil }
func (s *slowWriter) Write(p []byte) (int, error) {
	<-s.gate
	for i, b := range p {
		s.bad = s.bad || (b == '\n') != ((s.n+i)%1000 == 999)
	}
	s.n += len(p)
	return len(p), nil
}

func TestAMistakeIsSaidWithoutWhatWasSent(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	op := &operation{id: "test", method: "GET", path: "/v1/mistake", scope: apikey.Read, handle: func(_ *API, c *call) error { panic("secret " + c.r.URL.RawQuery) }}
	w.api.register(op)
	got := w.call("GET", "/v1/mistake?canary", "")
	if got.status != 500 || strings.Contains(got.body+w.log.String(), "secret canary") || !strings.Contains(w.log.String(), "a mistake of this program") {
		t.Errorf("%d %s %s", got.status, got.body, w.log.String())
	}
}

var _ Keys = (*apikey.Store)(nil)
