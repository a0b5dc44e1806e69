package preflight

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/redistest"
)

func find(t *testing.T, findings []Finding, name string) Finding {
	t.Helper()
	for _, f := range findings {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no finding %q in %+v", name, findings)
	return Finding{}
}

func TestWhatRedisMustPromise(t *testing.T) {
	t.Parallel()
	always := Expect{Durability: "always"}
	everysec := Expect{Durability: "everysec"}
	for _, row := range []struct {
		sentence string
		options  []redistest.Option
		expect   Expect
		name     string
		level    Level
		unsafe   bool
		fix      string
	}{
		{"no append-only file", nil, always, "appendonly", Fail, true, "`redis-cli CONFIG SET appendonly yes`, and put the line `appendonly yes` into redis.conf"},
		{"an append-only file", []redistest.Option{redistest.Appendonly("always")}, always, "appendonly", OK, false, ""},
		{"always where always is expected", []redistest.Option{redistest.Appendonly("always")}, always, "appendfsync", OK, false, ""},
		{"everysec where always is expected", []redistest.Option{redistest.Appendonly("everysec")}, always, "appendfsync", Fail, true, "REMESA_REDIS_DURABILITY=everysec"},
		{"everysec where everysec is expected", []redistest.Option{redistest.Appendonly("everysec")}, everysec, "appendfsync", OK, false, ""},
		{"always where everysec is expected", []redistest.Option{redistest.Appendonly("always")}, everysec, "appendfsync", OK, false, ""},
		{"no where everysec is expected", []redistest.Option{redistest.Appendonly("no")}, everysec, "appendfsync", Fail, true, "CONFIG SET appendfsync everysec"},
		{"eviction", []redistest.Option{redistest.Setting("maxmemory-policy", "allkeys-lru")}, always, "maxmemory-policy", Fail, true, "CONFIG SET maxmemory-policy noeviction"},
		{"eviction of what has a time to live", []redistest.Option{redistest.Setting("maxmemory-policy", "volatile-ttl")}, always, "maxmemory-policy", Fail, true, "noeviction"},
		{"no eviction", nil, always, "maxmemory-policy", OK, false, ""},
		{"a replica too few", nil, Expect{Durability: "always", Replicas: 1}, "connected replicas", Fail, false, "REMESA_LEDGER_REPLICAS"},
		{"no bound of memory", nil, always, "memory", Warn, false, "set maxmemory"},
		{"nearly full", []redistest.Option{redistest.MaxMemory("1mb")}, always, "memory", Fail, false, "CONFIG SET maxmemory"},
		{"room left", []redistest.Option{redistest.MaxMemory("1gb")}, always, "memory", OK, false, ""},
		{"the version of these tests", nil, always, "Redis version", OK, false, ""},
		{"a primary", nil, always, "role", OK, false, ""},
		{"clocks of one machine", nil, always, "clock against Redis", OK, false, ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			t.Parallel()
			f := find(t, CheckRedis(t.Context(), redistest.Start(t, row.options...).Client(), row.expect), row.name)
			if f.Level != row.level || f.Unsafe != row.unsafe || !strings.Contains(f.Fix, row.fix) || (row.level == OK) != (f.Fix == "") {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestAServerThatTellsNothingIsUnsafeForRealProviders(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Appendonly("always"))
	c := mute(t, s)
	for real, level := range map[bool]Level{true: Fail, false: Warn} {
		findings := CheckRedis(t.Context(), c, Expect{Durability: "always", Real: real})
		for _, name := range []string{"Redis version", "appendonly", "appendfsync", "maxmemory-policy"} {
			if f := find(t, findings, name); f.Level != level || !f.Unsafe || !strings.Contains(f.Got, "cannot be read") || f.Fix == "" {
				t.Errorf("real %t: %+v", real, f)
			}
		}
		if err := RefuseUnsafe(findings, real, false); (err != nil) != real {
			t.Errorf("real %t: %v", real, err)
		}
	}
}

// mute is a client whose user may run neither CONFIG nor INFO, as on many managed servers.
func mute(t *testing.T, s *redistest.Server) *redis.Client {
	t.Helper()
	if err := s.Client().Do(t.Context(), "ACL", "SETUSER", "mute", "on", ">pw", "~*", "&*", "+@all", "-config", "-info").Err(); err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(&redis.Options{Addr: s.Addr(), Username: "mute", Password: "pw"})
	t.Cleanup(func() { c.Close() })
	return c
}

func TestClocksThatDisagree(t *testing.T) {
	t.Parallel()
	c := redistest.Start(t).Client()
	for _, row := range []struct {
		ahead time.Duration
		level Level
	}{{0, OK}, {5 * time.Second, Warn}, {-5 * time.Second, Warn}, {-time.Minute, Fail}, {time.Hour, Fail}} {
		now := func() time.Time { return time.Now().Add(row.ahead) }
		if f := find(t, CheckRedis(t.Context(), c, Expect{Durability: "always", Now: now}), "clock against Redis"); f.Level != row.level || f.Unsafe {
			t.Errorf("%s ahead: %+v", row.ahead, f)
		}
	}
}

func TestASlowAnswerIsNoSkew(t *testing.T) {
	t.Parallel()
	c := redistest.Start(t).Client()
	calls := 0
	now := func() time.Time { // the second reading comes a minute later: so long the reply took
		calls++
		return time.Now().Add(time.Duration(calls-1) * time.Minute)
	}
	if f := find(t, CheckRedis(t.Context(), c, Expect{Durability: "always", Now: now}), "clock against Redis"); f.Level != OK {
		t.Errorf("%+v", f)
	}
}

func TestAReplicaIsNoStore(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t)
	replica := redistest.Start(t, redistest.ReplicaOf(primary))
	f := find(t, CheckRedis(t.Context(), replica.Client(), Expect{Durability: "always"}), "role")
	if f.Level != Fail || !f.Fatal {
		t.Errorf("%+v", f)
	}
	awaitReplica(t, primary)
}

func TestReplicasThatNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	const name = "REMESA_LEDGER_REPLICAS"
	primary := redistest.Start(t)
	replica := redistest.Start(t, redistest.ReplicaOf(primary))
	awaitReplica(t, primary)
	for _, row := range []struct {
		sentence string
		server   *redistest.Server
		expect   Expect
		level    Level
		refused  bool
	}{
		{"a replica that may take over, and real money", primary, Expect{Real: true}, Fail, true},
		{"a replica that may take over, and simulators", primary, Expect{}, Warn, false},
		{"sentinels, though no replica is there right now", redistest.Start(t), Expect{Real: true, Sentinel: true}, Fail, true},
	} {
		row.expect.Durability = "always"
		f := find(t, CheckRedis(t.Context(), row.server.Client(), row.expect), name)
		if f.Level != row.level || !f.Unsafe || !strings.Contains(f.Fix, name+"=1") {
			t.Errorf("%s: %+v", row.sentence, f)
		}
		err := RefuseUnsafe([]Finding{f}, row.expect.Real, false)
		if (err != nil) != row.refused || err != nil && !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", row.sentence, err)
		}
		if err := RefuseUnsafe([]Finding{f}, row.expect.Real, true); err != nil {
			t.Errorf("%s, on the operator's word: %v", row.sentence, err)
		}
	}
	for sentence, look := range map[string][]Finding{
		"replicas that are waited for": CheckRedis(t.Context(), primary.Client(), Expect{Real: true, Sentinel: true, Replicas: 1}),
		"a server alone":               CheckRedis(t.Context(), redistest.Start(t).Client(), Expect{Real: true}),
		"a replica":                    CheckRedis(t.Context(), replica.Client(), Expect{Real: true}),
	} {
		for _, f := range look {
			if f.Name == name {
				t.Errorf("%s: %+v", sentence, f)
			}
		}
	}
}

func awaitReplica(t *testing.T, primary *redistest.Server) {
	t.Helper()
	eventually.NoError(t, 30*time.Second, func() error {
		findings := CheckRedis(t.Context(), primary.Client(), Expect{Durability: "always", Replicas: 1})
		if find(t, findings, "connected replicas").Level != OK {
			return fmt.Errorf("the replica is not seen: %+v", findings)
		}
		return nil
	})
}

// TestWhatStopsSends: CheckRedis and CheckSends find the same.
func TestWhatStopsSends(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t)
	replica := redistest.Start(t, redistest.ReplicaOf(primary))
	awaitReplica(t, primary)
	dead := redistest.Start(t)
	dead.Kill()
	for _, row := range []struct {
		sentence, name, got, fix string
		server                   *redistest.Server
		expect                   Expect
	}{
		{"a Redis that takes writes", "", "", "", primary, Expect{}},
		{"enough replicas", "", "", "", primary, Expect{Replicas: 1}},
		{"a replica too few", "connected replicas", "1", "REMESA_LEDGER_REPLICAS", primary, Expect{Replicas: 2}},
		{"a replica", "role", "slave", "primary", replica, Expect{}},
		{"a full Redis", "writes", "refused (OOM)", "raise maxmemory", redistest.Start(t, redistest.MaxMemory("500kb")), Expect{}},
		{"its own rule about replicas", "writes", "refused (NOREPLICAS)", "min-replicas-to-write", redistest.Start(t, redistest.Setting("min-replicas-to-write", "1")), Expect{}},
		{"no Redis", "connection", "no answer", "REMESA_REDIS_URL", dead, Expect{}},
	} {
		row.expect.Durability = "always"
		o := redistest.Client(row.server.Addr()).Options()
		o.MaxRetries, o.DialTimeout = 20, 100*time.Millisecond // as a worker's
		rdb := redis.NewClient(o)
		defer rdb.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		stops := CheckSends(ctx, rdb, row.expect)
		if row.name == "" {
			if len(stops) > 0 {
				t.Errorf("%s: %+v", row.sentence, stops)
			}
			continue
		}
		f := find(t, stops, row.name)
		if f.Level != Fail || !strings.Contains(f.Got, row.got) || !strings.Contains(f.Fix, row.fix) {
			t.Errorf("%s: %+v", row.sentence, f)
		}
		if in := find(t, CheckRedis(t.Context(), row.server.Client(), row.expect), row.name); in.Level != Fail || !in.Stops {
			t.Errorf("%s, as the check sees it: %+v", row.sentence, in)
		}
	}
}

func TestEachNodeOfAClusterIsLookedAt(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Cluster())
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.Addr()}})
	defer c.Close()
	if f := find(t, CheckRedis(t.Context(), c, Expect{Durability: "always"}), "appendonly on "+s.Addr()); f.Level != Fail {
		t.Errorf("%+v", f)
	}
}

func TestNoRedis(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	c := redis.NewClient(&redis.Options{Addr: l.Addr().String(), Password: "canary", MaxRetries: -1, DialerRetries: 1})
	defer c.Close()
	findings := CheckRedis(t.Context(), c, Expect{Durability: "always"})
	if f := find(t, findings, "connection"); f.Level != Fail || !f.Fatal || strings.Contains(f.Got, "canary") {
		t.Errorf("%+v", f)
	}
	if err := RefuseUnsafe(findings, false, true); err == nil {
		t.Error("a worker starts without Redis")
	}
}

func TestOldVersions(t *testing.T) {
	t.Parallel()
	for version, level := range map[string]Level{"6.2.14": Fail, "7.0.0": OK, "7.4.1": OK, "8.2.0": OK, "10.0.0": OK, "x": Fail, "": Warn} {
		f := node{info: map[string]string{"redis_version": version}}.version()
		if f.Level != level || f.Fatal != (level == Fail) {
			t.Errorf("%q: %+v", version, f)
		}
	}
}

func TestWhatInfoTellsWhereConfigIsRefused(t *testing.T) {
	t.Parallel()
	n := node{info: map[string]string{"aof_enabled": "1", "maxmemory_policy": "noeviction"}, expect: Expect{Durability: "always", Real: true}}
	if f := n.appendonly(); f.Level != OK {
		t.Errorf("appendonly: %+v", f)
	}
	if f := n.policy(); f.Level != OK {
		t.Errorf("policy: %+v", f)
	}
	if f := n.appendfsync(); f.Level != Fail || !f.Unsafe {
		t.Errorf("appendfsync, which INFO does not tell: %+v", f)
	}
	n.info = map[string]string{"aof_enabled": "0", "maxmemory_policy": "allkeys-lru", "aof_last_write_status": "err"}
	for _, f := range []Finding{n.appendonly(), n.policy(), n.lastWrite()} {
		if f.Level != Fail || !f.Unsafe {
			t.Errorf("%+v", f)
		}
	}
	n.info["used_memory"], n.info["maxmemory"] = "90", "100"
	for _, f := range []Finding{n.appendonly(), n.policy(), n.appendfsync(), n.memory()} {
		if f.Fix == "" || strings.Contains(f.Fix, "CONFIG SET") {
			t.Errorf("an advice that would be refused: %+v", f)
		}
	}
}

func TestWhenAWorkerRefusesToStart(t *testing.T) {
	t.Parallel()
	unsafe := []Finding{{Name: "appendonly", Level: Fail, Got: "no", Want: "yes", Fix: "run X", Unsafe: true}}
	fatal := []Finding{{Name: "Redis version", Level: Fail, Got: "6.0", Want: "7.0", Fix: "install Y", Fatal: true}}
	other := []Finding{{Name: "memory", Level: Fail, Got: "80 %"}}
	for _, row := range []struct {
		sentence    string
		findings    []Finding
		real, allow bool
		refused     bool
	}{
		{"real providers on an unsafe Redis", unsafe, true, false, true},
		{"real providers on an unsafe Redis, on the operator's word", unsafe, true, true, false},
		{"simulators on an unsafe Redis", unsafe, false, false, false},
		{"a Redis that is too old, even for simulators, even on the operator's word", fatal, false, true, true},
		{"what loses nothing", other, true, false, false},
		{"nothing wrong", nil, true, false, false},
	} {
		err := RefuseUnsafe(row.findings, row.real, row.allow)
		if (err != nil) != row.refused {
			t.Errorf("%s: %v", row.sentence, err)
		}
	}
	err := RefuseUnsafe(unsafe, true, false)
	if u := (*UnsafeError)(nil); !errors.As(err, &u) || !strings.Contains(err.Error(), "appendonly is no, must be yes: run X") || !strings.Contains(err.Error(), "REMESA_ALLOW_UNSAFE_REDIS=true") {
		t.Errorf("%v", err)
	}
	if err := RefuseUnsafe(fatal, true, false); strings.Contains(err.Error(), "REMESA_ALLOW_UNSAFE_REDIS") {
		t.Errorf("an advice that would not help: %v", err)
	}
}

func TestRendering(t *testing.T) {
	t.Parallel()
	findings := []Finding{
		{Name: "role", Level: OK, Got: "master", Want: "master"},
		{Name: "appendonly", Level: Fail, Got: "no", Want: "yes", Fix: "run <X>", Unsafe: true},
	}
	var table, object bytes.Buffer
	if err := Table(&table, i18n.New(i18n.English, nil), findings, nil); err != nil {
		t.Fatal(err)
	}
	want := "      CHECK       FOUND   WANTED\nOK    role        master  master\nFAIL  appendonly  no      yes\n\nappendonly: run <X>\n"
	if table.String() != want {
		t.Errorf("got\n%q\nwant\n%q", table.String(), want)
	}
	table.Reset()
	findings[1].Name, findings[1].Fix = "appendonly on 10.0.0.1:6379", "look for a full or broken disk on the server, and at its log"
	if err := Table(&table, i18n.New(i18n.Spanish, nil), findings, func(_ Level, name string) string { return "<" + name + ">" }); err != nil {
		t.Fatal(err)
	}
	want = "       PRUEBA                       SE ENCONTRÓ  SE ESPERA\n<BIEN>   papel                        master       master\n" +
		"<FALLA>  appendonly en 10.0.0.1:6379  no           yes\n\nappendonly en 10.0.0.1:6379: busque un disco lleno o dañado en el servidor, y mire su bitácora\n"
	if table.String() != want {
		t.Errorf("got\n%s\nwant\n%s", table.String(), want)
	}
	if err := JSON(&object, findings); err != nil {
		t.Fatal(err)
	}
	var got struct {
		OK       bool
		Findings []Finding
	}
	if err := json.Unmarshal(object.Bytes(), &got); err != nil || got.OK || len(got.Findings) != 2 || got.Findings[1] != findings[1] {
		t.Errorf("%s", object.String())
	}
	object.Reset()
	if err := JSON(&object, nil); err != nil || object.String() != "{\"ok\":true,\"findings\":[]}\n" {
		t.Errorf("nothing: %q, %v", object.String(), err)
	}
}
