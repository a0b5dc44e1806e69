// Package consumer tests consumer.py against a real Redis.
package consumer

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/processtest"
	"github.com/remesa/remesa/internal/redistest"
)

const (
	provider = "virtualpos"
	group    = "billing"
	patience = 30 * time.Second
)

var stream = idempotency.OutcomesKey(provider)

// register makes payments, each of which has its first event.
func register(t *testing.T, rdb *redis.Client, from, to int) {
	t.Helper()
	var rs []idempotency.Registration
	for n := from; n < to; n++ {
		rs = append(rs, idempotency.Registration{
			Key:  idempotency.Key{Provider: provider, Account: idempotency.DefaultAccount, Reference: fmt.Sprintf("p%05d", n)},
			Type: "payout", Fingerprint: "v1:f", Amount: "12500", Currency: "CLP", Payload: []byte("{}"),
			Metadata: `{"order":"Ñandú"}`,
		})
	}
	if _, err := idempotency.NewRedis(rdb, idempotency.Options{}).Register(t.Context(), rs...); err != nil {
		t.Fatal(err)
	}
}

// start runs the consumer; it is killed when the test ends.
func start(t *testing.T, s *redistest.Server, name, journal string, url string) *processtest.Process {
	t.Helper()
	python, err := exec.LookPath("python3")
	switch {
	case err != nil && os.Getenv("CI") == "true":
		t.Fatal("there is no python3 on the PATH: scripts/need-python.sh installs one")
	case err != nil:
		t.Skip("there is no python3 on the PATH")
	}
	cmd := exec.CommandContext(context.Background(), python, "consumer.py", "--journal", journal, "--name", name,
		"--abandoned", "0.001", "--wait", "0.02")
	cmd.Env = append(os.Environ(), "REMESA_REDIS_URL="+url)
	return processtest.Start(t, name, cmd)
}

// settled: everything was read and acknowledged.
func settled(t *testing.T, rdb *redis.Client) func() bool {
	return func() bool {
		groups, err := rdb.XInfoGroups(t.Context(), stream).Result()
		return err == nil && len(groups) == 1 && groups[0].Lag == 0 && groups[0].Pending == 0
	}
}

// lines counts the events in a journal by their id.
func lines(t *testing.T, journal string) map[string]int {
	t.Helper()
	text, err := os.ReadFile(journal)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for line := range bytes.Lines(text) {
		var e map[string]string
		if bytes.HasSuffix(line, []byte("\n")) {
			if err := json.Unmarshal(line, &e); err == nil && e["event"] == "epoch" {
				continue // the server was restarted
			} else if err != nil || e["state"] != "queued" || e["metadata"] != `{"order":"Ñandú"}` {
				t.Fatalf("%s: %v", line, err)
			}
			counts[e["event_id"]]++
		}
	}
	return counts
}

func wantEachOnce(t *testing.T, rdb *redis.Client, journal string, n int) {
	t.Helper()
	entries, err := rdb.XRange(t.Context(), stream, "-", "+").Result()
	entries = slices.DeleteFunc(entries, func(m redis.XMessage) bool { return m.Values["event"] == "epoch" })
	if err != nil || len(entries) != n {
		t.Fatalf("%d events in the stream, want %d: %v", len(entries), n, err)
	}
	counts := lines(t, journal)
	if len(counts) != n {
		t.Errorf("%d events are written down, want %d", len(counts), n)
	}
	for _, m := range entries {
		if id := m.Values["event_id"].(string); counts[id] != 1 {
			t.Errorf("%s is written down %d times", id, counts[id])
		}
	}
}

// TestItSurvivesKill9: killed over and over while it works, each event is written down once.
func TestItSurvivesKill9(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	rdb := s.Client()
	const events, kills = 600, 4
	register(t, rdb, 0, events)
	journal := filepath.Join(t.TempDir(), "journal")
	for n := range kills {
		p := start(t, s, fmt.Sprint("dies-", n), journal, s.URL())
		before := len(lines(t, journal))
		eventually.True(t, patience, "it writes", func() bool { return len(lines(t, journal)) > before+20 || settled(t, rdb)() })
		p.Kill()
	}
	start(t, s, "lives", journal, s.URL())
	eventually.True(t, patience, "everything is acknowledged", settled(t, rdb))
	wantEachOnce(t, rdb, journal, events)
}

// TestWhatADeadConsumerReadIsTakenOver: it read everything, wrote some of it down, the last in
// half, and acknowledged none.
func TestWhatADeadConsumerReadIsTakenOver(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	rdb := s.Client()
	const events = 250
	register(t, rdb, 0, events)
	if err := rdb.XGroupCreate(t.Context(), stream, group, "0").Err(); err != nil {
		t.Fatal(err)
	}
	read, err := rdb.XReadGroup(t.Context(), &redis.XReadGroupArgs{Group: group, Consumer: "dead", Streams: []string{stream, ">"}, Count: events}).Result()
	if err != nil || len(read[0].Messages) != events {
		t.Fatalf("%v", err)
	}
	var written bytes.Buffer
	for _, m := range read[0].Messages[:10] {
		line, err := json.Marshal(m.Values)
		if err != nil {
			t.Fatal(err)
		}
		written.Write(append(line, '\n'))
	}
	journal := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(journal, written.Bytes()[:written.Len()-9], 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, s, "lives", journal, s.URL())
	eventually.True(t, patience, "everything is acknowledged", settled(t, rdb))
	wantEachOnce(t, rdb, journal, events)
}

// TestItLogsIn as a user with a password of unusual characters, and outlives a restart of Redis.
func TestItLogsIn(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Appendonly("always"))
	rdb := s.Client()
	user := []any{"acl", "setuser", "reader", "on", ">p@ss:word", "resetkeys", "~" + stream, "+xgroup", "+xautoclaim", "+xreadgroup", "+xack", "+select"}
	login := func() {
		if err := rdb.Do(t.Context(), user...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	login()
	register(t, rdb, 0, 5)
	journal := filepath.Join(t.TempDir(), "journal")
	start(t, s, "one", journal, "redis://reader:p%40ss%3Aword@"+s.Addr()+"/0")
	eventually.True(t, patience, "the first are acknowledged", settled(t, rdb))
	s.Kill()
	s.Restart()
	login()
	register(t, rdb, 5, 9)
	eventually.True(t, patience, "the others are acknowledged", func() bool { return settled(t, rdb)() && len(lines(t, journal)) == 9 })
	wantEachOnce(t, rdb, journal, 9)
}
