// Package redistest runs real redis-servers for tests: each on a port and in a folder of its own,
// to be killed, stopped and restarted at will. Everything is gone when the test ends.
package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/processtest"
)

// timeout bounds how long a server may take to answer or to go, the loading of its files included.
const timeout = 30 * time.Second

// Variable names the environment variable that chooses the server: the absolute path of a
// redis-server or valkey-server. Without it the tests start the redis-server on the PATH.
const Variable = "REMESA_TEST_REDIS_SERVER"

// Executable is the server that the tests start.
func Executable() string {
	if path := os.Getenv(Variable); path != "" {
		return path
	}
	return "redis-server"
}

// Server is one redis-server under test.
type Server struct {
	t       testing.TB
	dir     string
	port    int
	conf    string   // the beginning of redis.conf
	lines   []string // its end
	cluster bool
	member  bool // of a cluster of several nodes, which get their slots when all of them run
	busPort int  // of a cluster
	user    *url.Userinfo

	mu      sync.Mutex
	process *processtest.Process
}

// Option changes how a server is started.
type Option func(*Server)

// Setting adds a line of redis.conf, such as Setting("maxmemory", "10mb").
func Setting(name string, values ...string) Option {
	return func(s *Server) { s.lines = append(s.lines, name+" "+strings.Join(values, " ")) }
}

// Appendonly keeps every write in the append-only file, synced as fsync says: always, everysec or
// no.
func Appendonly(fsync string) Option {
	return func(s *Server) { s.lines = append(s.lines, "appendonly yes", "appendfsync "+fsync) }
}

// MaxMemory bounds the server's memory (such as "10mb"); when it is full, writes are refused.
func MaxMemory(limit string) Option {
	return func(s *Server) { s.lines = append(s.lines, "maxmemory "+limit, "maxmemory-policy noeviction") }
}

// ReplicaOf makes the server a replica of another.
func ReplicaOf(primary *Server) Option {
	return Setting("replicaof", "127.0.0.1", strconv.Itoa(primary.port))
}

// Conf is the text of a redis.conf for the server to start with, instead of what suits most tests.
// Its port and its folder are others.
func Conf(text string) Option {
	return func(s *Server) { s.conf = text }
}

// User makes the clients of this server log in with this name and password.
func User(name, password string) Option {
	return func(s *Server) { s.user = url.UserPassword(name, password) }
}

// Cluster makes the server a cluster of one node that serves all slots: scripts whose keys lie in
// several slots fail, as in a larger one.
func Cluster() Option {
	return func(s *Server) { s.cluster = true }
}

// Start runs a server and waits until it answers. Without options it keeps nothing on disk.
func Start(t testing.TB, options ...Option) *Server {
	t.Helper()
	if _, err := exec.LookPath(Executable()); err != nil {
		t.Fatalf("%s, and this test runs against a real one: `make test` installs it, or set %s", err, Variable)
	}
	s := &Server{t: t, dir: t.TempDir(), conf: `bind 127.0.0.1
save ""
repl-diskless-sync-delay 0`}
	for _, option := range options {
		option(s)
	}
	t.Cleanup(s.close)
	s.startOnFreePort()
	if s.cluster && !s.member {
		s.ownAllSlots()
	}
	return s
}

// startOnFreePort tries again where somebody else takes the port between its choice and its use.
func (s *Server) startOnFreePort() {
	s.t.Helper()
	var err error
	for range 10 {
		s.port, s.busPort = freePort(s.t), freePort(s.t)
		if err = s.launch(); err == nil {
			return
		}
		s.Kill()
	}
	s.t.Fatalf("redis-server does not start: %v\n%s", err, s.log())
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (s *Server) launch() error {
	conf := filepath.Join(s.dir, "redis.conf")
	if err := os.WriteFile(conf, []byte(s.config()), 0o600); err != nil {
		return err
	}
	p := processtest.Start(s.t, "redis-server", processtest.Command(Executable(), nil, conf))
	s.mu.Lock()
	s.process = p
	s.mu.Unlock()
	return s.awaitReady(p)
}

func (s *Server) config() string {
	lines := []string{
		s.conf, "port " + strconv.Itoa(s.port), "dir " + s.dir, "logfile " + filepath.Join(s.dir, "redis.log"),
	}
	if s.cluster {
		// By default the bus port is the port + 10000, which need not exist.
		lines = append(lines, "cluster-enabled yes", "cluster-announce-ip 127.0.0.1", "cluster-port "+strconv.Itoa(s.busPort))
	}
	return strings.Join(append(lines, s.lines...), "\n") + "\n"
}

// awaitReady waits until the process itself, and not another that has its port, answers and has
// loaded its files.
func (s *Server) awaitReady(p *processtest.Process) error {
	client := s.newClient()
	defer client.Close()
	err := errors.New("not asked yet")
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline); {
		if err = ready(client, p.Cmd.Process.Pid); err == nil {
			return nil
		}
		select {
		case <-p.Exited():
			return errors.New("the process ended")
		case <-time.After(5 * time.Millisecond):
		}
	}
	return fmt.Errorf("no answer within %s: %w", timeout, err)
}

func ready(client *redis.Client, pid int) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	// go-redis writes a line for each dial that fails; this does not.
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", client.Options().Addr)
	if err != nil {
		return err
	}
	conn.Close()
	if err := client.Ping(ctx).Err(); err != nil {
		return err
	}
	info, err := client.Info(ctx, "server").Result()
	if err == nil && !strings.Contains(info, "process_id:"+strconv.Itoa(pid)+"\r") {
		err = errors.New("another server has the port")
	}
	return err
}

func (s *Server) ownAllSlots() {
	s.t.Helper()
	client := s.newClient()
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := client.ClusterAddSlotsRange(ctx, 0, 16383).Err(); err != nil {
		s.t.Fatalf("slots of a single node: %s", err)
	}
	eventually.NoError(s.t, timeout, func() error {
		info, err := client.ClusterInfo(ctx).Result()
		if err == nil && strings.Contains(info, "cluster_state:ok") {
			return nil
		}
		return fmt.Errorf("the cluster of one node is not ready: %w %s", err, info)
	})
}

// Addr is host and port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// URL is the address in the form of REMESA_REDIS_URL.
func (s *Server) URL() string {
	if s.cluster {
		return (&url.URL{Scheme: "redis-cluster", User: s.user, Host: s.Addr()}).String()
	}
	return (&url.URL{Scheme: "redis", User: s.user, Host: s.Addr(), Path: "/0"}).String()
}

// Client is a client of the server, closed when the test ends. It retries as a worker's does, so
// that it outlasts a restart.
func (s *Server) Client() *redis.Client {
	client := redis.NewClient(s.options())
	s.t.Cleanup(func() { client.Close() })
	return client
}

func (s *Server) options() *redis.Options {
	options := clientOptions(s.Addr())
	options.Username = s.user.Username()
	options.Password, _ = s.user.Password()
	return options
}

func (s *Server) newClient() *redis.Client {
	options := s.options()
	options.MaxRetries = -1
	return redis.NewClient(options)
}

// Client is a client of whatever listens there, such as a Proxy; the caller closes it.
func Client(addr string) *redis.Client { return redis.NewClient(clientOptions(addr)) }

func clientOptions(addr string) *redis.Options {
	return &redis.Options{
		Addr: addr, MaxRetries: 20, MinRetryBackoff: 10 * time.Millisecond, MaxRetryBackoff: 200 * time.Millisecond, DialerRetries: 1,
		DialTimeout: 3 * time.Second, ReadTimeout: 3 * time.Second, WriteTimeout: 3 * time.Second, PoolSize: 32,
		ContextTimeoutEnabled: true, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// Kill ends the server as kill -9 does, and waits until it is gone.
func (s *Server) Kill() {
	if p := s.current(); p != nil {
		p.Kill()
	}
}

// Restart starts a killed server again, with the same port and files, and waits until it has loaded
// them.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	err := errors.New("not tried yet")
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline); {
		if err = s.launch(); err == nil {
			return
		}
		s.Kill()
	}
	s.t.Fatalf("redis-server does not start again on port %d: %v\n%s", s.port, err, s.log())
}

// Written is how much the append-only file holds by now: a mark for Forget.
func (s *Server) Written() int64 {
	s.t.Helper()
	info, err := os.Stat(s.appendOnlyFile())
	if err != nil {
		s.t.Fatal(err)
	}
	return info.Size()
}

// Forget cuts off what a killed server wrote to its append-only file after a mark, as a power cut
// does, or a restored backup: Restart then loads what was there at the mark.
func (s *Server) Forget(mark int64) {
	s.t.Helper()
	if err := os.Truncate(s.appendOnlyFile(), mark); err != nil {
		s.t.Fatal(err)
	}
}

// appendOnlyFile is the newest part of the append-only file, which Redis 7 keeps in a folder.
func (s *Server) appendOnlyFile() string {
	s.t.Helper()
	parts, err := filepath.Glob(filepath.Join(s.dir, "appendonlydir", "*.incr.aof"))
	if err != nil || len(parts) != 1 {
		s.t.Fatalf("one file with appended commands is expected, there are %d: %v", len(parts), err)
	}
	return parts[0]
}

// Stop freezes the server: connections stay open, nothing is answered.
func (s *Server) Stop() { s.current().Stop() }

// Cont lets a frozen server go on.
func (s *Server) Cont() { s.current().Cont() }

// current is the server's process, nil before the first.
func (s *Server) current() *processtest.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process
}

func (s *Server) close() {
	s.Kill()
	if text := s.logSinceStart(); s.t.Failed() && text != "" {
		s.t.Logf("log of the redis-server on port %d:\n%s", s.port, text)
	}
}

// log is the end of the server's log.
func (s *Server) log() string { return end(s.wholeLog(), 4096) }

// logSinceStart is the end of what the server logged after its start, which always reads the same.
func (s *Server) logSinceStart() string {
	_, text, _ := strings.Cut(s.wholeLog(), "Ready to accept connections")
	_, text, _ = strings.Cut(text, "\n")
	return end(text, 1500)
}

func (s *Server) wholeLog() string {
	text, err := os.ReadFile(filepath.Join(s.dir, "redis.log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func end(text string, most int) string { return text[max(0, len(text)-most):] }
