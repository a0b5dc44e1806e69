package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/remesa/remesa/billing"
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/tasks"
)

// Problem is a response that says what went wrong (RFC 9457, application/problem+json). None of its
// texts repeats a value that was sent.
type Problem struct {
	// Type is "urn:remesa:" and a word that stays; programs tell problems apart by it.
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Errors name each field that is wrong.
	Errors []FieldProblem `json:"errors,omitempty"`
	// Result is that of the same task's line in a file: invalid or conflict.
	Result string `json:"result,omitempty"`
	// Key and State are those of the payment that has the reference already.
	Key   string `json:"key,omitempty"`
	State string `json:"state,omitempty"`

	retryAfter time.Duration
	cause      error
}

// FieldProblem says what is wrong with one field, header or parameter.
type FieldProblem struct {
	// Pointer is the field's place in the body (RFC 6901), such as "#/recipient/document".
	Pointer string `json:"pointer,omitempty"`
	// Field is the same as a path, such as "recipient.document"; "line" where the whole body is
	// wrong.
	Field string `json:"field,omitempty"`
	// Header or Parameter names what is wrong outside the body.
	Header    string `json:"header,omitempty"`
	Parameter string `json:"parameter,omitempty"`
	Detail    string `json:"detail"`
}

func (p *Problem) Error() string { return fmt.Sprintf("%d %s: %s", p.Status, p.Title, p.Detail) }

func (p *Problem) Unwrap() error { return p.cause }

// problem makes a Problem of a status; word tells it from others of that status.
func problem(status int, word, detail string) *Problem {
	return &Problem{Type: "urn:remesa:" + word, Title: http.StatusText(status), Status: status, Detail: detail}
}

func (p *Problem) after(d time.Duration) *Problem {
	p.retryAfter = d
	return p
}

// invalid is a body whose fields are wrong.
func invalid(fields ...*tasks.FieldError) *Problem {
	p := problem(http.StatusUnprocessableEntity, "invalid", "")
	p.Result = string(tasks.Invalid)
	var texts []string
	for _, f := range fields {
		p.Errors = append(p.Errors, FieldProblem{Pointer: pointer(f.Path), Field: f.Path, Detail: f.Problem})
		texts = append(texts, f.Error())
	}
	p.Detail = strings.Join(texts, "; ")
	return p
}

// invalidText is invalid for a text that begins with the field's path.
func invalidText(text string) *Problem {
	path, detail, _ := strings.Cut(text, ": ")
	return invalid(&tasks.FieldError{Path: path, Problem: detail})
}

// pointer writes a path such as "details.dtes[2]" as a JSON pointer; "line" is the whole body.
func pointer(path string) string {
	if path == "line" || path == "" {
		return "#"
	}
	return "#/" + strings.NewReplacer("~", "~0", ".", "/", "[", "/", "]", "").Replace(path)
}

func badHeader(name, detail string) *Problem {
	p := problem(http.StatusUnprocessableEntity, "invalid", name+": "+detail)
	p.Errors = []FieldProblem{{Header: name, Detail: detail}}
	return p
}

func badParameter(name, detail string) *Problem {
	p := problem(http.StatusUnprocessableEntity, "invalid", name+": "+detail)
	p.Errors = []FieldProblem{{Parameter: name, Detail: detail}}
	return p
}

const (
	retrySoon  = 5 * time.Second  // Redis may be back
	retryLater = 30 * time.Second // payments must be settled first
)

// problemOf turns an error of what the interface stands on into a response.
func problemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if f, ok := errors.AsType[*tasks.FieldError](err); ok {
		return invalid(f)
	}
	switch {
	case errors.Is(err, idempotency.ErrUnknown), errors.Is(err, billing.ErrUnknown):
		return problem(http.StatusNotFound, "unknown", "there is no such payment or subscription")
	case errors.As(err, new(billing.RequestError)):
		return problem(http.StatusUnprocessableEntity, "invalid", err.Error())
	case errors.Is(err, idempotency.ErrRefused), errors.Is(err, idempotency.ErrVersionChanged), errors.Is(err, billing.ErrVersionChanged),
		errors.As(err, new(billing.Refusal)):
		return problem(http.StatusConflict, "refused", err.Error())
	case errors.As(err, new(billing.ContentError)):
		return problem(http.StatusConflict, "sealed", "what the subscription holds cannot be opened with the keys of this process")
	case errors.Is(err, tasks.ErrMemory), errors.Is(err, idempotency.ErrFull), strings.Contains(err.Error(), "OOM command not allowed"):
		return problem(http.StatusServiceUnavailable, "full",
			"the store has no room for new payments; what it has is still being processed: try again later").after(retryLater)
	default:
		p := problem(http.StatusServiceUnavailable, "unavailable",
			"the store does not respond as it must; whether this was carried out is not known, and sending the same again is safe").after(retrySoon)
		p.cause = err
		return p
	}
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	if p.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((p.retryAfter+time.Second-1)/time.Second)))
	}
	writeJSON(w, p.Status, "application/problem+json", p)
}

// writeJSON writes one value. A client that has left needs none.
func writeJSON(w http.ResponseWriter, status int, media string, v any) {
	w.Header().Set("Content-Type", media)
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
}
