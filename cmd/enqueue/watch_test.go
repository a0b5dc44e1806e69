package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers/catalog"
)

func decodeEvent(t *testing.T, line string) map[string]any {
	t.Helper()
	var e map[string]any
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatalf("%q: %s", line, err)
	}
	return e
}

// eventsOf reads JSON Lines as "key state".
func eventsOf(t *testing.T, out string) []string {
	t.Helper()
	var all []string
	for line := range strings.Lines(out) {
		e := decodeEvent(t, line)
		all = append(all, fmt.Sprint(e["key"], " ", e["state"]))
	}
	return all
}

func TestWatchPrintsWhatIsThere(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.queued("etpay/a")
	d.nextMillisecond()
	d.queued("virtualpos/shop/b")
	d.nextMillisecond()
	middle := d.server.Client().Time(t.Context()).Val()
	d.nextMillisecond()
	d.held("etpay/c")
	all := "[etpay/a queued virtualpos/shop/b queued etpay/c queued etpay/c held]"
	rows := []struct {
		says string
		args []string
		want string
	}{
		{"all there is", []string{"--from", "0"}, all},
		{"all there is, unasked", nil, all},
		{"the last hour", []string{"--from", "1h"}, all},
		{"one provider", []string{"--provider", "virtualpos"}, "[virtualpos/shop/b queued]"},
		{"from a time", []string{"--from", middle.Format(time.RFC3339Nano)}, "[etpay/c queued etpay/c held]"},
		{"from the future", []string{"--from", time.Now().Add(time.Hour).Format(time.RFC3339)}, "[]"},
	}
	for _, row := range rows {
		got := d.run(append([]string{"watch", "--no-follow"}, row.args...)...)
		wantCode(t, row.says, got, 0)
		if events := fmt.Sprint(eventsOf(t, got.out)); events != row.want {
			t.Errorf("%s:\ngot  %s\nwant %s", row.says, events, row.want)
		}
	}
	e := decodeEvent(t, strings.Split(d.run("watch", "--no-follow").out, "\n")[1])
	for _, f := range []string{
		"provider", "stream_id", "key", "type", "state", "reference", "amount", "currency", "at", "metadata", "event", "event_id", "account",
	} {
		if _, ok := e[f]; !ok {
			t.Errorf("%s is missing in %v", f, e)
		}
	}
	if m, _ := e["metadata"].(map[string]any); e["provider"] != "virtualpos" || m["order"] != "7" {
		t.Errorf("%v", e)
	}
}

func TestWatchFollowsThroughBrokenConnectionsWithoutLossOrRepetition(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Appendonly("always"))
	proxy := redistest.NewProxy(t, s.Addr())
	d := &fixture{t, s, ledgerOf(s)}
	p := start(t, binary(t), environment(redisAt(proxy.URL())), "watch", "--from", "0")
	expect := func(key string) {
		t.Helper()
		e := decodeEvent(t, p.line(t))
		for e["event"] == "epoch" { // the server was restarted
			e = decodeEvent(t, p.line(t))
		}
		if id, _ := e["event_id"].(string); e["key"] != key || !strings.HasPrefix(id, key+":") || !strings.HasSuffix(id, ":1") {
			t.Fatalf("got %v, want %s", e, key)
		}
	}
	for i := range 12 {
		switch i % 4 {
		case 1:
			proxy.Cut()
		case 2:
			proxy.DropReply("XREAD")
		case 3:
			s.Kill()
			if i == 3 { // longer than the client tries by itself
				eventually.True(t, testTimeout, "all readers notice", func() bool { return strings.Count(p.Output(), "trying again") >= len(catalog.Names()) })
			}
			s.Restart()
		}
		virtualpos, etpay := fmt.Sprintf("virtualpos/%d", i), fmt.Sprintf("etpay/%d", i)
		d.queued(virtualpos)
		expect(virtualpos)
		d.queued(etpay)
		expect(etpay)
	}
	stopped(t, p, syscall.SIGTERM)
}

func TestWatchStartsNow(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.queued("virtualpos/before")
	p := start(t, binary(t), environment(redisAt(d.server.URL())), "watch")
	seen := make(chan string, 1)
	go func() {
		text, _ := p.out.ReadString('\n')
		seen <- text
	}()
	n := 0
	eventually.True(t, testTimeout, "an event is seen", func() bool {
		if len(seen) == 0 {
			d.queued(fmt.Sprintf("virtualpos/after-%d", n))
			n++
		}
		return len(seen) > 0
	})
	if e := decodeEvent(t, <-seen); e["key"] == "virtualpos/before" {
		t.Errorf("an event from before: %v", e)
	}
	stopped(t, p, syscall.SIGINT)
}

// stopped ends a watch by a signal, which is no failure.
func stopped(t *testing.T, p *pipedCommand, sig syscall.Signal) {
	t.Helper()
	p.Signal(sig)
	if code := p.Exit(testTimeout); code != 0 {
		t.Errorf("ended by %s: exit code %d: %s", sig, code, p.Output())
	}
}

func TestEverythingRunsOnACluster(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Cluster())
	env := environment(redisAt(s.URL()))
	got := enqueue(t, env, lines(payout("a"), payout("b"), charge("C1")), "submit")
	wantCode(t, "submit", got, 0)
	if keys := keysOf(t, enqueue(t, env, nil, "list", "--json").out); len(keys) != len("etpay/C1 virtualpos/a virtualpos/b") {
		t.Errorf("list: %s", keys)
	}
	wantCode(t, "list --state succeeded", enqueue(t, env, nil, "list", "--state", "succeeded"), 0)
	wantCode(t, "halt", enqueue(t, env, nil, "halt", "--provider", "etpay", "--by", "x", "--note", "y"), 0)
	wantCode(t, "cancel", enqueue(t, env, nil, "cancel", "virtualpos/a", "--by", "x", "--note", "y"), 0)
	if events := eventsOf(t, enqueue(t, env, nil, "watch", "--no-follow").out); len(events) != 4 {
		t.Errorf("watch: %v", events)
	}
}
