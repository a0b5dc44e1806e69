// Command pages fills a redis-server of its own with many settled and some open payments, asks for
// each of the payments pages several times, and prints how long each took.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/bench/redisserver"
	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/dashboard"
	"github.com/remesa/remesa/internal/login"
)

// aim is what a page may take.
const aim = 300 * time.Millisecond

const user, password = "ana", "a-password-of-measurements"

func main() {
	var p plan
	flag.IntVar(&p.settled, "settled", 1_000_000, "payments that succeeded, or failed (one of a hundred)")
	flag.IntVar(&p.open, "open", 10_000, "payments that are held (six tenths), in doubt and queued")
	flag.IntVar(&p.rounds, "rounds", 5, "how often each page is asked for; the first time is not counted")
	flag.Parse()
	if err := run(context.Background(), p); err != nil {
		fmt.Fprintln(os.Stderr, "pages:", err)
		os.Exit(1)
	}
}

type plan struct{ settled, open, rounds int }

func run(ctx context.Context, p plan) error {
	s, err := redisserver.Start(ctx)
	if err != nil {
		return err
	}
	defer s.Stop()
	ledger := idempotency.NewRedis(s.Client, idempotency.Options{})
	begun := time.Now()
	if err := fill(ctx, ledger, p); err != nil {
		return err
	}
	used, err := s.Used(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("%d settled and %d open payments after %s, %d MB in Redis\n", p.settled, p.open, time.Since(begun).Round(time.Second), used>>20)
	h := dashboard.New(dashboard.Options{
		Ledger: ledger, Redis: s.Client, Users: []login.User{login.Plain(user, password)}, Writable: true, Log: zerolog.Nop(),
		Billing: billing.NewClient(billing.ClientConfig{Store: billing.NewStore(s.Client, billing.StoreOptions{}), Ledger: ledger}),
	})
	return measure(ctx, h, p.rounds)
}

// page is one that is asked for; form is what is posted to it.
type page struct{ says, path, form string }

func pages() []page {
	all := url.Values{"query": {"state=held"}, "which": {"matching"}, "step": {"resolve failed"}, "by": {user}, "note": {"a measurement"}}
	return []page{
		{"overview", "/payments", ""},
		{"one payment", "/payments/show?key=virtualpos/held-0000000", ""},
		{"held, oldest first", "/payments/list?state=held", ""},
		{"held, the last page", "/payments/list?state=held&sort=newest", ""},
		{"held, filtered by code", "/payments/list?state=held&code=timeout&provider=virtualpos", ""},
		{"held, a filter that nothing matches", "/payments/list?state=held&code=none", ""},
		{"held, in groups", "/payments/groups?state=held", ""},
		{"failed, newest first", "/payments/list?state=failed", ""},
		{"succeeded, newest first", "/payments/list?state=succeeded", ""},
		{"succeeded, oldest first", "/payments/list?state=succeeded&sort=oldest", ""},
		{"succeeded, by day and amount", "/payments/list?state=succeeded&least=12500&from=" + time.Now().Format(time.DateOnly), ""},
		{"succeeded, a filter that nothing matches", "/payments/list?state=succeeded&least=99999999", ""},
		{"reversed, of which there is none", "/payments/list?state=reversed", ""},
		{"confirmation of a step for all held", "/payments/bulk", all.Encode()},
		{"subscriptions", "/payments/subscriptions", ""},
		{"rejected tasks", "/payments/rejected", ""},
		{"halts", "/payments/halts", ""},
	}
}

func measure(ctx context.Context, h http.Handler, rounds int) error {
	fmt.Printf("%-42s %8s %8s %8s\n", "page", "median", "most", "kB")
	for _, p := range append(pages(), deep(ctx, h)...) {
		var took []time.Duration
		size := 0
		for i := range rounds + 1 {
			begun := time.Now()
			w, err := ask(ctx, h, p)
			if err != nil {
				return err
			}
			if size = w.Body.Len(); i > 0 {
				took = append(took, time.Since(begun))
			}
		}
		slices.Sort(took)
		over := ""
		if took[len(took)/2] > aim {
			over = "  over " + aim.String()
		}
		fmt.Printf("%-42s %8s %8s %8d%s\n", p.says, round(took[len(took)/2]), round(took[len(took)-1]), size>>10, over)
	}
	return nil
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

var errPage = errors.New("a page is not there")

func ask(ctx context.Context, h http.Handler, p page) (*httptest.ResponseRecorder, error) {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, p.path, nil)
	if p.form != "" {
		r = httptest.NewRequestWithContext(ctx, http.MethodPost, p.path, strings.NewReader(p.form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.SetBasicAuth(user, password)
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusOK {
		return nil, fmt.Errorf("%w: %s: %d", errPage, p.path, w.Code)
	}
	return w, nil
}

var next = regexp.MustCompile(`<a href="([^"]*)" rel="next">`)

// deep are pages far behind the first one of a list.
func deep(ctx context.Context, h http.Handler) []page {
	var all []page
	for _, state := range []string{"held", "succeeded"} {
		p := page{"", "/payments/list?state=" + state, ""}
		for range 50 {
			w, err := ask(ctx, h, p)
			if err != nil {
				break
			}
			m := next.FindStringSubmatch(w.Body.String())
			if m == nil {
				break
			}
			p.path = html.UnescapeString(m[1])
		}
		all = append(all, page{state + ", fifty pages on", p.path, ""})
	}
	return all
}
