package redistest

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/processtest"
)

// Sentinel is one redis-sentinel, which decides alone.
type Sentinel struct {
	t    testing.TB
	addr string
}

// group is the name that the sentinel has for its primary and replicas.
const group = "payments"

// StartSentinel watches the primary at an address, which may be a Proxy's, and waits until it knows
// that many replicas. Once the primary has been silent for two seconds, it promotes one.
func StartSentinel(t testing.TB, primary string, replicas int) *Sentinel {
	t.Helper()
	host, port, err := net.SplitHostPort(primary)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "sentinel.conf")
	for range 10 {
		own := freePort(t)
		text := fmt.Sprintf(`bind 127.0.0.1
port %d
dir %s
logfile %s
sentinel monitor %s %s %s 1
sentinel down-after-milliseconds %s 2000
sentinel failover-timeout %s 10000
`, own, dir, filepath.Join(dir, "redis.log"), group, host, port, group, group)
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := &Sentinel{t: t, addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(own))}
		p := processtest.Start(t, "redis-sentinel", processtest.Command(Executable(), nil, conf, "--sentinel"))
		if s.awaitReplicas(p, replicas) {
			return s
		}
	}
	t.Fatal("no port for a sentinel")
	return nil
}

// awaitReplicas returns false where the process ends, because somebody else has its port.
func (s *Sentinel) awaitReplicas(p *processtest.Process, want int) bool {
	s.t.Helper()
	client := redis.NewSentinelClient(&redis.Options{Addr: s.addr})
	defer func() { _ = client.Close() }()
	alive := true
	eventually.NoError(s.t, timeout, func() error {
		select {
		case <-p.Exited():
			alive = false
			return nil
		default:
		}
		replicas, err := client.Replicas(context.Background(), group).Result()
		n := 0
		for _, r := range replicas {
			// Its state is known: only then may it be promoted.
			if r["master-link-status"] == "ok" && r["flags"] == "slave" {
				n++
			}
		}
		if err == nil && n < want {
			err = fmt.Errorf("the sentinel knows %d replicas, want %d", n, want)
		}
		return err
	})
	return alive
}

// URL is the address in the form of REMESA_REDIS_URL.
func (s *Sentinel) URL() string {
	return (&url.URL{Scheme: "redis-sentinel", Host: s.addr, Path: "/0", RawQuery: "master=" + group}).String()
}

// AwaitPrimary waits until the sentinel tells its clients of this primary.
func (s *Sentinel) AwaitPrimary(addr string) {
	s.t.Helper()
	client := redis.NewSentinelClient(&redis.Options{Addr: s.addr})
	defer func() { _ = client.Close() }()
	eventually.NoError(s.t, timeout, func() error {
		got, err := client.GetMasterAddrByName(context.Background(), group).Result()
		if err == nil && strings.Join(got, ":") != addr {
			err = fmt.Errorf("the primary is at %v, want %s", got, addr)
		}
		return err
	})
}

// ReplicaOfAddr makes the server a replica of what listens there, such as a Proxy.
func ReplicaOfAddr(addr string) Option {
	host, port, _ := net.SplitHostPort(addr)
	return Setting("replicaof", host, port)
}
