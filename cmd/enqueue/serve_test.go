package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/processtest"
	"github.com/remesa/remesa/internal/redistest"
)

// served is `enqueue serve` as a process, and a key that may do everything.
type served struct {
	*processtest.Process
	t        *testing.T
	url, key string
	client   *http.Client
}

func serveOn(t *testing.T, path string, env []string, args ...string) *served {
	t.Helper()
	p := start(t, path, env, append([]string{"serve", "--addr", "127.0.0.1:0"}, args...)...)
	s := &served{Process: p.Process, t: t, url: "http://" + p.Await(testTimeout, `"api":"`, `"`), client: &http.Client{}}
	s.key = newKey(t, env, "submit,read,settle")
	return s
}

func newKey(t *testing.T, env []string, scopes string) string {
	t.Helper()
	got := enqueue(t, env, nil, "apikey", "create", "billing", "--scope", scopes)
	wantCode(t, "apikey create", got, 0)
	var made createdKey
	if err := json.Unmarshal([]byte(got.out), &made); err != nil {
		t.Fatal(err)
	}
	return made.Key
}

// post sends a body with the key; the response is the caller's to close.
func (s *served) post(path, media string, body io.Reader) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.key)
	r.Header.Set("Content-Type", media)
	reply, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply
}

func TestAServerThatIsToldToEndFinishesTheBatch(t *testing.T) {
	t.Parallel()
	store := redistest.Start(t)
	s := serveOn(t, binary(t), environment(redisAt(store.URL())))
	in, out := io.Pipe()
	go func() { _, _ = io.WriteString(out, payout("a")+"\n") }()
	reply := s.post("/v1/payouts", "application/x-ndjson", in)
	defer reply.Body.Close()
	lines := bufio.NewScanner(reply.Body)
	if !lines.Scan() || !strings.Contains(lines.Text(), `"key":"virtualpos/a"`) {
		t.Fatalf("%s %v", lines.Text(), lines.Err())
	}
	s.Signal(syscall.SIGTERM)
	if !lines.Scan() || !strings.Contains(lines.Text(), `"result":"stopped"`) {
		t.Errorf("at the end: %s %v", lines.Text(), lines.Err())
	}
	_ = out.Close()
	if lines.Scan() || lines.Err() != nil {
		t.Errorf("behind the end: %s %v", lines.Text(), lines.Err())
	}
	if code := s.Exit(testTimeout); code != 0 {
		t.Errorf("exit code %d\n%s", code, s.Output())
	}
	if _, err := ledgerOf(store).Show(t.Context(), mustKey(t, "virtualpos/a")); err != nil {
		t.Error(err)
	}
}

func TestKeysAreMadeListedAndRevoked(t *testing.T) {
	t.Parallel()
	store := redistest.Start(t)
	env := environment(redisAt(store.URL()))
	s := serveOn(t, binary(t), env)
	wantText(t, "without a key", s.Output(), "no key was made yet")
	for _, row := range []struct {
		args string
		code int
		want string
	}{
		{"create --scope read", exitUsage, "name"}, {"create shop", exitUsage, "--scope"}, {"create shop --scope pay", exitUsage, "a scope must be"},
		{"create shop --scope submit:nobody", exitUsage, "names a provider"}, {"create a|b --scope read", exitUsage, "the name must be"},
		{"revoke 0123", exitUnknown, "no key of that id"},
	} {
		got := enqueue(t, env, nil, append([]string{"apikey"}, strings.Fields(row.args)...)...)
		wantCode(t, row.args, got, row.code)
		wantText(t, row.args, got.err, row.want)
	}
	got := enqueue(t, env, nil, "apikey", "list", "--json")
	var listed shownKey
	if err := json.Unmarshal([]byte(got.out), &listed); err != nil || listed.Name != "billing" || listed.Revoked != nil || strings.Contains(got.out, s.key) {
		t.Fatalf("list: %v %s", err, got.out)
	}
	call := func() int {
		reply := s.post("/v1/payouts", "application/json", strings.NewReader(payout("a")))
		defer reply.Body.Close()
		return reply.StatusCode
	}
	if status := call(); status != http.StatusCreated {
		t.Errorf("with a key: %d", status)
	}
	wantCode(t, "revoke", enqueue(t, env, nil, "apikey", "revoke", listed.ID), 0)
	if status := call(); status != http.StatusUnauthorized {
		t.Errorf("with a revoked key: %d", status)
	}
	wantText(t, "list", enqueue(t, env, nil, "apikey", "list").out, listed.ID, "billing", "submit")
	text, err := store.Client().HGet(context.Background(), "remesa:{api}:keys", listed.ID).Result()
	if err != nil || strings.Contains(text, s.key) || strings.Contains(text, s.key[20:]) {
		t.Errorf("the store knows the key: %v", err)
	}
	if strings.Contains(s.Output(), s.key[20:]) {
		t.Error("the log has the key")
	}
}

// certificate writes one for 127.0.0.1 and its key, and returns whom it makes a client trust.
func certificate(t *testing.T) (certFile, keyFile string, trusted *x509.CertPool) {
	t.Helper()
	key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der := must[[]byte](t)(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
	private := must[[]byte](t)(x509.MarshalPKCS8PrivateKey(key))
	dir := t.TempDir()
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	trusted = x509.NewCertPool()
	trusted.AddCert(must[*x509.Certificate](t)(x509.ParseCertificate(der)))
	return filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), trusted
}

func TestKeysDoNotCrossTheNetworkInTheClear(t *testing.T) {
	t.Parallel()
	store := redistest.Start(t)
	env := environment(redisAt(store.URL()))
	got := enqueue(t, env, nil, "serve", "--addr", "0.0.0.0:0")
	wantCode(t, "plain HTTP for everybody", got, exitUsage)
	wantText(t, "plain HTTP for everybody", got.err, "REMESA_API_CERT_FILE")
	cert, key, trusted := certificate(t)
	got = enqueue(t, append(env, "REMESA_API_CERT_FILE="+cert), nil, "serve")
	wantCode(t, "a certificate without its key", got, exitUsage)
	got = enqueue(t, append(env, "REMESA_API_CERT_FILE="+key, "REMESA_API_CERT_KEY_FILE="+cert), nil, "serve", "--addr", "127.0.0.1:0")
	wantCode(t, "one in place of the other", got, exitUsage)
	s := serveOn(t, binary(t), append(env, "REMESA_API_CERT_FILE="+cert, "REMESA_API_CERT_KEY_FILE="+key))
	s.url = strings.Replace(s.url, "http:", "https:", 1)
	s.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, ForceAttemptHTTP2: true}
	for _, media := range []string{"application/json", "application/x-ndjson"} {
		reply := s.post("/v1/payouts", media, strings.NewReader(payout("a")))
		text, err := io.ReadAll(reply.Body)
		reply.Body.Close()
		if err != nil || reply.ProtoMajor != 2 || reply.StatusCode > 201 || !strings.Contains(string(text), "virtualpos/a") {
			t.Errorf("%s: %s %d %s %v", media, reply.Proto, reply.StatusCode, text, err)
		}
	}
}

// results reads a response of result lines to its end, however that is.
func (s *served) results(reply *http.Response) (seen map[string]string, err error) {
	defer reply.Body.Close()
	seen = map[string]string{}
	lines := json.NewDecoder(reply.Body)
	for {
		var r struct{ Key, Result string }
		if err := lines.Decode(&r); err != nil {
			return seen, err
		}
		seen[r.Key] = r.Result
	}
}

// TestAServerIsKilledAndTheFileSentAgain: what was reported is on record, and after the second time
// everything is, once.
func TestAServerIsKilledAndTheFileSentAgain(t *testing.T) {
	t.Parallel()
	const n = 4000
	store := redistest.Start(t)
	env := environment(redisAt(store.URL()))
	var file strings.Builder
	for i := range n {
		file.WriteString(payout(fmt.Sprintf("k-%04d", i)) + "\n")
	}
	first := serveOn(t, binary(t), env)
	in, out := io.Pipe()
	go func() { // the rest comes only when the server is gone
		half := file.String()[:file.Len()/2]
		_, _ = io.WriteString(out, half)
		<-first.Exited()
		out.CloseWithError(io.ErrUnexpectedEOF)
	}()
	reply := first.post("/v1/payouts", "application/x-ndjson", in)
	defer reply.Body.Close()
	one := make([]byte, 1)
	if _, err := io.ReadFull(reply.Body, one); err != nil {
		t.Fatal(err)
	}
	first.Kill()
	rest := *reply
	rest.Body = io.NopCloser(io.MultiReader(strings.NewReader(string(one)), reply.Body))
	reported, err := first.results(&rest)
	if errors.Is(err, io.EOF) {
		t.Error("the response of a server that was killed looks whole")
	}
	ledger := ledgerOf(store)
	for key := range reported {
		if _, err := ledger.Show(t.Context(), mustKey(t, key)); err != nil {
			t.Errorf("reported, and lost: %v", err)
		}
	}
	second := serveOn(t, binary(t), env)
	whole := second.post("/v1/payouts", "application/x-ndjson", strings.NewReader(file.String()))
	defer whole.Body.Close()
	again, err := second.results(whole)
	count := map[string]int{}
	for _, result := range again {
		count[result]++
	}
	if !errors.Is(err, io.EOF) || len(again) != n || count["enqueued"]+count["duplicate"] != n || len(reported) == 0 || count["duplicate"] < len(reported) {
		t.Errorf("%d reported before the kill, then %v, %v", len(reported), count, err)
	}
	counts, err := ledger.Counts(t.Context(), "virtualpos")
	if err != nil || counts["queued"] != n {
		t.Errorf("on record: %v %v, want %d", counts, err, n)
	}
}

// TestMetricsHaveAListenerOfTheirOwn: the interface itself, which a proxy leads to, has none.
func TestMetricsHaveAListenerOfTheirOwn(t *testing.T) {
	t.Parallel()
	store := redistest.Start(t)
	s := serveOn(t, binary(t), append(environment(redisAt(store.URL())), "REMESA_API_METRICS_ADDR=127.0.0.1:0"))
	reply := s.post("/v1/payouts", "application/json", strings.NewReader(payout("a")))
	reply.Body.Close()
	get := func(url string) (int, string) {
		r, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r.StatusCode, string(text)
	}
	at := "http://" + s.Await(testTimeout, `"metrics":"`, `"`)
	eventually.True(t, testTimeout, "the payout is counted", func() bool {
		status, text := get(at + "/metrics")
		return status == http.StatusOK && strings.Contains(text, `remesa_api_requests_total{class="2xx",operation="createPayout"} 1`)
	})
	if status, _ := get(s.url + "/metrics"); status != http.StatusNotFound {
		t.Errorf("the interface itself answers /metrics with %d", status)
	}
	if status, _ := get(at + "/v1/payments"); status != http.StatusNotFound {
		t.Errorf("the listener of metrics answers /v1/payments with %d", status)
	}
	got := enqueue(t, append(environment(redisAt(store.URL())), "REMESA_API_METRICS_ADDR=8091"), nil, "serve", "--addr", "127.0.0.1:0")
	wantCode(t, "an address without a host", got, exitUsage)
	wantText(t, "an address without a host", got.err, "REMESA_API_METRICS_ADDR")
}
