package providertest

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// update is a flag of every test that imports this package; a flag has to be known before the test
// starts.
var update = flag.Bool("update", false, "write the golden files anew")

// Golden are requests that stand in files, testdata/NAME.http, by name. The value is the beginning
// of the file's SHA-256 (16 hex digits), so that a file cannot be regenerated without anybody's
// noticing.
type Golden map[string]string

// Compare holds a request against its file, byte for byte.
func (g Golden) Compare(t *testing.T, name, request string) {
	t.Helper()
	file := filepath.Join("testdata", name+".http")
	if *update {
		if err := os.WriteFile(file, []byte(request), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if request != string(want) {
		t.Errorf("%s: the request is\n%s\nwant\n%s", name, request, want)
	}
	sum := sha256.Sum256([]byte(request))
	if hash := hex.EncodeToString(sum[:8]); hash != g[name] {
		t.Errorf("%s: the request's hash is %s, want %s", name, hash, g[name])
	}
}

// Recorder is a scripted provider that keeps the bytes of every request.
type Recorder struct {
	// URL is the provider's.
	URL      string
	mu       sync.Mutex
	requests []string
}

// Record serves the responses until the test ends.
func Record(t *testing.T, respond func(r *http.Request) (status int, body string)) *Recorder {
	t.Helper()
	rec := &Recorder{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec.keep(r)
		status, body := respond(r)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	rec.URL = server.URL
	return rec
}

// Teapot is a response that says nothing.
func Teapot(*http.Request) (status int, body string) { return http.StatusTeapot, "" }

var port = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)

func (rec *Recorder) keep(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var head strings.Builder
	_ = r.Header.Write(&head)
	text := r.Method + " " + r.RequestURI + " " + r.Proto + "\nHost: " + r.Host + "\n" + strings.ReplaceAll(head.String(), "\r", "") + "\n" + string(body)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.requests = append(rec.requests, port.ReplaceAllString(text, "HOST"))
}

// Requests are those that arrived so far, in order: request line, headers by name, an empty line,
// body. HOST stands for the provider's address.
func (rec *Recorder) Requests() []string {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return append([]string(nil), rec.requests...)
}

// Sent is the one request that send makes to a provider whose response means nothing.
func Sent(t *testing.T, send func(url string)) string {
	t.Helper()
	rec := Record(t, Teapot)
	send(rec.URL)
	all := rec.Requests()
	if len(all) != 1 {
		t.Fatalf("%d requests arrived, want one", len(all))
	}
	return all[0]
}
