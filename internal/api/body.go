package api

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/strictjson"
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/tasks"
)

// Media types of bodies.
const (
	jsonMedia  = "application/json"
	linesMedia = "application/x-ndjson"
)

// linesMedias are the names that JSON Lines go by.
var linesMedias = []string{linesMedia, "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/json-lines"}

// isFile reports whether the body is a file of lines. Any type that is neither that nor JSON is
// refused; a body without a type is taken for JSON.
func (c *call) isFile() (bool, error) {
	text := c.r.Header.Get("Content-Type")
	if text == "" {
		return false, nil
	}
	media, parameters, err := mime.ParseMediaType(text)
	charset, named := parameters["charset"]
	switch {
	case err != nil, named && !strings.EqualFold(charset, "utf-8"):
	case media == jsonMedia:
		return false, nil
	case slices.Contains(linesMedias, media) && c.op.lines:
		return true, nil
	}
	detail := "the body must be JSON in UTF-8: send `Content-Type: application/json`"
	if c.op.lines {
		detail += ", for one object a line application/x-ndjson"
	}
	return false, problem(http.StatusUnsupportedMediaType, "media", detail)
}

// readBody reads one JSON text.
func (c *call) readBody() ([]byte, error) {
	if c.r.ContentLength > strictjson.MaxLine {
		return nil, tooLarge()
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, strictjson.MaxLine))
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return nil, tooLarge()
	case err != nil:
		return nil, problem(http.StatusBadRequest, "body", "the body could not be read to its end")
	}
	return body, nil
}

func tooLarge() error {
	return problem(http.StatusRequestEntityTooLarge, "large", "a body of one object is "+strictjson.TooLong+"; many belong into a file of lines (application/x-ndjson)")
}

// field is one of a body that is no task.
type field struct {
	name     string
	required bool
	kind     strictjson.Kind
	// values are the only ones of a text; nil allows any of at most longest bytes on one line.
	values  []string
	longest int
	about   string
}

// readObject reads a body that is no task as strictly as if it were one.
func (c *call) readObject(fields []field) (strictjson.Value, error) {
	if file, err := c.isFile(); err != nil || file {
		return strictjson.Value{}, err
	}
	body, err := c.readBody()
	if err != nil {
		return strictjson.Value{}, err
	}
	v, err := strictjson.Parse(body)
	if err != nil {
		return v, invalid(fieldError(err))
	}
	known := make([]strictjson.Field, len(fields))
	for i, f := range fields {
		known[i] = strictjson.Field{Path: f.name, Required: f.required, Check: f.check}
	}
	var wrong []*tasks.FieldError
	for err := range strictjson.NewSchema(known...).Problems("", v) {
		wrong = append(wrong, fieldError(err))
	}
	if len(wrong) > 0 {
		return v, invalid(wrong...)
	}
	return v, nil
}

func fieldError(err error) *tasks.FieldError {
	if e, ok := errors.AsType[*strictjson.Error](err); ok {
		return &tasks.FieldError{Path: e.Path, Problem: e.Problem}
	}
	return &tasks.FieldError{Path: strictjson.Line, Problem: "cannot be read"}
}

func (f field) check(path string, v strictjson.Value) error {
	if err := strictjson.MustBe(path, v, f.kind); err != nil || f.kind != strictjson.String {
		return err
	}
	wrong := func(problem string) error { return &strictjson.Error{Path: path, Problem: problem} }
	switch {
	case f.values != nil && !slices.Contains(f.values, v.Text):
		return wrong("must be one of " + strings.Join(f.values, ", "))
	case f.values != nil:
		return nil
	case len(v.Text) > f.longest || strings.ContainsFunc(v.Text, unicode.IsControl) || !utf8.ValidString(v.Text):
		return wrong("must be one line without control characters, and not that long")
	case f.required && strings.TrimSpace(v.Text) == "":
		return wrong("must not be blank")
	case providers.CardInText(v.Text) || providers.SecurityCodeInText(v.Text):
		return wrong("looks like a card number or a security code")
	}
	return nil
}

// text is a member of an object; empty where there is none.
func text(v strictjson.Value, name string) string {
	m, _ := v.Member(name)
	return m.Text
}

// actorFields are who decides something, and why.
func actorFields() []field {
	return []field{
		{name: "by", required: true, kind: strictjson.String, longest: 100, about: "Who decides this: a claim, which the history keeps beside the key's name."},
		{name: "note", required: true, kind: strictjson.String, longest: 300, about: "Why; the history keeps it."},
	}
}

// actor is who the body names, with the key's name, which is proven.
func (c *call) actor(v strictjson.Value) idempotency.Actor {
	by := strings.ReplaceAll(text(v, "by"), "|", "/") // a bar ends the name in a subscription's history
	return idempotency.Actor{By: by + " (key " + c.key.Name + ")", Note: text(v, "note")}
}
