package wire

import (
	"context"
	"errors"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

type sendByKey struct{}

type sendDeadline struct {
	at  time.Time
	now func() time.Time
}

// WithSendDeadline forbids every byte of a request after the instant, by wall clock and by
// monotonic clock: the one stands still while the machine sleeps, the other can be set back. A
// request of which nothing had left by then counts as not sent, with reason NoTime. A nil now means
// time.Now.
func WithSendDeadline(ctx context.Context, at time.Time, now func() time.Time) context.Context {
	if now == nil {
		now = time.Now
	}
	return context.WithValue(ctx, sendByKey{}, sendDeadline{at: at, now: now})
}

func lateness(ctx context.Context) func() bool {
	by, ok := ctx.Value(sendByKey{}).(sendDeadline)
	if !ok {
		return func() bool { return false }
	}
	return func() bool {
		now := by.now()
		return !now.Before(by.at) || !now.Round(0).Before(by.at.Round(0))
	}
}

type traceKey struct{}

// Points of an exchange at which a trace is called.
const (
	Write   = "write"   // right before bytes may go out
	Written = "written" // bytes went out
	Read    = "read"    // the response was read to its end
)

// WithTrace calls trace at the points of every exchange under ctx. The fault tests kill and stop
// the process there.
func WithTrace(ctx context.Context, trace func(point string)) context.Context {
	return context.WithValue(ctx, traceKey{}, trace)
}

func tracer(ctx context.Context) func(string) {
	if trace, ok := ctx.Value(traceKey{}).(func(string)); ok {
		return trace
	}
	return nil
}

type statusKey struct{}

// LastStatus is the HTTP status of the last response under a context; 0 while there is none, and
// after a request that got none. It is safe for concurrent use.
type LastStatus struct{ atomic.Int64 }

// WithLastStatus has every exchange under ctx set the status.
func WithLastStatus(ctx context.Context, s *LastStatus) context.Context {
	return context.WithValue(ctx, statusKey{}, s)
}

func setStatus(ctx context.Context, status int) {
	if s, ok := ctx.Value(statusKey{}).(*LastStatus); ok {
		s.Store(int64(status))
	}
}

var (
	errNoTime = errors.New("no time left to send")
	errOver   = errors.New("the exchange is over")
)

// exchange counts what one request handed to its connection. Once end was called nothing more is
// handed over.
type exchange struct {
	late  func() bool
	trace func(point string)

	mu      sync.Mutex
	taken   bool
	writing bool
	bytes   int
	over    bool
	refused bool
}

func (x *exchange) at(point string) {
	if x.trace != nil {
		x.trace(point)
	}
}

// take ties the connection that net/http chose to this exchange. net/http may choose a second one,
// after the first died, on its own account: then nothing may be written to it if the first took a
// byte.
func (x *exchange) take(info httptrace.GotConnInfo) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.over = x.over || x.writing || x.bytes > 0
	x.taken = true
	if c, ok := info.Conn.(*conn); ok {
		c.owner.Store(x)
	}
}

// begin is called right before bytes go out.
func (x *exchange) begin() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over {
		return errOver
	}
	if x.late() {
		x.refused = true
		return errNoTime
	}
	x.writing = true
	return nil
}

func (x *exchange) wrote(n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.writing = false
	x.bytes += n
}

// end closes the exchange to further writes and reports whether a byte may have left; a write under
// way counts.
func (x *exchange) end() (sent bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.over = true
	return x.writing || x.bytes > 0
}

// listening reports whether a response can be on its way: something was written and the exchange is
// not over.
func (x *exchange) listening() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return !x.over && (x.writing || x.bytes > 0)
}

func (x *exchange) failure(ctx context.Context, err error, status int) *Error {
	e := &Error{Sent: x.end(), Status: status}
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.refused:
		e.Reason = NoTime
	case !x.taken && ctx.Err() == nil:
		e.Reason, e.Err = Connect, err
	default:
		e.Reason = reason(ctx, err)
	}
	return e
}
