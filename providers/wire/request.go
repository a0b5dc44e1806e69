package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/remesa/remesa/providers"
)

// NewRequest is a request to a provider that responds in JSON; a body is JSON as well, unless the
// header is changed.
func NewRequest(method, address string, body []byte) Request {
	header := http.Header{"Accept": {"application/json"}}
	if body != nil {
		header.Set("Content-Type", "application/json")
	}
	return Request{Method: method, URL: address, Header: header, Body: body}
}

// NewRequestAt is NewRequest to a path below a base; the path is a template that pairs fill, as
// Join says. The error means that nothing was sent.
func NewRequestAt(method string, base *url.URL, path string, body []byte, pairs ...string) (Request, error) {
	address, err := Join(base, path, pairs...)
	if err != nil {
		return Request{}, &providers.NotSent{Reason: Invalid, Err: err}
	}
	return NewRequest(method, address, body), nil
}

// Post sends JSON to a path below a base, as NewRequestAt says, and reads the response, as Do does.
func (c *Client) Post(ctx context.Context, base *url.URL, path string, body []byte) (Reply, error) {
	r, err := NewRequestAt(http.MethodPost, base, path, body)
	if err != nil {
		return Reply{}, err
	}
	return c.Do(ctx, r)
}

const usualBody = 512 // bytes of a request

// JSON is the value as JSON text, with &, < and > as they are: what is signed or hashed is what is
// sent, and a verifier may compare texts. The error does not repeat the value.
func JSON(v any) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(usualBody)
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, errors.New("the request cannot be written as JSON")
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
