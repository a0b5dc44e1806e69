package delivery

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/kv"
	"github.com/remesa/remesa/internal/receiver"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
)

const (
	virtualpos = "virtualpos"
	etpay      = "etpay"
	patience   = time.Minute
)

func secret(text string) providers.Secret {
	return providers.Secret("whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(text, 32)[:32])))
}

// event is one of a payment of virtualpos.
func event(reference string, version int64) kv.OutcomeEvent {
	return kv.OutcomeEvent{
		Key: virtualpos + "/" + reference, Reference: reference, Type: "payout", State: "succeeded", Event: "state", Version: version,
		Amount: "12500", Currency: "CLP", At: time.UnixMilli(1_779_000_000_123), Metadata: `{"order":"7"}`, Account: "default",
	}
}

func put(t testing.TB, rdb redis.UniversalClient, events ...kv.OutcomeEvent) {
	t.Helper()
	for _, e := range events {
		provider, _, _ := strings.Cut(e.Key, "/")
		if err := rdb.XAdd(context.Background(), &redis.XAddArgs{Stream: kv.OutcomesKey(provider), Values: e.Fields()}).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// system is a billing system.
type system struct {
	*httptest.Server
	mu sync.Mutex
	// got are the events that it took, by id; taken in their order; bodies the last of each.
	taken  []string
	bodies map[string]map[string]any
	raw    map[string][]byte
	heads  map[string]http.Header
	asked  int
	// status is what it answers to an event.
	status func(id string) int
}

func newSystem(t testing.TB, status func(id string) int) *system {
	t.Helper()
	s := &system{status: status}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *system) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	content, _ := io.ReadAll(r.Body)
	id, code := r.Header.Get("webhook-id"), http.StatusNoContent
	if s.status != nil {
		code = s.status(id)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if code/100 == 2 && s.bodies[id] == nil {
		if s.bodies == nil {
			s.bodies, s.raw, s.heads = map[string]map[string]any{}, map[string][]byte{}, map[string]http.Header{}
		}
		s.taken = append(s.taken, id)
		var fields map[string]any
		_ = json.Unmarshal(content, &fields)
		s.bodies[id], s.raw[id], s.heads[id] = fields, content, r.Header.Clone()
	}
	w.WriteHeader(code)
}

func (s *system) ids() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken)
}

func (s *system) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *system) body(id string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bodies[id]
}

// at is a receiver at an address of this machine.
func at(name, address string, change ...func(*receiver.Receiver)) receiver.Receiver {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	r := receiver.Receiver{Name: name, URL: u, Secrets: []providers.Secret{secret("one")}, AllowPrivate: true, Concurrency: 4}
	for _, c := range change {
		c(&r)
	}
	return r
}

// nobody is an address at which nobody listens.
func nobody(t testing.TB) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// listenAt is a billing system that comes up at an address.
func (s *system) listenAt(t testing.TB, address string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(s)
	_ = server.Listener.Close()
	server.Listener = l
	server.Start()
	s.Server = server
	t.Cleanup(server.Close)
}

// counts are the results by receiver and result.
type counts struct {
	mu  sync.Mutex
	all map[string]int64
}

func (c *counts) count(to, result string, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[string]int64{}
	}
	c.all[to+" "+result] += n
}

func (c *counts) of(name string) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all[name]
}

// options are quick.
func options(rdb redis.UniversalClient, to ...receiver.Receiver) Options {
	return Options{
		Redis: rdb, Receivers: to, Providers: []string{virtualpos, etpay}, Log: zerolog.Nop(), FastPath: true,
		RetryBase: 10 * time.Millisecond, RetryMax: 100 * time.Millisecond, Poll: 10 * time.Millisecond, Term: 500 * time.Millisecond,
	}
}

func newService(t testing.TB, o Options) *Service {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// start runs a service until the returned function is called, or the test ends.
func start(t testing.TB, o Options) (stop func()) {
	t.Helper()
	s := newService(t, o)
	for _, l := range s.lines { // what a test writes from now on comes behind the cursors
		if err := l.list(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan bool, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if !<-ended {
			t.Error("it did not stop")
		}
	})
	t.Cleanup(stop)
	return stop
}

// await waits until the system took n events.
func (s *system) await(t testing.TB, n int) {
	t.Helper()
	eventually.NoError(t, patience, func() error {
		if got := len(s.ids()); got < n {
			return fmt.Errorf("%d events taken, want %d", got, n)
		}
		return nil
	})
}

// inOrder demands that the events of each payment were taken in the order of their versions, none
// missing.
func (s *system) inOrder(t testing.TB, payments, versions int) {
	t.Helper()
	last := map[string]int{}
	for _, id := range s.ids() {
		var version int
		k, rest, _ := strings.Cut(id, ":")
		if _, err := fmt.Sscanf(rest, "0:%d", &version); err != nil {
			t.Fatal(id)
		}
		if version != last[k]+1 {
			t.Errorf("%s was taken after version %d", id, last[k])
		}
		last[k] = version
	}
	if len(last) != payments {
		t.Errorf("events of %d payments were taken, want %d", len(last), payments)
	}
	for k, v := range last {
		if v != versions {
			t.Errorf("the last of %s is %d", k, v)
		}
	}
}

func client(t testing.TB) *redis.Client { return redistest.Start(t).Client() }

func backlog(t testing.TB, rdb redis.UniversalClient, to string) (open, parked int64, lag time.Duration) {
	t.Helper()
	open, parked, lag, err := NewStore(rdb, virtualpos, etpay).Backlog(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	return open, parked, lag
}
