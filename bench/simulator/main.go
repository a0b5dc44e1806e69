// Command simulator takes the payouts of all contenders, answers as VirtualPOS does, and keeps when
// each payout arrived and how often.
//
//	POST /v3/payout                       a payout; GET /v3/payout/merchant/{id} asks for it
//	GET  /_await?n=100                    returns when that many different payouts have arrived
//	GET  /_report                         counts, and the times of the first and the last arrival
//	GET  /_arrivals                       a line for each payout: merchant id, time in Unix ns
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

// Report is the answer to /_report and /_await. Times are Unix ns.
type Report struct {
	Arrivals   int   `json:"arrivals"`
	Duplicates int   `json:"duplicates"`
	First      int64 `json:"first"`
	Last       int64 `json:"last"`
}

type simulator struct {
	delay time.Duration

	mu      sync.Mutex
	report  Report
	seen    map[string]int64 // when each payout came first
	waiters map[chan Report]int
}

func main() {
	addr := flag.String("addr", "127.0.0.1:9091", "where it listens")
	delay := flag.Duration("delay", 0, "how long each payout takes")
	flag.Parse()
	s := &simulator{delay: *delay, seen: map[string]int64{}, waiters: map[chan Report]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v3/payout", s.create)
	mux.HandleFunc("GET /v3/payout/merchant/{id}", s.status)
	mux.HandleFunc("GET /_await", s.await)
	mux.HandleFunc("GET /_report", s.show)
	mux.HandleFunc("GET /_arrivals", s.arrivals)
	server := &http.Server{Addr: *addr, Handler: mux, ReadHeaderTimeout: time.Minute}
	if err := server.ListenAndServe(); err != nil {
		fmt.Fprintln(os.Stderr, "simulator:", err)
		os.Exit(1)
	}
}

func (s *simulator) create(w http.ResponseWriter, r *http.Request) {
	now := time.Now().UnixNano()
	body, err := io.ReadAll(r.Body)
	reference := text(body, `"merchant_id":"`)
	if err != nil || reference == "" || r.Header.Get("Authorization") == "" || r.Header.Get("Signature") == "" {
		http.Error(w, `{"status":"NOK","error":{"error_code":"E-100","message":"cuerpo ilegible"}}`, http.StatusBadRequest)
		return
	}
	number := s.arrive(reference, now)
	if s.delay > 0 {
		time.Sleep(s.delay)
	}
	answer(w, reference, number)
}

// text is the JSON text behind a name; the contenders' references need no escapes.
func text(body []byte, name string) string {
	_, rest, found := bytes.Cut(body, []byte(name))
	value, _, ended := bytes.Cut(rest, []byte(`"`))
	if !found || !ended {
		return ""
	}
	return string(value)
}

func answer(w http.ResponseWriter, reference string, number int) {
	w.Header().Set("Content-Type", "application/json")
	b := make([]byte, 0, 160)
	b = append(b, `{"code":200,"payout":{"amount":12500,"id":"pyt_`...)
	b = strconv.AppendInt(b, int64(number), 10)
	b = append(b, `","merchant_id":"`...)
	b = append(b, reference...)
	b = append(b, `","status":"pagado"},"status":"OK"}`...)
	_, _ = w.Write(b)
}

func (s *simulator) arrive(reference string, now int64) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Arrivals++
	if s.report.Arrivals == 1 {
		s.report.First = now
	}
	if _, again := s.seen[reference]; again {
		s.report.Duplicates++
		return s.report.Arrivals
	}
	s.seen[reference], s.report.Last = now, now
	for c, n := range s.waiters {
		if len(s.seen) >= n {
			c <- s.report
			delete(s.waiters, c)
		}
	}
	return s.report.Arrivals
}

func (s *simulator) status(w http.ResponseWriter, r *http.Request) {
	reference := r.PathValue("id")
	s.mu.Lock()
	_, known := s.seen[reference]
	s.mu.Unlock()
	if !known {
		http.Error(w, `{"status":"NOK","error":{"error_code":"E-041","message":"no existe"}}`, http.StatusNotFound)
		return
	}
	answer(w, reference, 1)
}

func (s *simulator) await(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.FormValue("n"))
	if err != nil {
		http.Error(w, "n: must be a number", http.StatusBadRequest)
		return
	}
	c := make(chan Report, 1)
	s.mu.Lock()
	if len(s.seen) >= n {
		c <- s.report
	} else {
		s.waiters[c] = n
	}
	s.mu.Unlock()
	select {
	case report := <-c:
		_ = json.NewEncoder(w).Encode(report)
	case <-r.Context().Done():
		s.mu.Lock()
		delete(s.waiters, c)
		s.mu.Unlock()
	}
}

func (s *simulator) show(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = json.NewEncoder(w).Encode(s.report)
}

func (s *simulator) arrivals(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := bufio.NewWriter(w)
	for reference, at := range s.seen {
		_, _ = fmt.Fprintf(out, "%s %d\n", reference, at)
	}
	_ = out.Flush()
}
