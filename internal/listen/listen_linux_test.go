package listen

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/remesa/remesa/internal/eventually"
)

const testTimeout = 20 * time.Second

// fixture is a server behind the limits, which counts what it holds.
type fixture struct {
	t    *testing.T
	addr string

	mu      sync.Mutex
	held    int
	most    int
	refused map[string]int
}

func open(t *testing.T, o Limits) *fixture {
	t.Helper()
	h := &fixture{t: t, refused: map[string]int{}}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.addr = l.Addr().String()
	o.Refused = func(_ netip.Addr, limit string) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.refused[limit]++
	}
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") }),
		ReadHeaderTimeout: time.Minute, ConnState: h.note,
	}
	go func() { _ = server.Serve(Limit(l, o)) }()
	t.Cleanup(func() { _ = server.Close() })
	return h
}

func (h *fixture) note(_ net.Conn, s http.ConnState) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch s {
	case http.StateNew:
		h.held++
		h.most = max(h.most, h.held)
	case http.StateClosed:
		h.held--
	default: // it holds what it held
	}
}

// await waits until ok holds.
func (h *fixture) await(what string, ok func(h *fixture) bool) {
	h.t.Helper()
	eventually.NoError(h.t, testTimeout, func() error {
		h.mu.Lock()
		defer h.mu.Unlock()
		if !ok(h) {
			return fmt.Errorf("%s: %d are held, %v were refused", what, h.held, h.refused)
		}
		return nil
	})
}

// dial connects from an address of this machine. One that is hung up on before it notices that it
// was connected holds nothing either.
func (h *fixture) dial(from string) net.Conn {
	h.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: testTimeout}
	c, err := d.DialContext(context.Background(), "tcp", h.addr)
	if errors.Is(err, syscall.ECONNRESET) {
		c, _ = net.Pipe()
		err = c.Close()
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = c.Close() })
	return c
}

// served reports whether a request from the address is answered.
func (h *fixture) served(from string) bool {
	h.t.Helper()
	c := h.dial(from)
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(testTimeout))
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		return false
	}
	a, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return false
	}
	_ = a.Body.Close()
	return a.StatusCode == http.StatusOK
}

// TestOneAddressTakesItsShareOnly: whatever it opens, the others are served.
func TestOneAddressTakesItsShareOnly(t *testing.T) {
	t.Parallel()
	h := open(t, Limits{})
	var greedy []net.Conn
	for range 600 {
		greedy = append(greedy, h.dial("127.0.0.1"))
	}
	h.await("600 of one address", func(h *fixture) bool { return h.refused[PerAddress] == 600-64 && h.held == 64 })
	if !h.served("127.0.0.2") {
		t.Error("another address is not served")
	}
	if h.served("127.0.0.1") {
		t.Error("the address that has its share got more")
	}
	for _, c := range greedy {
		_ = c.Close()
	}
	h.await("they left", func(h *fixture) bool { return h.held == 0 })
	if !h.served("127.0.0.1") {
		t.Error("a place that was left stays taken")
	}
}

func TestAllTogetherTakeNoMoreThanThereAreInAll(t *testing.T) {
	t.Parallel()
	h := open(t, Limits{})
	from := []string{"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.6", "127.0.0.7", "127.0.0.8"}
	for range 60 {
		for _, address := range from {
			h.dial(address)
		}
	}
	h.await("480 of eight addresses", func(h *fixture) bool { return h.refused[InAll] == 480-256 && h.held == 256 })
	if h.most > 256 || h.refused[PerAddress] != 0 {
		t.Errorf("%d were held at a time, refused %v", h.most, h.refused)
	}
}

// TestAPlaceIsGivenBackOnce: servers close connections more than once.
func TestAPlaceIsGivenBackOnce(t *testing.T) {
	t.Parallel()
	inner, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Limit(inner, Limits{}).(*limited)
	client, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_ = c.Close()
	}
	if l.all != 0 || len(l.held) != 0 {
		t.Errorf("%d in all, held %v", l.all, l.held)
	}
	_ = l.Close()
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed, it says %v", err)
	}
}

func TestWhomLimitsCount(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{
		"10.0.0.7:4711": "10.0.0.7", "[::ffff:10.0.0.7]:4711": "10.0.0.7", "[2001:db8:1:2:3:4:5:6]:4711": "2001:db8:1:2::",
		"[2001:db8:1:2::1]:1": "2001:db8:1:2::", "[fe80::1%eth0]:1": "fe80::", "[::1]:1": "::",
	} {
		if got := CountedAddress(from).String(); got != want {
			t.Errorf("%s: %s, want %s", from, got, want)
		}
	}
	if a := CountedAddress("pipe"); a.IsValid() {
		t.Errorf("no address: %s", a)
	}
}
