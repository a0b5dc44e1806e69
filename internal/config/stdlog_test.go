package config

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/internal/logtest"
	"github.com/remesa/remesa/providers/wire"
)

// logged routes Go's log into the lines of a log in JSON until the test ends.
func logged(t *testing.T, level zerolog.Level) *logtest.Log {
	t.Helper()
	var out logtest.Log
	l := Logging{LogLevel: "info", LogFormat: LogJSON}
	flags, prefix := log.Flags(), log.Prefix()
	RedirectStdLog(l.Logger(&out), level)
	t.Cleanup(func() { log.SetOutput(os.Stderr); log.SetFlags(flags); log.SetPrefix(prefix) })
	return &out
}

// messages insists on JSON lines.
func messages(t *testing.T, text string) []map[string]string {
	t.Helper()
	var all []map[string]string
	for line := range strings.Lines(text) {
		var fields map[string]string
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Errorf("no line of JSON: %q", line)
		}
		all = append(all, fields)
	}
	return all
}

func TestWhatOthersLogIsOneMaskedLine(t *testing.T) {
	for _, row := range []struct{ said, message, detail string }{
		{"plain", "plain", ""},
		{"Unsolicited response received on idle HTTP channel starting with \"HTTP/1.1 200 OK\\r\\n\\r\\nAna \\\"Soto\\\" 4111\"; err=<nil>",
			"Unsolicited response received on idle HTTP channel starting with […]; err=<nil>", ""},
		{`cut short "Ana Soto`, "cut short […]", ""}, {"raw `Ana Soto` end", "raw […] end", ""},
		{"to ana@example.cl about 12.345.678-5", "to […] about […]", ""},
		{"http: panic serving 127.0.0.1:52114: boom\ngoroutine 7 [running]:\nmain.f(\"Ana\")\n", "http: panic serving […]: boom", "goroutine 7 [running]:\nmain.f([…])"},
	} {
		out := logged(t, zerolog.WarnLevel)
		log.Print(row.said)
		got := messages(t, out.String())
		if len(got) != 1 || got[0]["message"] != row.message || got[0]["detail"] != row.detail || got[0]["level"] != "warn" || got[0]["from"] != "go" || got[0]["time"] == "" {
			t.Errorf("%q became %q", row.said, out)
		}
	}
	out := logged(t, zerolog.DebugLevel)
	if log.Print("quiet"); out.String() != "" {
		t.Errorf("below the log's level, and written: %s", out)
	}
}

// A server that sends more than its answer, and a page that panics: net/http writes about both. The
// providers' client says nothing of a provider's surplus.
func TestNetHTTPWritesNothingButJSON(t *testing.T) {
	out := logged(t, zerolog.WarnLevel)
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			panic("page")
		}
		_, _ = io.Copy(io.Discard, r.Body)
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nX-Key: sk_live_surplus\r\n\r\nAna Soto")
		_ = c.Close()
	}))
	defer provider.Close()
	client, err := wire.New(wire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 20 {
		_, _ = client.Do(ctx, wire.Request{Method: http.MethodPost, URL: provider.URL, Body: []byte("{}")})
	}
	if out.String() != "" {
		t.Errorf("the providers' client had this written: %s", out)
	}
	for !strings.Contains(out.String(), "Unsolicited") && ctx.Err() == nil {
		if req, err := http.NewRequestWithContext(ctx, http.MethodPost, provider.URL, strings.NewReader("{}")); err != nil {
			t.Fatal(err)
		} else if resp, err := http.DefaultClient.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}
	for !strings.Contains(out.String(), "panic serving") && ctx.Err() == nil {
		_, _ = client.Do(ctx, wire.Request{Method: http.MethodGet, URL: provider.URL})
	}
	if ctx.Err() != nil {
		t.Fatalf("net/http did not write: %s", out)
	}
	messages(t, out.String())
	if strings.Contains(out.String(), "sk_live") || strings.Contains(out.String(), "Soto") {
		t.Errorf("the surplus bytes are quoted: %s", out)
	}
}
