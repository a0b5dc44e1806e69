package dashboard

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/internal/login"
)

const (
	testUser     = "ana"
	testPassword = "right-password"
)

func TestMain(m *testing.M) {
	redis.SetLogger(discardLog{})
	os.Exit(m.Run())
}

// discardLog keeps what go-redis says of a Redis that is not there out of the tests' output.
type discardLog struct{}

func (discardLog) Printf(context.Context, string, ...any) {}

// nowhere is an address without a Redis: what the guard refuses never reaches one.
func nowhere(t *testing.T) redis.UniversalClient {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

func options(t *testing.T) Options {
	t.Helper()
	return Options{Ledger: newFakeLedger(), Redis: nowhere(t), Users: []login.User{login.Plain(testUser, testPassword)}, Writable: true, Log: zerolog.Nop(),
		Now: func() time.Time { return testNow }}
}

// ask sends a request as it is, login included, and checks what every response must carry.
func ask(t *testing.T, h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	hardened(t, r.Method+" "+r.URL.String(), w.Header())
	return w
}

// hardened checks the headers that keep a browser from doing more with a response than showing it.
func hardened(t *testing.T, what string, h http.Header) {
	t.Helper()
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %s is %q", what, name, got)
		}
	}
	csp := h.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("%s: the policy %q lacks %s", what, csp, want)
		}
	}
	if strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") || strings.Contains(csp, "*") {
		t.Errorf("%s: the policy is %q", what, csp)
	}
	if got := h.Get("Cache-Control"); got != "no-store" && got != "private, max-age=3600" {
		t.Errorf("%s: Cache-Control is %q", what, got)
	}
}

func get(path string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.URL = mustURL(path)
	r.Host = "localhost:8080"
	r.SetBasicAuth(testUser, testPassword)
	return r
}

func post(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Host = "localhost:8080"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "http://localhost:8080")
	r.SetBasicAuth(testUser, testPassword)
	return r
}

// everyPage is one path of each kind.
var everyPage = []string{"/", "/payments", "/payments/", "/payments/show?key=virtualpos/p", "/payments/style.css", "/payments/icon.svg",
	"/payments/confirm", "/payments/apply", "/payments/list", "/payments/list.csv", "/payments/groups", "/payments/bulk", "/payments/bulk/apply",
	"/payments/subscriptions", "/payments/subscriptions/show", "/payments/subscriptions/calendar", "/payments/rejected", "/payments/halts", "/dashboard", "/dashboard/", "/dashboard/queues/virtualpos", "/dashboard/api/queues",
	"/dashboard/api/redis_info", "/dashboard/static/media/logo-color.c2b0c1f3.svg", "/dashboard/favicon.ico", "/nothing"}

func TestNoPageIsShownWithoutTheRightLogin(t *testing.T) {
	for _, row := range []struct {
		says  string
		login func(r *http.Request)
	}{
		{"none", func(r *http.Request) { r.Header.Del("Authorization") }},
		{"empty", func(r *http.Request) { r.SetBasicAuth("", "") }},
		{"wrong password", func(r *http.Request) { r.SetBasicAuth(testUser, "wrong-password") }},
		{"wrong user", func(r *http.Request) { r.SetBasicAuth("eva", testPassword) }},
		{"no password", func(r *http.Request) { r.SetBasicAuth(testUser, "") }},
		{"the beginning of the password", func(r *http.Request) { r.SetBasicAuth(testUser, testPassword[:5]) }},
		{"more than the password", func(r *http.Request) { r.SetBasicAuth(testUser, testPassword+"x") }},
		{"other case", func(r *http.Request) { r.SetBasicAuth(testUser, strings.ToUpper(testPassword)) }},
		{"another scheme", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+testPassword) }},
		{"no base64", func(r *http.Request) { r.Header.Set("Authorization", "Basic !!!") }},
	} {
		for _, path := range everyPage {
			h := New(options(t)) // a new one, which has seen too few failures to slow anybody down
			for _, r := range []*http.Request{get(path), post(path, "")} {
				row.login(r)
				w := ask(t, h, r)
				if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") != `Basic realm="remesa", charset="UTF-8"` ||
					w.Body.String() != "a login is needed\n" {
					t.Errorf("%s, %s %s: %d %q", row.says, r.Method, path, w.Code, w.Body)
				}
			}
		}
	}
}

func TestWithTheLoginEveryPageIsThere(t *testing.T) {
	h := New(options(t))
	for path, want := range map[string]int{"/": 303, "/payments/style.css": 200, "/payments/icon.svg": 200, "/dashboard": 303, "/dashboard/": 200,
		"/dashboard/queues/virtualpos": 200, "/dashboard/favicon.ico": 200, "/nothing": 404, "/dashboard/static/js/none.js": 404, "/dashboard/api/none": 404, "/payments/none": 404} {
		if w := ask(t, h, get(path)); w.Code != want {
			t.Errorf("%s: %d %q", path, w.Code, w.Body)
		}
	}
}

func TestAWrongLoginIsLoggedWithoutWhatWasTyped(t *testing.T) {
	var log bytes.Buffer
	o := options(t)
	o.Log = zerolog.New(&log)
	r := get("/payments")
	r.SetBasicAuth("typed-user", "typed-password")
	ask(t, New(o), r)
	if !strings.Contains(log.String(), "wrong login") || strings.Contains(log.String(), "typed") {
		t.Errorf("the log has %q", log.String())
	}
}

func TestAPageOfAnotherSiteChangesNothing(t *testing.T) {
	for _, row := range []struct {
		says   string
		header map[string]string
	}{
		{"a form of another site", map[string]string{"Origin": "https://evil.example"}},
		{"of another site, as newer browsers say", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}},
		{"of another port", map[string]string{"Origin": "http://localhost:9999"}},
		{"of a subdomain", map[string]string{"Sec-Fetch-Site": "same-site"}},
		{"of a sandboxed frame", map[string]string{"Origin": "null"}},
	} {
		for _, r := range []*http.Request{post("/payments/apply", goodForm()), post("/payments/confirm", goodForm()), post("/payments/bulk", bulkForHeld().Encode()),
			post("/payments/bulk/apply", bulkForHeld().Encode()), post("/payments/halts", haltOf("virtualpos").Encode()),
			post("/dashboard/api/queues/virtualpos:pause", ""), httptest.NewRequest(http.MethodDelete, "/dashboard/api/queues/virtualpos", nil)} {
			o := options(t)
			r.Host = "localhost:8080"
			r.SetBasicAuth(testUser, testPassword)
			r.Header.Del("Origin")
			for name, value := range row.header {
				r.Header.Set(name, value)
			}
			if w := ask(t, New(o), r); w.Code != http.StatusForbidden {
				t.Errorf("%s, %s %s: %d %q", row.says, r.Method, r.URL, w.Code, w.Body)
			}
			if calls := o.Ledger.(*fakeLedger).calls; len(calls) > 0 {
				t.Errorf("%s: the ledger was told %q", row.says, calls)
			}
		}
	}
}

func TestWhereNothingMayBeChangedEveryWriteIsRefused(t *testing.T) {
	writes := []*http.Request{post("/payments/apply", goodForm()), post("/payments/confirm", goodForm()), post("/payments/bulk", bulkForHeld().Encode()),
		post("/payments/bulk/apply", bulkForHeld().Encode()), post("/payments/halts", haltOf("virtualpos").Encode())}
	for _, state := range []string{"active", "pending", "scheduled", "retry", "archived", "completed"} {
		tasks := "/dashboard/api/queues/virtualpos/" + state + "_tasks"
		for _, step := range []string{"/id:run", "/id:archive", "/id:cancel", ":run_all", ":archive_all", ":cancel_all", ":batch_run",
			":batch_archive", ":batch_delete", ":batch_cancel"} {
			writes = append(writes, post(tasks+step, `{"task_ids":["id"]}`))
		}
		writes = append(writes, httptest.NewRequest(http.MethodDelete, tasks+"/id", nil), httptest.NewRequest(http.MethodDelete, tasks+":delete_all", nil))
	}
	for _, method := range []string{"PUT", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "DELETE"} {
		writes = append(writes, httptest.NewRequest(method, "/dashboard/api/queues/virtualpos", nil))
	}
	writes = append(writes, post("/dashboard/api/queues/virtualpos:pause", ""), post("/dashboard/api/queues/virtualpos:resume", ""))
	readOnly, open := options(t), options(t)
	readOnly.Writable = false
	open.Users = nil
	for says, o := range map[string]Options{"not writable": readOnly, "writable, but without a login": open} {
		h := New(o)
		for _, r := range writes {
			r.Host = "localhost:8080"
			r.SetBasicAuth(testUser, testPassword)
			if w := ask(t, h, r); w.Code != http.StatusMethodNotAllowed || !strings.HasPrefix(w.Body.String(), "read-only: ") {
				t.Errorf("%s: %s %s: %d %q", says, r.Method, r.URL, w.Code, w.Body)
			}
		}
		if calls := o.Ledger.(*fakeLedger).calls; len(calls) > 0 {
			t.Errorf("%s: the ledger was told %q", says, calls)
		}
		if page := ask(t, h, get("/payments/show?key=virtualpos/p")).Body.String(); strings.Contains(page, `method="post"`) {
			t.Errorf("%s: the page offers a form", says)
		}
		if page := ask(t, h, get("/dashboard/")).Body.String(); !strings.Contains(page, `FLAG_READ_ONLY="true"`) {
			t.Errorf("%s: the dashboard does not know that it is read-only", says)
		}
	}
}

func TestWithoutALoginOnlyThisMachinesNamesAreAnswered(t *testing.T) {
	o := options(t)
	o.Users = nil
	h := New(o)
	for host, want := range map[string]int{
		"localhost:8080": 200, "127.0.0.1:8080": 200, "[::1]:8080": 200, "127.0.0.1": 200, "LOCALHOST": 200,
		"evil.example:8080": 421, "evil.example": 421, "10.0.0.7:8080": 421, "localhost.evil.example": 421, "": 421, "127.0.0.1.evil.example": 421,
	} {
		r := get("/payments")
		r.Header.Del("Authorization")
		r.Host = host
		if w := ask(t, h, r); w.Code != want {
			t.Errorf("%q: %d", host, w.Code)
		}
	}
}

func TestPathsThatDoNotMeanWhatTheySayAreRefused(t *testing.T) {
	server := httptest.NewServer(New(options(t)))
	defer server.Close()
	for _, path := range []string{
		"//dashboard/../", "//dashboard", "/dashboard/../payments", "/dashboard/./api/queues", "/dashboard//api/queues", "/dashboard/%2e%2e/payments",
		"/dashboard/..%2fpayments", "/dashboard%2fapi%2fqueues", "/dashboard/%2E%2E%2Fpayments", "/payments/..%5cdashboard", "/payments\\..",
		"/payments/%00", "/dashboard/api/queues/..", "/dashboard/static/../../../../etc/passwd", "/dashboard/static/..%2f..%2f..%2fetc%2fpasswd",
		"/dashboard/static/%252e%252e/%252e%252e/etc/passwd", "/payments/static/style.css", "/payments/templates/layout.html", "/PAYMENTS", "/payments;/x",
		"http://evil.example//payments",
	} {
		code, header, body := raw(t, server.Listener.Addr().String(), "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic "+basic()+"\r\nConnection: close\r\n\r\n")
		hardened(t, path, header)
		if code != http.StatusBadRequest && code != http.StatusNotFound || bytes.Contains(body, []byte("root:")) {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
}

func TestALargeBodyIsRefused(t *testing.T) {
	large := strings.Repeat("x", 10<<20)
	for _, path := range []string{"/payments/apply", "/payments/confirm", "/dashboard/api/queues/virtualpos/pending_tasks:batch_delete"} {
		o := options(t)
		known := post(path, large)
		if w := ask(t, New(o), known); w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s, length known: %d", path, w.Code)
		}
		read := &countingReader{from: strings.NewReader(large)}
		unknown := post(path, "")
		unknown.Body, unknown.ContentLength = io.NopCloser(read), -1
		if w := ask(t, New(o), unknown); w.Code < 400 || w.Code >= 500 && !strings.HasPrefix(path, "/dashboard") {
			t.Errorf("%s, length unknown: %d %q", path, w.Code, w.Body)
		}
		if read.n > 2*maxBody {
			t.Errorf("%s: %d bytes were read", path, read.n)
		}
		if calls := o.Ledger.(*fakeLedger).calls; len(calls) > 0 {
			t.Errorf("%s: the ledger was told %q", path, calls)
		}
	}
}

type countingReader struct {
	from io.Reader
	n    int
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += n
	return n, err
}

func TestLongHeadersAreRefused(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.Config = Server(New(options(t)))
	server.Start()
	defer server.Close()
	code, _, _ := raw(t, server.Listener.Addr().String(), "GET /payments HTTP/1.1\r\nHost: localhost\r\nX-Long: "+strings.Repeat("x", 64<<10)+"\r\n\r\n")
	if code != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%d", code)
	}
}

// pipeListener is a listener without a network, so that its time can be the test's.
type pipeListener struct{ conns chan net.Conn }

func (p pipeListener) Accept() (net.Conn, error) {
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipeListener) Close() error   { close(p.conns); return nil } // the server closes it once
func (p pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func TestASlowClientIsNotWaitedFor(t *testing.T) {
	const head = "POST /payments/confirm HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	for _, row := range []struct {
		says, sent string
		limit      time.Duration
	}{
		{"sends nothing", "", 5 * time.Second},
		{"stops in its headers", "GET /payments HTTP/1.1\r\nHost: loc", 5 * time.Second},
		{"stops in its body", head + "Authorization: Basic " + basic() + "\r\n\r\nstep=", 10 * time.Second},
		{"asks, and then for nothing more", "GET /payments/style.css HTTP/1.1\r\nHost: localhost\r\n\r\n", time.Minute},
	} {
		t.Run(row.says, func(t *testing.T) {
			o := options(t)
			synctest.Test(t, func(t *testing.T) {
				p := pipeListener{make(chan net.Conn)}
				server := Server(New(o))
				go func() { _ = server.Serve(p) }()
				client, conn := net.Pipe()
				p.conns <- conn
				begun := time.Now()
				go func() { _, _ = io.WriteString(client, row.sent) }()
				_, _ = io.Copy(io.Discard, client) // until the server hangs up
				if took := time.Since(begun); took > row.limit+time.Second {
					t.Errorf("hung up after %s", took)
				}
				_ = server.Close()
			})
		})
	}
}

// raw sends what no client of ours would.
func raw(t *testing.T, addr, request string) (code int, header http.Header, body []byte) {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() { _, _ = io.WriteString(c, request) }() // the server may answer and hang up before it has read all
	a, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(fmt.Errorf("%.60q: %w", request, err))
	}
	defer a.Body.Close()
	body, _ = io.ReadAll(a.Body)
	return a.StatusCode, a.Header, body
}

func basic() string {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.SetBasicAuth(testUser, testPassword)
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Basic ")
}
