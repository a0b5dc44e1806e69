package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/eventually"
)

func set(t *testing.T, c *redis.Client, key string) {
	t.Helper()
	if err := c.Set(t.Context(), key, "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
}

func exists(t *testing.T, c *redis.Client, key string) bool {
	t.Helper()
	n, err := c.Exists(t.Context(), key).Result()
	if err != nil {
		t.Fatal(err)
	}
	return n == 1
}

func TestWhatAKilledServerKeeps(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		sentence string
		options  []Option
		kept     bool
	}{
		{"nothing without the append-only file", nil, false},
		{"everything with it", []Option{Appendonly("always")}, true},
	} {
		s := Start(t, row.options...)
		c := s.Client()
		set(t, c, "k")
		s.Kill()
		s.Restart()
		if got := exists(t, c, "k"); got != row.kept {
			t.Errorf("%s: kept %t", row.sentence, got)
		}
	}
}

func TestAServerLoadsItsFilesBeforeRestartReturns(t *testing.T) {
	t.Parallel()
	s := Start(t, Appendonly("no"))
	c := s.Client()
	pipe := c.Pipeline()
	for i := range 50_000 {
		pipe.Set(t.Context(), fmt.Sprintf("k%d", i), strings.Repeat("x", 100), 0)
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Restart()
	once := s.newClient()
	defer once.Close()
	if n, err := once.DBSize(t.Context()).Result(); err != nil || n != 50_000 {
		t.Errorf("%d keys, %v", n, err)
	}
}

func TestAStoppedServerAnswersNothingUntilItGoesOn(t *testing.T) {
	t.Parallel()
	s := Start(t)
	c := s.newClient()
	defer c.Close()
	set(t, c, "before")
	s.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := c.Ping(ctx).Err(); err == nil {
		t.Error("a stopped server answered")
	}
	s.Cont()
	if !exists(t, s.Client(), "before") {
		t.Error("it forgot")
	}
}

func TestAFullServerRefuses(t *testing.T) {
	t.Parallel()
	c := Start(t, MaxMemory("2mb")).Client()
	var err error
	for i := 0; err == nil && i < 1000; i++ {
		err = c.Set(t.Context(), fmt.Sprintf("k%d", i), strings.Repeat("x", 10_000), 0).Err()
	}
	if err == nil || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("%v", err)
	}
}

func TestAConfOfOnesOwn(t *testing.T) {
	t.Parallel()
	s := Start(t, Conf("user default off\nuser ana on >secret ~* &* +@all"), Setting("maxclients", "77"), User("ana", "secret"))
	for _, client := range []func() *redis.Client{s.Client, func() *redis.Client {
		options, err := redis.ParseURL(s.URL())
		if err != nil {
			t.Fatal(err)
		}
		return redis.NewClient(options)
	}} {
		c := client()
		defer c.Close()
		if found, err := c.ConfigGet(t.Context(), "maxclients").Result(); err != nil || found["maxclients"] != "77" {
			t.Errorf("%v, %v", found, err)
		}
	}
	if err := Client(s.Addr()).Ping(t.Context()).Err(); err == nil {
		t.Error("a stranger gets in")
	}
}

func TestAReplicaFollows(t *testing.T) {
	t.Parallel()
	primary := Start(t)
	Start(t, ReplicaOf(primary))
	c := primary.Client()
	eventually.True(t, timeout, "a replica acknowledges", func() bool {
		set(t, c, "k")
		n, err := c.Wait(t.Context(), 1, 100*time.Millisecond).Result()
		return err == nil && n == 1
	})
}

func TestAClusterRefusesKeysOfSeveralSlots(t *testing.T) {
	t.Parallel()
	s := Start(t, Cluster())
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.Addr()}})
	defer c.Close()
	script := redis.NewScript(`return redis.call("SET", KEYS[1], #KEYS)`)
	if err := script.Run(t.Context(), c, []string{"{a}:1", "{a}:2"}).Err(); err != nil {
		t.Errorf("one slot: %s", err)
	}
	if err := script.Run(t.Context(), c, []string{"{a}:1", "{b}:1"}).Err(); err == nil {
		t.Error("two slots are accepted")
	}
	if !strings.HasPrefix(s.URL(), "redis-cluster://") {
		t.Errorf("URL %s", s.URL())
	}
}

func TestAReplicaTakesOverInACluster(t *testing.T) {
	t.Parallel()
	nodes := StartCluster(t, 3)
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{nodes.Masters[0].Addr()}, MaxRedirects: 20})
	defer c.Close()
	for _, key := range []string{"{a}:1", "{b}:1", "{c}:1"} {
		if err := c.Set(t.Context(), key, "1", 0).Err(); err != nil {
			t.Fatal(err)
		}
		master, replica := nodes.Of(t, key)
		if err := master.do(t.Context(), "get", key); err != nil {
			t.Errorf("%s is served elsewhere: %s", key, err)
		}
		if key != "{a}:1" {
			continue
		}
		master.Kill()
		replica.AwaitMaster()
		master.Restart()
		master.AwaitReplica()
		eventually.NoError(t, timeout, func() error { return c.Set(t.Context(), key, "2", 0).Err() })
	}
}

func TestARefusingProxyListensAgain(t *testing.T) {
	t.Parallel()
	p := NewProxy(t, Start(t).Addr())
	options := clientOptions(p.Addr())
	options.MaxRetries = -1
	c := redis.NewClient(options)
	defer c.Close()
	set(t, c, "k")
	p.Refuse()
	if err := c.Ping(t.Context()).Err(); err == nil {
		t.Error("a connection is left")
	}
	if err := c.Ping(t.Context()).Err(); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("%v, want that it is refused", err)
	}
	p.Listen()
	eventually.NoError(t, timeout, func() error { return c.Ping(t.Context()).Err() })
}

func TestADroppedReplyIsOfACommandThatWasExecuted(t *testing.T) {
	t.Parallel()
	s := Start(t)
	p := NewProxy(t, s.Addr())
	options := clientOptions(p.Addr())
	options.MaxRetries = -1
	c := redis.NewClient(options)
	defer c.Close()
	set(t, c, "other")
	dropped := p.DropReply("incr")
	if !exists(t, c, "other") {
		t.Error("another command was hit")
	}
	if err := c.Incr(t.Context(), "n").Err(); err == nil {
		t.Error("the reply arrived")
	}
	<-dropped
	if n, err := s.Client().Get(t.Context(), "n").Int(); err != nil || n != 1 {
		t.Errorf("executed %d times, %v", n, err)
	}
	if n, err := c.Incr(t.Context(), "n").Result(); err != nil || n != 2 {
		t.Errorf("only one reply is lost: %d, %v", n, err)
	}
}

func TestACutConnectionIsMadeAgain(t *testing.T) {
	t.Parallel()
	p := NewProxy(t, Start(t).Addr())
	c := Client(p.Addr())
	defer c.Close()
	set(t, c, "k")
	p.Cut()
	if !exists(t, c, "k") {
		t.Error("the key is gone")
	}
}

func TestABlackHoleSwallowsUntilItHeals(t *testing.T) {
	t.Parallel()
	p := NewProxy(t, Start(t).Addr())
	c := Client(p.Addr())
	defer c.Close()
	set(t, c, "k")
	p.Blackhole()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := c.Get(ctx, "k").Err(); !errors.Is(err, context.DeadlineExceeded) && !strings.Contains(fmt.Sprint(err), "timeout") {
		t.Errorf("something passed: %v", err)
	}
	p.Heal()
	if !exists(t, c, "k") {
		t.Error("it does not heal")
	}
}

func TestTheServerUnderTestIsTheOneThatIsNamed(t *testing.T) {
	real, err := exec.LookPath(Executable())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	named, started := filepath.Join(dir, "another-server"), filepath.Join(dir, "started")
	script := "#!/bin/sh\ntouch '" + started + "'\nexec '" + real + "' \"$@\"\n"
	if err := os.WriteFile(named, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv(Variable, named)
	if got := Executable(); got != named {
		t.Errorf("the server is %s, want %s", got, named)
	}
	set(t, Start(t).Client(), "a")
	if _, err := os.Stat(started); err != nil {
		t.Errorf("the server that is named was not started: %s", err)
	}
	t.Setenv(Variable, "")
	if got := Executable(); got != "redis-server" {
		t.Errorf("without the variable the server is %s", got)
	}
}

func TestAClusterOfMastersGoesOnWithoutOne(t *testing.T) {
	t.Parallel()
	m := StartMasters(t, 3)
	client, keys := m.Client(t), map[*Server]string{}
	for i := 0; len(keys) < 3; i++ {
		key := fmt.Sprintf("{%d}", i)
		node, _ := m.Of(t, key)
		keys[node] = key
		if err := client.Set(t.Context(), key, "x", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	m.Masters[1].Kill()
	for node, key := range keys {
		if err := client.Get(t.Context(), key).Err(); (err != nil) != (node == m.Masters[1]) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestAServerForgetsWhatWasWrittenAfterAMark(t *testing.T) {
	t.Parallel()
	s := Start(t, Appendonly("always"))
	c := s.Client()
	set(t, c, "kept")
	mark := s.Written()
	set(t, c, "forgotten")
	s.Kill()
	s.Forget(mark)
	s.Restart()
	if !exists(t, c, "kept") || exists(t, c, "forgotten") {
		t.Errorf("kept is there: %t, forgotten is there: %t", exists(t, c, "kept"), exists(t, c, "forgotten"))
	}
}

func TestAHalfOpenConnectionExecutesAndDoesNotAnswer(t *testing.T) {
	t.Parallel()
	s := Start(t)
	p := NewProxy(t, s.Addr())
	c := Client(p.Addr())
	t.Cleanup(func() { _ = c.Close() })
	set(t, c, "before")
	p.HalfOpen()
	answered := make(chan error, 1)
	go func() { answered <- c.Set(t.Context(), "x", "1", 0).Err() }()
	eventually.True(t, timeout, "the server executes it", func() bool { return exists(t, s.Client(), "x") })
	select {
	case err := <-answered:
		t.Fatalf("it was answered: %v", err)
	default:
	}
	p.Heal()
	if err := <-answered; err != nil {
		t.Error(err)
	}
	p.Reset()
	set(t, c, "after a reset")
}

// TestAConnectionThatClosesSlowlyTakesACommandThatNobodyReads: its client sees the end after a
// Heal.
func TestAConnectionThatClosesSlowlyTakesACommandThatNobodyReads(t *testing.T) {
	t.Parallel()
	s := Start(t)
	p := NewProxy(t, s.Addr())
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	reply := make([]byte, 64)
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(reply); err != nil || string(reply[:n]) != "+PONG\r\n" {
		t.Fatalf("%q, %v", reply[:n], err)
	}
	p.SlowClose()
	if _, err := conn.Write([]byte("SET x 1\r\n")); err != nil {
		t.Errorf("the client saw the end already: %v", err)
	}
	p.Heal()
	if n, err := conn.Read(reply); err == nil {
		t.Errorf("it was answered: %q", reply[:n])
	}
	if exists(t, s.Client(), "x") {
		t.Error("the server executed what came after its end")
	}
	set(t, Client(p.Addr()), "after")
}
