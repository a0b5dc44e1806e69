package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/internal/redistest"
)

// TestWhoeverOpensConnectionsTakesFewOfTheWorkersDescriptors: both listeners close what is more
// than a share, and serve others.
func TestWhoeverOpensConnectionsTakesFewOfTheWorkersDescriptors(t *testing.T) {
	t.Parallel()
	said := make(workerOutput, 100)
	s := serviceOn(t, redistest.Start(t), zerolog.New(said), map[string]string{
		"REMESA_HTTP_ADDR": "127.0.0.1:0", "REMESA_WEBHOOK_ADDR": "127.0.0.1:0",
	})
	for listener, begin := range map[string]func() (func(), error){
		"http":     func() (func(), error) { return s.listen(t.Context()) },
		"webhooks": func() (func(), error) { return s.serveWebhooks(t.Context()) },
	} {
		stop, err := begin()
		if err != nil {
			t.Fatal(err)
		}
		flood(t, listener, said.address(t, listener))
		stop()
	}
}

// workerOutput is what was logged, a line each.
type workerOutput chan []byte

// Write implements io.Writer; what nobody reads is dropped.
func (s workerOutput) Write(line []byte) (int, error) {
	select {
	case s <- bytes.Clone(line):
	default:
	}
	return len(line), nil
}

// address waits for the line that says where a listener is.
func (s workerOutput) address(t *testing.T, listener string) string {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		select {
		case line := <-s:
			var fields map[string]any
			_ = json.Unmarshal(line, &fields)
			if addr, ok := fields[listener].(string); ok {
				return addr
			}
		case <-late:
			t.Fatalf("%s: it says no address", listener)
		}
	}
}

// flood opens more connections than one address may hold, and demands that most are closed and
// another address is answered.
func flood(t *testing.T, listener, addr string) {
	t.Helper()
	closed := 0
	var open []net.Conn
	for range 300 {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
		if errors.Is(err, syscall.ECONNRESET) {
			closed++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		open = append(open, c)
	}
	gone := make(chan int)
	for _, c := range open {
		_ = c.SetReadDeadline(time.Now().Add(2 * time.Second)) // the server hangs up by itself after five
		go func() {
			_, err := c.Read(make([]byte, 1))
			if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
				gone <- 1
			} else {
				gone <- 0
			}
		}()
	}
	for range open {
		closed += <-gone
	}
	if closed < 300-64 {
		t.Errorf("%s: %d of 300 connections of one address were closed", listener, closed)
	}
	other := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	client := http.Client{Transport: &http.Transport{DialContext: other.DialContext, DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Errorf("%s: another address is not served: %v", listener, err)
		return
	}
	_ = answer.Body.Close()
}
