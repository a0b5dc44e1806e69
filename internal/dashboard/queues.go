package dashboard

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"path"
	"regexp"
	"strings"

	"github.com/hibiken/asynq"
	"github.com/hibiken/asynqmon"
	"github.com/redis/go-redis/v9"
)

// queues serves asynqmon and adds what it lacks: content types that browsers accept, a page that
// loads nothing from elsewhere, redacted payloads, and a list of queues that survives a damaged
// task.
type queues struct {
	mon       http.Handler
	inspector *asynq.Inspector
	rdb       redis.UniversalClient
	mux       *http.ServeMux
	// raw is asynqmon's page as it comes, page is ours, with the place of the nonce in it.
	raw, page []byte
	scripts   []string // hashes of the page's inline scripts
}

func newQueues(o Options) *queues {
	q := &queues{inspector: asynq.NewInspectorFromRedisClient(o.Redis), rdb: o.Redis, mux: http.NewServeMux()}
	q.mon = asynqmon.New(asynqmon.Options{
		RootPath: queuesPath, RedisConnOpt: sharedRedis{o.Redis}, ReadOnly: !o.Writable,
		PayloadFormatter: asynqmon.PayloadFormatterFunc(showPayload), ResultFormatter: asynqmon.ResultFormatterFunc(showResult),
	})
	q.raw = q.fetch(queuesPath + "/").body.Bytes()
	q.page, q.scripts = rewrite(q.raw)
	q.mux.HandleFunc("GET "+queuesPath+"/api/queues", q.list)
	q.mux.HandleFunc("GET "+queuesPath+"/api/queues/{queue}", q.one)
	q.mux.HandleFunc(queuesPath+"/api/", q.api)
	q.mux.HandleFunc(queuesPath+"/", q.file)
	return q
}

// sharedRedis hands asynqmon the worker's own connections.
type sharedRedis struct{ rdb redis.UniversalClient }

// MakeRedisClient implements asynq.RedisConnOpt.
func (s sharedRedis) MakeRedisClient() any { return s.rdb }

// ServeHTTP implements http.Handler.
func (q *queues) ServeHTTP(w http.ResponseWriter, r *http.Request) { q.mux.ServeHTTP(w, r) }

// api passes a call on and sets the content type JSON, which asynqmon does not.
func (q *queues) api(w http.ResponseWriter, r *http.Request) {
	q.mon.ServeHTTP(&typedResponse{ResponseWriter: w}, r)
}

// typedResponse adds the content type to a response without one, and turns the page that asynqmon
// sends for unknown calls into "not found".
type typedResponse struct {
	http.ResponseWriter
	wroteHeader, dropped bool
}

func (t *typedResponse) WriteHeader(code int) {
	t.wroteHeader = true
	if h := t.Header(); h.Get("Content-Type") == "" && code != http.StatusNoContent {
		h.Set("Content-Type", "application/json; charset=utf-8")
	}
	t.ResponseWriter.WriteHeader(code)
}

func (t *typedResponse) Write(b []byte) (int, error) {
	if !t.wroteHeader && bytes.HasPrefix(b, []byte("<!doctype")) {
		t.wroteHeader, t.dropped = true, true
		refuse(t.ResponseWriter, http.StatusNotFound, "there is nothing here")
	}
	if t.dropped {
		return len(b), nil
	}
	if !t.wroteHeader {
		t.WriteHeader(http.StatusOK)
	}
	return t.ResponseWriter.Write(b)
}

// file serves asynqmon's own files; every path that is none is a page of it, which its script
// draws.
func (q *queues) file(w http.ResponseWriter, r *http.Request) {
	if changes(r.Method) {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "files and pages can only be read")
		return
	}
	a := q.fetch(r.URL.Path)
	switch {
	case a.code != http.StatusOK:
		refuse(w, http.StatusNotFound, "there is nothing here")
	case !bytes.Equal(a.body.Bytes(), q.raw):
		w.Header().Set("Content-Type", typeOf(r.URL.Path, a.Header().Get("Content-Type")))
		w.Header().Set("Cache-Control", "private, max-age=3600")
		_, _ = w.Write(a.body.Bytes())
	case strings.HasPrefix(r.URL.Path, queuesPath+"/static/"):
		refuse(w, http.StatusNotFound, "there is nothing here")
	default:
		q.index(w)
	}
}

// typeOf is the content type of files for which it cannot be detected.
func typeOf(name, otherwise string) string {
	switch path.Ext(name) {
	case ".svg":
		return "image/svg+xml"
	case ".json", ".map":
		return "application/json; charset=utf-8"
	case ".ico":
		return "image/x-icon"
	}
	return otherwise
}

// index is the page with a nonce of its own, which its styles carry: its library makes style
// elements in the browser.
func (q *queues) index(w http.ResponseWriter) {
	nonce := rand.Text()
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy("script-src 'self' "+strings.Join(q.scripts, " "), "style-src 'self' 'nonce-"+nonce+"'",
		"img-src 'self' data:", "connect-src 'self'", "font-src 'self'", "form-action 'none'"))
	_, _ = w.Write(bytes.Replace(q.page, []byte(nonceMark), []byte(nonce), 1))
}

// nonceMark stands in the page for the nonce.
const nonceMark = "nonce-comes-here"

var (
	// Fonts from elsewhere, and a manifest that browsers fetch without the login.
	unwanted = regexp.MustCompile(`<link[^>]*(href="(https?:)?//|rel="manifest")[^>]*/?>`)
	inline   = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
)

// rewrite makes asynqmon's page ours, and names its inline scripts to the policy.
func rewrite(raw []byte) (page []byte, hashes []string) {
	page = unwanted.ReplaceAll(raw, nil)
	page = bytes.Replace(page, []byte("<head>"), []byte(`<head><meta property="csp-nonce" content="`+nonceMark+`"/>`), 1)
	for _, m := range inline.FindAllSubmatch(page, -1) {
		sum := sha256.Sum256(m[1])
		hashes = append(hashes, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	return page, hashes
}

// bufferedResponse is one of asynqmon's, kept instead of sent.
type bufferedResponse struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (a *bufferedResponse) Header() http.Header         { return a.header }
func (a *bufferedResponse) Write(b []byte) (int, error) { return a.body.Write(b) }
func (a *bufferedResponse) WriteHeader(code int)        { a.code = code }

// fetch gets a file of asynqmon's.
func (q *queues) fetch(name string) *bufferedResponse {
	a := &bufferedResponse{header: http.Header{}, code: http.StatusOK}
	r := &http.Request{Method: http.MethodGet, Header: http.Header{}}
	r.URL = fileURL(name)
	q.mon.ServeHTTP(a, r)
	return a
}
