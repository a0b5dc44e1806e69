package api

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"time"

	"github.com/remesa/remesa/providers/catalog"
)

//go:embed page
var files embed.FS

// page is the description for people, made once of the document that programs read.
type page struct{ html, style []byte }

func newPage(document []byte) (*page, error) {
	var d pageDocument
	if err := json.Unmarshal(document, &d); err != nil {
		return nil, fmt.Errorf("the description cannot be read: %w", err)
	}
	t, err := template.New("page.html").ParseFS(files, "page/page.html")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, d.view()); err != nil {
		return nil, err
	}
	style, err := files.ReadFile("page/style.css")
	return &page{b.Bytes(), style}, err
}

func (a *API) description(c *call) error {
	return c.writeRaw(jsonMedia, a.Document)
}

func (a *API) pageForPeople(c *call) error {
	c.w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	c.w.Header().Set("Referrer-Policy", "no-referrer")
	return c.writeRaw("text/html; charset=utf-8", a.page.html)
}

func (a *API) style(c *call) error { return c.writeRaw("text/css; charset=utf-8", a.page.style) }

func (c *call) writeRaw(media string, text []byte) error {
	c.w.Header().Set("Content-Type", media)
	c.w.WriteHeader(http.StatusOK)
	_, _ = c.w.Write(text) // a client that has left needs none
	return nil
}

func (a *API) health(c *call) error { return c.writeRaw("text/plain; charset=utf-8", []byte("ok\n")) }

// ready reports whether the store answers and has room.
func (a *API) ready(c *call) error {
	ctx, cancel := context.WithTimeout(c.r.Context(), 2*time.Second)
	defer cancel()
	if err := a.Tasks.CheckMemory(ctx); err != nil {
		return err
	}
	for _, name := range catalog.Names()[:1] {
		if _, err := a.Ledger.Halts(ctx, name); err != nil {
			return err
		}
	}
	c.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(c.w, "ok\n")
	return nil
}
