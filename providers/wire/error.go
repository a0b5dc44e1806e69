package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// Reasons of an Error.
const (
	Invalid    = "invalid"    // the request could not be built
	Connect    = "connect"    // no connection: name, dial or TLS
	NoTime     = "no_time"    // the instant given to WithSendBy had passed
	Timeout    = "timeout"    // the time ran out
	Cancelled  = "cancelled"  // the caller went away
	Reset      = "reset"      // the connection broke
	EOF        = "eof"        // the provider hung up, before its response or within it
	TooLarge   = "too_large"  // the response exceeds MaxBody
	Unreadable = "unreadable" // the response is not HTTP
)

// Error is an exchange without a complete response.
type Error struct {
	// Sent is false only where no byte of the request was handed to the network.
	Sent bool
	// Reason is one of the words above.
	Reason string
	// Status is the response's HTTP status where its head could be read, else 0.
	Status int
	// Err is set where no connection came about; other causes may quote the response and are left
	// out.
	Err error
}

func (e *Error) Error() string {
	text := "not sent: " + e.Reason
	if e.Sent {
		text = "sent, no answer: " + e.Reason
	}
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", text, e.Err)
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

var (
	errTooLarge    = errors.New("answer too large")
	errUnreadable  = errors.New("answer unreadable")
	errUnsolicited = errors.New("bytes that no request asked for")
)

func reason(ctx context.Context, err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, errTooLarge):
		return TooLarge
	case errors.Is(err, errUnreadable):
		return Unreadable
	case errors.Is(ctx.Err(), context.Canceled):
		return Cancelled
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return Timeout
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, errOver), errors.Is(err, errUnsolicited):
		return Reset
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return EOF
	}
	return failureReason(err)
}

func failureReason(err error) string {
	var op *net.OpError
	if errors.As(err, &op) || errors.Is(err, net.ErrClosed) {
		return Reset
	}
	return Unreadable
}

// RetryAfter is how long a response asks to wait, in seconds or as a date; zero where it does not
// say, and a day at most.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(max(0, min(seconds, 86400))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return max(0, min(at.Sub(now), 24*time.Hour))
}
