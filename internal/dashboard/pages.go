package dashboard

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers/catalog"
)

// pages are the payments pages: made here, without a script.
type pages struct {
	Options
	queues *queues
}

//go:embed templates
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

// views are the pages by name, each within the layout.
var views = func() map[string]*template.Template {
	all := map[string]*template.Template{}
	layout := template.Must(template.ParseFS(templateFiles, "templates/layout.html"))
	for _, name := range []string{"overview", "payment", "confirm", "message", "choose"} {
		all[name] = template.Must(template.Must(layout.Clone()).ParseFS(templateFiles, "templates/"+name+".html"))
	}
	return all
}()

func (p *pages) register(mux *http.ServeMux) {
	mux.HandleFunc("GET "+paymentsPath, p.overview)
	mux.Handle("GET "+paymentsPath+"/{$}", http.RedirectHandler(paymentsPath, http.StatusSeeOther))
	mux.HandleFunc("GET "+showPath, p.show)
	mux.HandleFunc("POST "+paymentsPath+"/confirm", p.withForm(p.confirm))
	mux.HandleFunc("POST "+paymentsPath+"/apply", p.withForm(p.apply))
	mux.HandleFunc("GET "+paymentsPath+"/style.css", static("style.css", "text/css; charset=utf-8"))
	mux.HandleFunc("GET "+paymentsPath+"/icon.svg", static("icon.svg", "image/svg+xml"))
}

const showPath = paymentsPath + "/show"

// static serves a file without any data.
func static(name, kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		content, err := staticFiles.ReadFile("static/" + name)
		if err != nil {
			refuse(w, http.StatusNotFound, "there is nothing here")
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "private, max-age=3600")
		_, _ = w.Write(content)
	}
}

// page is what the layout needs.
type page struct {
	Title    string
	Writable bool
	// Query is what was searched for.
	Query string
	At    stamp
	Body  any
}

// render writes a page as a whole or not at all.
func (p *pages) render(w http.ResponseWriter, code int, view, title string, body any, query ...string) {
	var out bytes.Buffer
	data := page{Title: title, Writable: p.Writable, At: stamp{p.Now()}, Body: body, Query: strings.Join(query, "")}
	if err := views[view].Execute(&out, data); err != nil {
		p.Log.Error().Err(err).Str("view", view).Msg("page not rendered")
		refuse(w, http.StatusInternalServerError, "this page could not be made; the log says why")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", policy("style-src 'self'", "img-src 'self'", "form-action 'self'"))
	w.WriteHeader(code)
	_, _ = w.Write(out.Bytes())
}

// message is a page with nothing but a message.
type message struct {
	Title, Text string
	// Key, if any, leads back to a payment.
	Key string
}

func (p *pages) renderMessage(w http.ResponseWriter, code int, title, text, key string) {
	p.render(w, code, "message", title, message{title, text, key})
}

// pageTimeout bounds how long a page waits for the ledger.
const pageTimeout = 10 * time.Second

// show is one payment's page. A bare reference is looked for at every provider.
func (p *pages) show(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
	defer cancel()
	query := strings.TrimSpace(r.URL.Query().Get("key"))
	if query == "" {
		http.Redirect(w, r, paymentsPath, http.StatusSeeOther)
		return
	}
	if !strings.Contains(query, "/") {
		p.find(ctx, w, r, query)
		return
	}
	k, err := idempotency.ParseKey(query)
	if err != nil {
		p.render(w, http.StatusBadRequest, "message", "Not a key", message{Title: "Not a key", Text: notAKey}, query)
		return
	}
	rec, err := p.Ledger.Show(ctx, k)
	if err != nil {
		p.failed(w, k, err)
		return
	}
	p.renderPayment(w, http.StatusOK, rec, r.URL.Query().Get("done"), intervention{}, nil)
}

const notAKey = "A key is provider/reference, such as virtualpos/tef-0001, or provider/account/reference. A reference alone is looked " +
	"for at every provider, under the account default."

func (p *pages) find(ctx context.Context, w http.ResponseWriter, r *http.Request, reference string) {
	var found []row
	for _, name := range catalog.Names() {
		k := idempotency.Key{Provider: name, Account: idempotency.DefaultAccount, Reference: reference}
		if k.Validate() != nil {
			p.render(w, http.StatusBadRequest, "message", "Not a key", message{Title: "Not a key", Text: notAKey}, reference)
			return
		}
		rec, err := p.Ledger.Show(ctx, k)
		switch {
		case err == nil:
			found = append(found, p.row(rec))
		case !errors.Is(err, idempotency.ErrUnknown):
			p.failed(w, k, err)
			return
		}
	}
	switch len(found) {
	case 0:
		p.render(w, http.StatusNotFound, "message", "No such payment", message{Title: "No such payment", Text: "No provider's default account has a payment with " +
			"this reference. For another account search for provider/account/reference."}, reference)
	case 1:
		http.Redirect(w, r, linkTo(found[0].Key), http.StatusSeeOther)
	default:
		p.render(w, http.StatusOK, "choose", "Several payments", found, reference)
	}
}

func linkTo(key string) string { return showPath + "?key=" + url.QueryEscape(key) }

// failed shows an error of the ledger in words.
func (p *pages) failed(w http.ResponseWriter, k idempotency.Key, err error) {
	key := k.String()
	switch {
	case errors.Is(err, idempotency.ErrUnknown):
		p.renderMessage(w, http.StatusNotFound, "No such payment", "The ledger has no payment "+key+".", "")
	case errors.Is(err, idempotency.ErrVersionChanged):
		p.renderMessage(w, http.StatusConflict, "The payment moved on", "Since you opened it, something else happened to this payment. Nothing of what "+
			"you sent was done. Look at what it is now, and decide again.", key)
	case errors.Is(err, idempotency.ErrRefused):
		p.renderMessage(w, http.StatusUnprocessableEntity, "Refused", sentenceOf(err), key)
	default:
		p.Log.Warn().Err(err).Str("key", key).Msg("payments page")
		p.renderMessage(w, http.StatusServiceUnavailable, "The ledger cannot be read", "Redis does not answer, or this payment's record cannot be read. "+
			"The log says which. Payments are not affected by this page.", key)
	}
}

// sentenceOf turns a refusal into a sentence that names no command.
func sentenceOf(err error) string {
	_, why, found := strings.Cut(err.Error(), idempotency.ErrRefused.Error()+": ")
	if !found {
		why = "the ledger does not allow it now"
	}
	why = strings.ReplaceAll(why, "--accept-double-risk takes that risk", "the box below the note takes that risk")
	return "Nothing was changed: " + why + "."
}
