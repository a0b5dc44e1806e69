package delivery

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/remesa/remesa/internal/receiver"
	"github.com/remesa/remesa/internal/version"
)

const (
	// exchangeTimeout bounds one delivery, from the name's resolution to the response's end.
	exchangeTimeout = 15 * time.Second
	// maxResponse is how much of a response is read; nothing of it is kept.
	maxResponse = 64 << 10
	// mostRetryAfter bounds what a receiver may ask for.
	mostRetryAfter = time.Hour
)

// Results of a delivery's attempt, and of deliveries that came to nothing.
const (
	// Delivered: the receiver answered 2xx.
	Delivered = "delivered"
	// Refused: it answered something else, a redirect included.
	Refused = "refused"
	// Unreachable: it gave no answer in time.
	Unreachable = "unreachable"
	// Forbidden: its name stands for an address that it may not have.
	Forbidden = "forbidden"
	// Sealed: what it is to get opened cannot be opened here.
	Sealed = "sealed"
	// Parked: it was given up until a person has it sent again.
	Parked = "parked"
	// Missed: the event was trimmed from its stream before it was delivered.
	Missed = "missed"
)

// Results lists them all.
func Results() []string {
	return []string{Delivered, Refused, Unreachable, Forbidden, Sealed, Parked, Missed}
}

// attemptError is an attempt that did not deliver. Its text holds nothing of the event, the
// receiver's path or its response: asynq keeps it, and the dashboard shows it.
type attemptError struct {
	result, text string
	// after is how long the receiver wants to be left alone; 0 where it says nothing.
	after time.Duration
}

func (e *attemptError) Error() string { return e.text }

// Poster sends signed events to one receiver.
type Poster struct {
	to     receiver.Receiver
	keys   [][]byte
	client *http.Client
}

// NewPoster refuses secrets that cannot sign.
func NewPoster(to receiver.Receiver) (*Poster, error) {
	p := &Poster{to: to}
	for _, s := range to.Secrets {
		k, err := receiver.Key(s)
		if err != nil {
			return nil, fmt.Errorf("receiver %s: its secret %w", to.Name, err)
		}
		p.keys = append(p.keys, k)
	}
	if len(p.keys) == 0 {
		return nil, fmt.Errorf("receiver %s has no secret", to.Name)
	}
	dialer := &net.Dialer{Timeout: exchangeTimeout, Control: to.Control}
	p.client = &http.Client{
		Timeout:       exchangeTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		// Without a proxy: Control would see the proxy's address instead of the receiver's.
		Transport: &http.Transport{
			Proxy: nil, DialContext: dialer.DialContext, DisableCompression: true, MaxIdleConnsPerHost: to.Concurrency,
			IdleConnTimeout: time.Minute, TLSHandshakeTimeout: exchangeTimeout, MaxResponseHeaderBytes: maxResponse,
		},
	}
	return p, nil
}

// Post sends an event once, and returns nil where the receiver took it, or an error that says in
// what it failed and is safe to show.
func (p *Poster) Post(ctx context.Context, id string, body []byte, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.to.URL.String(), bytes.NewReader(body))
	if err != nil {
		return &attemptError{result: Unreachable, text: "the receiver's url makes no request"}
	}
	at := strconv.FormatInt(now.Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "remesa/"+version.String())
	r.Header["webhook-id"] = []string{id} // in lower case, as the standard writes them
	r.Header["webhook-timestamp"] = []string{at}
	r.Header["webhook-signature"] = []string{p.signature(id, at, body)}
	response, err := p.client.Do(r)
	if err != nil {
		return failure(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxResponse)) // so that the connection can be used again
	if response.StatusCode/100 == 2 {
		return nil
	}
	return &attemptError{Refused, fmt.Sprintf("the receiver answered HTTP %d", response.StatusCode), retryAfter(response.Header)}
}

// Close closes idle connections.
func (p *Poster) Close() { p.client.CloseIdleConnections() }

// signature is one for each secret: a receiver that knows either of them takes the event.
func (p *Poster) signature(id, at string, body []byte) string {
	all := make([]string, len(p.keys))
	for i, k := range p.keys {
		mac := hmac.New(sha256.New, k)
		mac.Write([]byte(id + "." + at + "."))
		mac.Write(body)
		all[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(all, " ")
}

// failure says what kept a request from being answered. The client's own error names the URL.
func failure(err error) error {
	e := &attemptError{result: Unreachable, text: "no answer: the connection failed"}
	var dns *net.DNSError
	switch {
	case errors.Is(err, receiver.ErrForbidden), errors.Is(err, receiver.ErrPlain):
		e.result, e.text = Forbidden, "the receiver's name stands for an address that it may not have"
	case errors.As(err, &dns):
		e.text = "no answer: its name cannot be resolved"
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		e.text = fmt.Sprintf("no answer within %s", exchangeTimeout)
	case isCertificate(err):
		e.text = "no answer: its certificate is not trusted"
	}
	return e
}

func isCertificate(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, mostRetryAfter)
}
