package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/tasks"
)

// writing replaces the process's stderr by a file until the test ends; no test beside it may run.
func writing(t *testing.T) (text func() string) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stderr
	os.Stderr = file
	t.Cleanup(func() { os.Stderr = before; log.SetOutput(before); redis.SetLogger(redisLog{}); _ = file.Close() })
	return func() string {
		b, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
}

func onlyJSON(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no line of JSON: %q", line)
		}
	}
}

// A server that sends more than its answer has net/http write to Go's own log, in plain text, with
// the surplus. Providers are called without net/http's transport; whatever else uses it in the
// process must not write either.
func TestAServingWorkerWritesNothingButJSON(t *testing.T) {
	written := writing(t)
	server := redistest.Start(t)
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		const answer = `{"status":"OK","code":200,"payout":{"id":"pyt_1","status":"pendiente","amount":12500}}`
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "+strconv.Itoa(len(answer))+"\r\n\r\n"+
			answer+"surplus of sk_live_surplus and Ana Soto")
		_ = conn.Close()
	}))
	defer provider.Close()
	c, err := config.From(map[string]string{
		"REMESA_REDIS_URL": "redis://" + server.Addr() + "/0", "REMESA_HTTP_ADDR": "127.0.0.1:0", "REMESA_POLL_FIRST": "20ms",
		"REMESA_POLL_MAX": "20ms", "REMESA_JANITOR_INTERVAL": "20ms", "REMESA_VIRTUALPOS_BASE_URL": provider.URL,
		"REMESA_VIRTUALPOS_API_KEY": "key", "REMESA_VIRTUALPOS_SECRET_KEY": "secret",
	})
	if err != nil {
		t.Fatal(err)
	}
	rdb := server.Client()
	intake := tasks.NewClient(idempotency.NewRedis(rdb, idempotency.Options{}), rdb, tasks.ClientOptions{})
	task, err := tasks.Decode([]byte(`{"type":"payout","provider":"virtualpos","merchant_id":"tef-0001","amount":"12500","currency":"CLP",` +
		`"recipient":{"document":"12345678-5","name":"Ana Soto"},"bank":{"code":"012","account_number":"12345678"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := intake.Submit(t.Context(), task); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- runCmd{}.Run(ctx, c) }()
	eventually.NoError(t, 30*time.Second, func() error {
		if text := written(); !strings.Contains(text, `"class":"pending"`) {
			return fmt.Errorf("the provider was not called:\n%s", text)
		}
		reply, err := http.Get(provider.URL)
		if err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, reply.Body)
		_ = reply.Body.Close()
		if text := written(); !strings.Contains(text, "Unsolicited response") {
			return fmt.Errorf("net/http wrote nothing about the surplus:\n%s", text)
		}
		return nil
	})
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	onlyJSON(t, written())
	if text := written(); strings.Contains(text, "sk_live") || strings.Contains(text, "Soto") {
		t.Errorf("the surplus is quoted:\n%s", text)
	}
}

func TestAWorkerThatDoesNotServeSaysSoInJSON(t *testing.T) {
	written := writing(t)
	for says, env := range map[string]map[string]string{
		"no provider has credentials": {}, "REMESA_HTTP_ADDR": {"REMESA_HTTP_ADDR": "10.0.0.7:8080"},
	} {
		c, err := config.From(env)
		if err != nil {
			t.Fatal(err)
		}
		before := len(written())
		if err := (runCmd{}).Run(t.Context(), c); !errors.Is(err, errSilent) {
			t.Errorf("%s: got %v, want what was said already", says, err)
		}
		text := written()[before:]
		if onlyJSON(t, text); !strings.Contains(text, says) || !strings.Contains(text, `"not serving"`) {
			t.Errorf("%s is not said: %s", says, text)
		}
	}
}

// TestAWorkerSaysInSpanishWhyItDoesNotStart: whole sentences, in one language.
func TestAWorkerSaysInSpanishWhyItDoesNotStart(t *testing.T) {
	t.Setenv("LC_ALL", "es_CL.UTF-8")
	t.Setenv("REMESA_LOG_FORMAT", "console")
	written, before := writing(t), 0
	for _, row := range []struct {
		says, name, value, args string
		code                    int
		want                    string
	}{
		{"no credentials", "REMESA_TIMEZONE", "UTC", "run", exitFailed, "worker: ningún proveedor de pago tiene credenciales: ponga REMESA_"},
		{"a page for all", "REMESA_HTTP_ADDR", "0.0.0.0:8080", "run", exitFailed, "worker: REMESA_HTTP_ADDR: no es solo de esta máquina, y las páginas no piden usuario: ponga"},
		{"a short lease", "REMESA_LEASE", "30s", "check", exitFailed, "worker: REMESA_LEASE: 30s es muy poco: un intento son hasta dos solicitudes"},
		{"no Redis URL", "REMESA_REDIS_URL", "nowhere", "check", exitFailed, "worker: REMESA_REDIS_URL: debe ser como redis://"},
		{"a long lease", "REMESA_LEASE", "soon", "run", exitUsage, "worker: --lease: REMESA_LEASE: no es una duración como 90s, 5m, 72h o 400d (se encontraron 4 caracteres)"},
		{"a mistyped flag", "REMESA_TIMEZONE", "UTC", "run --leas 60s", exitUsage, "worker: no existe la opción --leas; ¿quiso decir \"--lease\"?"},
		{"nobody's account", "REMESA_TIMEZONE", "UTC", "check --accept-identity x", exitFailed, "worker: --accept-identity: debe ser PROVEEDOR/PERFIL, como virtualpos/default"},
	} {
		t.Setenv(row.name, row.value)
		code := run(strings.Fields(row.args))
		got := written()[before:]
		before += len(got)
		if code != row.code || !strings.HasPrefix(got, row.want) {
			t.Errorf("%s: exit code %d: %s, want %s", row.says, code, got, row.want)
		}
		if err := os.Unsetenv(row.name); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("REMESA_VIRTUALPOS_BASE_URL", "https://pagos.example")
	t.Setenv("REMESA_VIRTUALPOS_API_KEY", "a")
	t.Setenv("REMESA_VIRTUALPOS_SECRET_KEY", "b")
	const want = "worker: la demostración no se inicia junto a direcciones reales"
	if code := run([]string{"demo"}); code != exitFailed || !strings.HasPrefix(written()[before:], want) {
		t.Errorf("a real provider: exit code %d: %s, want %s", code, written()[before:], want)
	}
}
