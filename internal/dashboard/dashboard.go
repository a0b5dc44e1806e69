// Package dashboard serves what operators open in a browser: /dashboard, asynq's queues as asynqmon
// shows them, and /payments, the ledger's own pages. One guard in front of both decides who may
// read, who may change something, and what a browser may load.
package dashboard

import (
	"context"
	"html/template"
	"net/http"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/internal/login"
)

// Subscriptions returns how many subscriptions are due and not yet processed, and since when the
// oldest is.
type Subscriptions interface {
	Due(ctx context.Context) (count int64, oldest time.Time, err error)
}

// Options is what the pages need.
type Options struct {
	Ledger Ledger
	// Redis is where asynq's queues are. The pages share it and never close it.
	Redis redis.UniversalClient
	// Users may log in. Where there are none there is no login: then the listener must be on
	// loopback, whoever names it otherwise is refused, and nothing can be changed.
	Users []login.User
	// Writable lets operators change things, where there is a login.
	Writable bool
	// Subscriptions may be nil.
	Subscriptions Subscriptions
	// Totals has the figures of what became of payments; without it the pages show none.
	Totals Totals
	// Health, if set, returns what this worker knows of its accounts at their providers. Worker
	// names it.
	Health func() []AccountHealth
	Worker string
	// Billing shows subscriptions; without it there are no pages about them.
	Billing Billing
	// InBrowser is how whoever reads a page is addressed, by the Accept-Language of the request; by
	// default as that says, in UTC.
	InBrowser func(acceptLanguage string) i18n.Locale
	Log       zerolog.Logger
	// Now is time.Now unless set.
	Now func() time.Time
}

// New makes the handler of every path that the dashboard and the payments pages have; any other is
// not found.
func New(o Options) http.Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.InBrowser == nil {
		o.InBrowser = func(accept string) i18n.Locale { return i18n.New(i18n.FromHeader(accept), nil) }
	}
	o.Writable = o.Writable && len(o.Users) > 0
	q := newQueues(o)
	p := &pages{Options: o, queues: q, sums: newOpenSums(o), views: map[i18n.Tag]map[string]*template.Template{}}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", http.RedirectHandler(paymentsPath, http.StatusSeeOther))
	mux.Handle(queuesPath+"/", q)
	mux.Handle("GET "+queuesPath, http.RedirectHandler(queuesPath+"/", http.StatusSeeOther))
	p.register(mux)
	return newGuard(o, mux)
}

const (
	queuesPath   = "/dashboard"
	paymentsPath = "/payments"
)

// Server makes a server for browsers. Its limits keep a client from holding a connection for long
// or sending much.
func Server(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
}

// changes reports whether a method may change something.
func changes(method string) bool {
	return !slices.Contains([]string{http.MethodGet, http.MethodHead}, method)
}
