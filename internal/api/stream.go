package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/remesa/remesa/internal/intake"
	"github.com/remesa/remesa/tasks"
)

// slowReader gives the client some time for each piece of its body, however long the body is.
type slowReader struct {
	body    io.Reader
	control *http.ResponseController
	idle    time.Duration
	late    atomic.Bool // nothing came in time
	ended   atomic.Bool
}

func (r *slowReader) Read(p []byte) (int, error) {
	if err := r.control.SetReadDeadline(time.Now().Add(r.idle)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	n, err := r.body.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		r.ended.Store(true)
		_ = r.control.SetReadDeadline(time.Time{}) // else the server takes the connection for broken when the time is up
	case errors.Is(err, os.ErrDeadlineExceeded):
		r.late.Store(true)
	}
	return n, err
}

// interrupt ends a Read that is under way, and with it the connection's use.
func (r *slowReader) interrupt(c *call) {
	if r.ended.Load() {
		return
	}
	c.w.Header().Set("Connection", "close")
	_ = r.control.SetReadDeadline(time.Unix(1, 0))
}

// result is what is told about one line.
type result interface {
	// Word is what it came to.
	Word() string
}

// stopped is the last line of a response whose file was not read to its end.
type stopped struct {
	Result string `json:"result"`
	Error  string `json:"error"`
}

// resultStopped is the result of a stopped line.
const resultStopped = "stopped"

// stream takes a file in while it is being sent, and writes a result line for each of its lines. A
// batch that has begun is finished, whatever happens.
func stream[L any, R result](a *API, c *call, reader func(io.Reader) func() (L, error), answer func(context.Context, []L) ([]R, error)) error {
	if c.r.Header.Get(idempotencyKey) != "" {
		return badHeader(idempotencyKey, "has no meaning for a file: each line's reference is its key")
	}
	select {
	case a.streams <- struct{}{}:
		defer func() { <-a.streams }()
	default:
		return problem(http.StatusServiceUnavailable, "busy", "as many files as this server takes are being streamed").after(retrySoon)
	}
	if err := c.control.EnableFullDuplex(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	ctx, end := a.Trace.File(c.r.Context())
	defer func() { end(c.lines) }()
	c.r = c.r.WithContext(ctx)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body := &slowReader{body: c.r.Body, control: c.control, idle: a.Idle}
	next := reader(body)
	ahead := intake.ReadAhead(ctx, next)
	defer func() { // the body must not be read once this has returned
		cancel()
		body.interrupt(c)
		ahead.Wait()
	}()
	out := newOutbox(c, a.Idle)
	defer out.close()
	return pump(a, c, ahead, body, out, answer)
}

// pump answers batch by batch until the file ends.
func pump[L any, R result](a *API, c *call, ahead *intake.Ahead[L], body *slowReader, out *outbox, answer func(context.Context, []L) ([]R, error)) error {
	for {
		batch, err := nextBatch(a, ahead)
		if len(batch) > 0 {
			if failed := answerBatch(a, c, batch, out, answer); failed != nil {
				return out.stop(problemOf(failed))
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			return out.finish()
		case body.late.Load():
			return out.stop(endOf(os.ErrDeadlineExceeded))
		default:
			return out.stop(endOf(err))
		}
	}
}

// errDraining ends streams when the server ends.
var errDraining = errors.New("the server is ending")

// nextBatch waits for lines, or for the server's end.
func nextBatch[L any](a *API, ahead *intake.Ahead[L]) ([]L, error) {
	select {
	case <-a.drained:
		return nil, errDraining
	default:
		return ahead.BatchUntil(a.drained, errDraining)
	}
}

func answerBatch[L any, R result](a *API, c *call, batch []L, out *outbox, answer func(context.Context, []L) ([]R, error)) error {
	ctx, cancel := c.unbroken()
	defer cancel()
	results, err := answer(ctx, batch)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, r := range results {
		if err := enc.Encode(r); err != nil {
			return err
		}
		a.Metrics.LineTaken(c.op.id, r.Word())
	}
	c.lines += len(results)
	return out.put(b.Bytes())
}

// endOf says why a file was not read to its end.
func endOf(err error) *Problem {
	const again = "; lines without a result were not reported as taken in: sending the same file again is safe"
	switch {
	case errors.Is(err, tasks.ErrCut):
		return problem(http.StatusUnprocessableEntity, "cut", err.Error()+again)
	case errors.Is(err, errDraining):
		return problem(http.StatusServiceUnavailable, "ending", err.Error()+again).after(retrySoon)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem(http.StatusRequestTimeout, "slow", "nothing more of the file came"+again)
	default:
		return problem(http.StatusBadRequest, "body", "the file could not be read to its end"+again)
	}
}
