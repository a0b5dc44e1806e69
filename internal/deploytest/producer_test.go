package deploytest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/tasks"
)

// payout is the payment virtualpos/a.
const payout = `{"type":"payout","provider":"virtualpos","merchant_id":"a","amount":"12500","currency":"CLP","description":"x",` +
	`"recipient":{"document":"12345678-5","name":"Ana Soto","email":"ana@example.cl"},"bank":{"code":"012","account_number":"12345678"}}`

const subscription = `{"id":"sub-1","provider":"pagoseguro","amount":"32900","currency":"COP","description":"x","start":"2126-08-31",` +
	`"schedule":{"every":"month","at":"09:00","timezone":"America/Bogota"},"customer":{"name":"Ana Ruiz","email":"ana@example.com",` +
	`"document_type":1,"document":"100000000","phone":"3100000000","address":"Calle 10 # 10-99","city":"Bogotá","first_names":"Ana",` +
	`"last_names":"Ruiz"},"card":{"token":"tok-1","brand":"MasterCard","expiry_month":6,"expiry_year":99,"installments":1}}`

// enqueue runs a command of producers, which must succeed.
func enqueue(t *testing.T, url, in string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), commands.Path(t, "enqueue"), args...)
	cmd.Env, cmd.Stdin = []string{"REMESA_REDIS_URL=" + url}, strings.NewReader(in)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("enqueue %s: %s\n%s", args, err, out)
	}
	return string(out)
}

// simulators runs those of the providers, and returns the settings with which they are reached.
func simulators(t *testing.T) map[string]string {
	t.Helper()
	p := run(t, exec.CommandContext(context.Background(), commands.Path(t, "worker"), "sandbox", "--addr", "127.0.0.1:0"), map[string]string{})
	p.Await(testTimeout, "_book", "\n")
	return assignments(p.Output())
}

// TestAProducersUserSubmitsAndAWorkersUserPays: each as its own user of users.acl, and Redis
// refuses neither anything.
func TestAProducersUserSubmitsAndAWorkersUserPays(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	producer, admin := s.as("producer"), s.client(t, "admin")
	enqueue(t, producer, payout, "submit")
	enqueue(t, producer, subscription, "subscription", "add")
	env := simulators(t)
	env["REMESA_REDIS_URL"], env["REMESA_HTTP_ADDR"] = s.as("remesa"), "127.0.0.1:0"
	p := run(t, exec.CommandContext(context.Background(), commands.Path(t, "worker"), "run"), env)
	p.awaitReady(t)
	eventually.NoError(t, testTimeout, func() error {
		if shown := enqueue(t, producer, "", "show", "virtualpos/a"); !strings.Contains(strings.ReplaceAll(shown, " ", ""), `"state":"succeeded"`) {
			return fmt.Errorf("it was not paid: %s", shown)
		}
		return nil
	})
	if listed := enqueue(t, producer, "", "list", "--state", "succeeded", "--json"); !strings.Contains(listed, "virtualpos/a") {
		t.Errorf("list: %s", listed)
	}
	enqueue(t, producer, "", "list")
	enqueue(t, producer, "", "list", "--rejected")
	if exported := enqueue(t, producer, "", "export"); !strings.Contains(exported, `"reference":"a"`) {
		t.Errorf("export: %s", exported)
	}
	if seen := enqueue(t, producer, "", "watch", "--no-follow"); !strings.Contains(seen, `"succeeded"`) {
		t.Errorf("watch: %s", seen)
	}
	if again := enqueue(t, producer, payout, "submit"); !strings.Contains(again, "duplicate") {
		t.Errorf("submit: %s", again)
	}
	p.Drain(testTimeout)
	refused, err := admin.Do(t.Context(), "acl", "log").Slice()
	if err != nil || len(refused) > 0 {
		t.Errorf("Redis refused %v, %v", refused, err)
	}
}

// TestABillingsUserReadsOutcomes: as its own user of users.acl, and Redis refuses it nothing.
func TestABillingsUserReadsOutcomes(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	enqueue(t, s.as("producer"), payout, "submit")
	client, err := tasks.Open(s.as("billing"), tasks.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	reader, err := client.Outcomes(tasks.OutcomesOptions{Group: "billing", Failed: func(_ tasks.Event, err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), testTimeout)
	defer stop()
	var seen string
	err = reader.Run(ctx, func(_ context.Context, e tasks.Event) error {
		seen = e.ID
		stop()
		return nil
	})
	if err != nil || seen != "virtualpos/a:1:1" {
		t.Errorf("it reads %q, %v", seen, err)
	}
	if refused, err := s.client(t, "admin").Do(t.Context(), "acl", "log").Slice(); err != nil || len(refused) > 0 {
		t.Errorf("Redis refused %v, %v", refused, err)
	}
}

// TestAProducersUserCannotTakeARecordAway: nor empty Redis, nor read its settings; the record is as
// it was.
func TestAProducersUserCannotTakeARecordAway(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	enqueue(t, s.as("producer"), payout, "submit")
	const record = "remesa:{virtualpos}:p:a"
	admin, producer := s.client(t, "admin"), s.client(t, "producer")
	before, err := admin.Get(t.Context(), record).Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]any{{"del", record}, {"unlink", record}, {"pexpire", record, "1"}, {"flushall"}, {"config", "get", "dir"}} {
		if err := producer.Do(t.Context(), command...).Err(); !refusedByACL(err) {
			t.Errorf("%v: %v", command, err)
		}
	}
	if after, err := admin.Get(t.Context(), record).Result(); err != nil || after != before {
		t.Errorf("the record is %q, %v", after, err)
	}
}

// TestAProducersUserServesTheIntake: with a key that the workers' user made.
func TestAProducersUserServesTheIntake(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	made := enqueue(t, s.as("remesa"), "", "apikey", "create", "shop", "--scope", "submit,read")
	_, rest, _ := strings.Cut(made, `"key":"`)
	key, _, _ := strings.Cut(rest, `"`)
	p := run(t, exec.CommandContext(context.Background(), commands.Path(t, "enqueue"), "serve", "--addr", "127.0.0.1:0"), map[string]string{"REMESA_REDIS_URL": s.as("producer")})
	url := "http://" + p.Await(testTimeout, `"api":"`, `"`)
	for _, row := range []struct {
		method, path, media, body string
		status                    int
		want                      string
	}{
		{http.MethodPost, "/v1/payouts", "application/json", payout, http.StatusCreated, "enqueued"},
		{http.MethodPost, "/v1/payouts", "application/x-ndjson", payout, http.StatusOK, "duplicate"},
		{http.MethodPost, "/v1/subscriptions", "application/json", subscription, http.StatusCreated, "added"},
		{http.MethodPost, "/v1/status", "application/json", `{"provider":"virtualpos","reference":"a"}`, http.StatusAccepted, "enqueued"},
		{http.MethodGet, "/v1/payments", "", "", http.StatusOK, "virtualpos/a"},
		{http.MethodGet, "/v1/payments?state=succeeded", "", "", http.StatusOK, "payments"},
		{http.MethodGet, "/v1/payments/virtualpos/a", "", "", http.StatusOK, "history"},
		{http.MethodGet, "/v1/subscriptions/sub-1", "", "", http.StatusOK, "active"},
		{http.MethodGet, "/v1/outcomes", "", "", http.StatusOK, "event_id"},
		{http.MethodGet, "/v1/halts", "", "", http.StatusOK, "halts"},
		{http.MethodGet, "/readyz", "", "", http.StatusOK, "ok"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), row.method, url+row.path, strings.NewReader(row.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+key)
		r.Header.Set("Content-Type", row.media)
		reply, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(reply.Body)
		_ = reply.Body.Close()
		if err != nil || reply.StatusCode != row.status || !strings.Contains(string(text), row.want) {
			t.Errorf("%s %s: %d %s %v", row.method, row.path, reply.StatusCode, text, err)
		}
	}
}
