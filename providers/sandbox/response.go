package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Response is what a provider sends back when nothing is wrong with the line.
type Response struct {
	Status int
	Body   any
}

// NewResponse is a response of that status and body.
func NewResponse(status int, body any) Response { return Response{status, body} }

// Refusal is a response where a function returns nil without one.
func Refusal(status int, body any) *Response { return &Response{status, body} }

const page = "<!doctype html><title>Ingreso</title><form><input name=usuario></form>"

// SendResponse sends the response, damaged as the fault says.
func SendResponse(w http.ResponseWriter, r *http.Request, a Response, b Behaviour, f Fault) {
	switch b.Reply {
	case HangUp:
		panic(http.ErrAbortHandler)
	case Slow:
		wait(r.Context(), orForever(time.Duration(f.Delay)))
		if r.Context().Err() != nil {
			panic(http.ErrAbortHandler) // a response could still reach a client that is just leaving
		}
		WriteJSON(w, a.Status, a.Body)
	case BadGateway:
		writePage(w, http.StatusBadGateway)
	case HTML:
		writePage(w, http.StatusOK)
	case Bare404:
		http.NotFound(w, r)
	case Throttle:
		w.Header().Set("Retry-After", f.RetryAfter)
		w.WriteHeader(http.StatusTooManyRequests)
	case Redirect:
		w.Header().Set("Location", r.RequestURI)
		w.WriteHeader(http.StatusTemporaryRedirect)
	case CutJSON:
		text := Encode(a.Body)
		writeText(w, a.Status, text[:len(text)/2])
	case CutBody:
		text := Encode(a.Body)
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		writeText(w, a.Status, text[:len(text)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case Huge:
		writeHuge(w)
	case Twice:
		writeText(w, a.Status, repeated(Encode(a.Body)))
	default:
		WriteJSON(w, a.Status, a.Body)
	}
}

// OrStatus is the HTTP status that a fault asks for, or the provider's own.
func OrStatus(status, otherwise int) int {
	if status == 0 {
		return otherwise
	}
	return status
}

func orForever(d time.Duration) time.Duration {
	if d == 0 {
		return 10 * time.Minute
	}
	return d
}

// wait ends early when the client leaves.
func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Encode is the value as JSON.
func Encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // responses are made of texts and numbers
	}
	return text
}

var firstName = regexp.MustCompile(`[{]("(?:[^"\\]|\\.)*":)`)

// repeated puts the first name of every object before it once more, with a null.
func repeated(text []byte) []byte { return firstName.ReplaceAll(text, []byte(`{${1}null,${1}`)) }

func writeText(w http.ResponseWriter, status int, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

func writePage(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = strings.NewReader(page).WriteTo(w)
}

// writeHuge sends 10 MB, or as much of it as the client takes.
func writeHuge(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	chunk := bytes.Repeat([]byte(" "), 64<<10)
	for range 160 {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}
