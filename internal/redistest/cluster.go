package redistest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/eventually"
)

const slots = 16384

// Nodes is a cluster of several masters, each with one replica that takes its place when it dies,
// or with none.
type Nodes struct {
	// Masters and Replicas are what they were in the beginning: Replicas[i] is that of Masters[i],
	// which serves the i-th part of the slots.
	Masters, Replicas []*Server
}

// StartCluster runs that many masters and as many replicas, each started with the options, and
// waits until all of them know each other, and each replica has what its master has.
func StartCluster(t testing.TB, masters int, options ...Option) *Nodes {
	t.Helper()
	return startCluster(t, masters, masters, options)
}

// StartMasters runs that many masters without replicas, and waits until all of them know each
// other. What a killed one holds is gone until its Restart; the others go on, because the cluster
// serves without it.
func StartMasters(t testing.TB, masters int, options ...Option) *Nodes {
	t.Helper()
	return startCluster(t, masters, 0, append(slices.Clone(options), Setting("cluster-require-full-coverage", "no")))
}

func startCluster(t testing.TB, masters, replicas int, options []Option) *Nodes {
	t.Helper()
	options = append(slices.Clone(options), func(s *Server) { s.cluster, s.member = true, true },
		// How long a node may be silent. A replica takes over however long it lost its master.
		Setting("cluster-node-timeout", "2000"), Setting("cluster-replica-validity-factor", "0"))
	c := &Nodes{}
	for range masters {
		c.Masters = append(c.Masters, Start(t, options...))
	}
	for range replicas {
		c.Replicas = append(c.Replicas, Start(t, options...))
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := c.introduce(ctx); err != nil {
		t.Fatal(err)
	}
	eventually.NoError(t, timeout, func() error { return c.known(ctx) })
	eventually.NoError(t, timeout, func() error { return c.replicate(ctx) })
	eventually.NoError(t, timeout, func() error { return c.ready(ctx) })
	return c
}

func (c *Nodes) all() []*Server { return slices.Concat(c.Masters, c.Replicas) }

// introduce gives each master its slots, and lets the first one meet all others.
func (c *Nodes) introduce(ctx context.Context) error {
	var failed []error
	for i, s := range c.all() {
		failed = append(failed, s.do(ctx, "cluster", "set-config-epoch", i+1))
	}
	for i, s := range c.Masters {
		n := len(c.Masters)
		failed = append(failed, s.do(ctx, "cluster", "addslotsrange", slots*i/n, slots*(i+1)/n-1))
	}
	for _, s := range c.all()[1:] {
		failed = append(failed, c.Masters[0].do(ctx, "cluster", "meet", "127.0.0.1", s.port, s.busPort))
	}
	return errors.Join(failed...)
}

func (s *Server) do(ctx context.Context, args ...any) error {
	client := s.newClient()
	defer client.Close()
	if err := client.Do(ctx, args...).Err(); err != nil {
		return fmt.Errorf("%v on port %d: %w", args, s.port, err)
	}
	return nil
}

// known is nil when every node knows all others.
func (c *Nodes) known(ctx context.Context) error {
	return c.each(ctx, "cluster_known_nodes:"+strconv.Itoa(len(c.all()))+"\r", (*redis.Client).ClusterInfo)
}

// replicate makes each replica that of its master.
func (c *Nodes) replicate(ctx context.Context) error {
	var failed []error
	for i, s := range c.Replicas {
		master := c.Masters[i].newClient()
		id, err := master.ClusterMyID(ctx).Result()
		master.Close()
		if err == nil {
			err = s.do(ctx, "cluster", "replicate", id)
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// ready is nil when all slots are served, and each replica has what its master has.
func (c *Nodes) ready(ctx context.Context) error {
	err := c.each(ctx, "cluster_state:ok", (*redis.Client).ClusterInfo)
	for _, s := range c.Replicas {
		if up, problem := s.info(ctx, "master_link_status:up"); !up {
			err = errors.Join(err, fmt.Errorf("the replica on port %d is not in step: %w", s.port, problem))
		}
	}
	return err
}

// each demands a text in what every node says.
func (c *Nodes) each(ctx context.Context, want string, ask func(*redis.Client, context.Context) *redis.StringCmd) error {
	for _, s := range c.all() {
		client := s.newClient()
		says, err := ask(client, ctx).Result()
		client.Close()
		if err != nil || !strings.Contains(says, want) {
			return fmt.Errorf("the node on port %d does not say %q: %w\n%s", s.port, want, err, says)
		}
	}
	return nil
}

// URL is the address in the form of REMESA_REDIS_URL; it names all nodes.
func (c *Nodes) URL() string {
	var hosts []string
	for _, s := range c.all() {
		hosts = append(hosts, s.Addr())
	}
	return (&url.URL{Scheme: "redis-cluster", Host: strings.Join(hosts, ",")}).String()
}

// Of is the master that served a key in the beginning, and its replica, if it has one.
func (c *Nodes) Of(t testing.TB, key string) (master, replica *Server) {
	t.Helper()
	client := c.Masters[0].newClient()
	defer client.Close()
	slot, err := client.ClusterKeySlot(context.Background(), key).Result()
	if err != nil {
		t.Fatal(err)
	}
	for i, n := 0, len(c.Masters); i < n; i++ {
		if int(slot) < slots*(i+1)/n {
			master = c.Masters[i]
			if i < len(c.Replicas) {
				replica = c.Replicas[i]
			}
			break
		}
	}
	return master, replica
}

// Client is a client of the cluster, closed when the test ends.
func (c *Nodes) Client(t testing.TB) *redis.ClusterClient {
	t.Helper()
	var hosts []string
	for _, s := range c.all() {
		hosts = append(hosts, s.Addr())
	}
	client := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: hosts, DialTimeout: 3 * time.Second, ReadTimeout: 10 * time.Second, ContextTimeoutEnabled: true,
	})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// AwaitMaster waits until the server is a master: after a failover, or from the beginning.
func (s *Server) AwaitMaster() {
	s.t.Helper()
	s.await("role:master")
}

// AwaitReplica waits until the server is a replica that has what its master has.
func (s *Server) AwaitReplica() {
	s.t.Helper()
	s.await("master_link_status:up")
}

func (s *Server) await(says string) {
	s.t.Helper()
	eventually.NoError(s.t, timeout, func() error {
		if ok, err := s.info(context.Background(), says); !ok {
			return fmt.Errorf("the server on port %d does not say %q: %w", s.port, says, err)
		}
		return nil
	})
}

// info reports whether the server's INFO replication contains a text.
func (s *Server) info(ctx context.Context, text string) (bool, error) {
	client := s.newClient()
	defer client.Close()
	says, err := client.Info(ctx, "replication").Result()
	return strings.Contains(says, text), err
}
