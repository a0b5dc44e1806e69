// Package wire makes one HTTP exchange with a provider and says whether any byte of its request may
// have arrived.
//
// It speaks HTTP/1.1, sends a request once, follows no redirect, uses no proxy, and reads at most 1
// MiB of a response. Error texts carry neither headers nor bodies nor paths.
package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/remesa/remesa/providers"
)

// MaxBody is how much of a response's body is read; a longer one is an Error with reason TooLarge.
const MaxBody = 1 << 20

// Request is one request. Its body is held in memory, so that its length is known and it never
// changes. The header arrives as it is given, an Idempotency-Key included; only a missing
// User-Agent is added.
type Request struct {
	Method string
	URL    string
	Header http.Header
	Body   []byte
}

// Reply is a response that was read to its end, whatever its status.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Success reports an HTTP status from 200 to 299.
func (r Reply) Success() bool { return r.Status >= 200 && r.Status < 300 }

// Code is the word for a response that says nothing else: its HTTP status, such as http_502, or
// Unreadable where that is a success.
func (r Reply) Code() string {
	if r.Success() {
		return Unreadable
	}
	return fmt.Sprintf("http_%d", r.Status)
}

// Throttled is the error of a request that was refused because there were too many: it says when to
// come again, where the response does.
func (r Reply) Throttled(now time.Time) error {
	return &providers.NotSent{Reason: "throttled", RetryAfter: RetryAfter(r.Header, now)}
}

// Client holds the connections of one account. It is safe for concurrent use.
type Client struct {
	transport *transport
	timeout   time.Duration
}

// Do sends the request once and reads the response. Every error is an *Error, which says whether a
// byte of the request may have left; where it says no, none leaves after Do returned either.
func (c *Client) Do(ctx context.Context, r Request) (Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	x := &exchange{late: lateness(ctx), trace: tracer(ctx)}
	setStatus(ctx, 0)
	if x.late() {
		return Reply{}, &Error{Reason: NoTime}
	}
	req, err := build(ctx, x, r)
	if err != nil {
		return Reply{}, &Error{Reason: Invalid}
	}
	reply, status, err := c.transport.exchange(ctx, x, req)
	setStatus(ctx, status)
	if err != nil {
		return Reply{}, x.failure(ctx, err, status)
	}
	x.at(Read)
	return reply, nil
}

// Close drops the idle connections.
func (c *Client) Close() { c.transport.closeIdle() }

// build makes the request. It has no second copy of its body, so that nothing but a caller of Do
// can repeat it.
func build(ctx context.Context, _ *exchange, r Request) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	req.GetBody = nil
	req.Header = make(http.Header, len(r.Header)+1)
	for name, values := range r.Header {
		if slices.ContainsFunc(values, unprintable) {
			return nil, errors.New("a header has a control character")
		}
		req.Header[name] = values // the slices are only read
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header["User-Agent"] = []string{"remesa"}
	}
	return req, nil
}

// unprintable reports a control character, which net/http would write as a blank.
func unprintable(value string) bool {
	return strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// common is a length of bodies up to which one is read at once, before its bytes have come.
const common = 64 << 10

func read(resp *http.Response) (Reply, error) {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return Reply{}, errUnreadable
	}
	if resp.ContentLength > MaxBody {
		return Reply{}, errTooLarge
	}
	if 0 < resp.ContentLength && resp.ContentLength <= common {
		body := make([]byte, resp.ContentLength)
		if _, err := io.ReadFull(resp.Body, body); err != nil {
			return Reply{}, err
		}
		return Reply{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxBody+1))
	if err != nil {
		return Reply{}, err
	}
	if len(body) > MaxBody {
		return Reply{}, errTooLarge
	}
	return Reply{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}
