package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/kv"
	"github.com/remesa/remesa/internal/redistest"
)

// webhooksFile is a file of receivers in place of REMESA_WEBHOOKS_FILE, and the secret of each.
func webhooksFile(t *testing.T, entries ...string) (setting, secret string) {
	t.Helper()
	folder := t.TempDir()
	secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("CANARY-x", 4)))
	secretFile, file := filepath.Join(folder, "secret"), filepath.Join(folder, "webhooks.json")
	text := strings.ReplaceAll("["+strings.Join(entries, ",")+"]", "SECRET", secretFile)
	for path, content := range map[string]string{secretFile: secret + "\n", file: text} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return "REMESA_WEBHOOKS_FILE=" + file, secret
}

func entryFor(name, url, more string) string {
	return fmt.Sprintf(`{"name":%q,"url":%q,"secret_file":"SECRET"%s}`, name, url, more)
}

func TestWebhooksAreListedSentAgainAndTested(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	file, _ := webhooksFile(t, entryFor("billing", "https://billing.example/CANARY", `,"state":["succeeded"]`), entryFor("erp", "https://erp.example/CANARY", ""))
	env := environment(redisAt(s.URL()), file)
	rdb := s.Client()
	for v := range int64(2) {
		e := kv.OutcomeEvent{Key: "virtualpos/a", Reference: "a", Type: "payout", Event: "state", State: []string{"pending", "succeeded"}[v], Version: v + 1, At: time.Now()}
		if err := rdb.XAdd(t.Context(), &redis.XAddArgs{Stream: kv.OutcomesKey("virtualpos"), Values: e.Fields()}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	run := func(code int, args string, texts ...string) string {
		t.Helper()
		got := enqueue(t, env, nil, strings.Fields(args)...)
		wantCode(t, args, got, code)
		wantText(t, args, got.out+got.err, texts...)
		if strings.Contains(got.out+got.err, "CANARY") {
			t.Errorf("%s prints a secret or a path\n%s%s", args, got.out, got.err)
		}
		return got.out
	}
	const by = " --by ana --note new-server"
	got := run(0, "webhook resend virtualpos/a"+by, `"receiver":"erp"`)
	if strings.Count(got, `"event_id":"virtualpos/a:0:2"`) != 2 || strings.Count(got, `"event_id":"virtualpos/a:0:1"`) != 1 {
		t.Errorf("to each what it gets:\n%s", got)
	}
	run(0, "webhook resend virtualpos/a:0:2 --receiver billing"+by, `"result":"queued"`)
	run(exitUnknown, "webhook resend virtualpos/a:0:1 --receiver billing"+by, "no stream has such an event")
	run(exitUnknown, "webhook resend virtualpos/b"+by)
	run(0, "webhook resend --parked"+by)
	run(0, "webhook list", "billing", "https://erp.example")
	var line listedReceiver
	if err := json.Unmarshal([]byte(run(0, "webhook list erp --json")), &line); err != nil {
		t.Fatal(err)
	}
	if line.Open != 2 || line.Parked != 0 || len(line.Steps) != 1 || line.Steps[0].By != "ana" || line.Steps[0].Note != "new-server" || line.Steps[0].Count != 2 {
		t.Errorf("%+v", line)
	}
	member := rdb.ZRange(t.Context(), "remesa:{webhooks-erp}:open", 0, 0).Val()[0]
	rdb.ZAdd(t.Context(), "remesa:{webhooks-erp}:parked", redis.Z{Score: 1_779_000_000_000, Member: member})
	rdb.ZRem(t.Context(), "remesa:{webhooks-erp}:open", member)
	run(0, "webhook list --parked", "erp", "2026-05-17T06:40:00Z", "virtualpos/a:0:1")
	run(0, "webhook list erp --parked --json", `"event_id":"virtualpos/a:0:1"`, `"key":"virtualpos/a"`)
	run(0, "webhook resend --parked --receiver erp"+by, `"event_id":"virtualpos/a:0:1"`)
	if n := rdb.ZCard(t.Context(), "remesa:{webhooks-erp}:parked").Val(); n != 0 {
		t.Errorf("%d are parked still", n)
	}
}

func TestATestEventIsSignedAsAllAre(t *testing.T) {
	t.Parallel()
	var secret atomic.Value
	billing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, r.ContentLength)
		_, _ = r.Body.Read(body)
		judge, err := webhooks.NewWebhook(secret.Load().(string))
		if err != nil || judge.Verify(body, r.Header) != nil || !strings.Contains(string(body), `"event":"test"`) || !strings.Contains(string(body), r.Header.Get("webhook-id")) {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer billing.Close()
	file, text := webhooksFile(t, entryFor("billing", billing.URL+"/CANARY", `,"allow_private":true`))
	secret.Store(text)
	env := environment(redisAt(nowhere), file) // it needs no Redis
	got := enqueue(t, env, nil, "webhook", "test", "billing")
	wantCode(t, "test", got, 0)
	wantText(t, "test", got.out, `"result":"delivered"`, `"event_id":"test:`)
	secret.Store("whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32)))
	got = enqueue(t, env, nil, "webhook", "test")
	wantCode(t, "refused", got, exitRefused)
	wantText(t, "refused", got.out, `"result":"refused"`, "HTTP 401")
	if strings.Contains(got.out+got.err, "CANARY") {
		t.Errorf("a secret or a path is printed: %s%s", got.out, got.err)
	}
}

func TestWebhooksThatAreNotSet(t *testing.T) {
	t.Parallel()
	file, _ := webhooksFile(t, entryFor("billing", "https://billing.example", ""))
	broken, _ := webhooksFile(t, entryFor("billing", "http://CANARY.example", ""))
	const by = " --by ana --note x"
	for _, row := range []struct{ setting, args, text string }{
		{"X=1", "webhook list", "REMESA_WEBHOOKS_FILE: names no receiver"},
		{"REMESA_WEBHOOKS_FILE=/nowhere", "webhook list", "cannot be read"},
		{broken, "webhook list", "entry 1: url: must begin with https://"},
		{file, "webhook test erp", "no receiver of that name"},
		{file, "webhook resend" + by, "name an event or a payment"},
		{file, "webhook resend virtualpos/a --parked" + by, "name an event or a payment"},
		{file, "webhook resend --parked --limit 0" + by, "--limit"},
		{file, "webhook resend --parked --by ana", "note"},
	} {
		got := enqueuePlain(t, environment(redisAt(nowhere), row.setting), nil, strings.Fields(row.args)...)
		wantCode(t, row.args, got, exitUsage)
		wantText(t, row.args, got.err, row.text)
		if strings.Contains(got.err, "CANARY") {
			t.Errorf("%s repeats a value: %s", row.args, got.err)
		}
	}
}
