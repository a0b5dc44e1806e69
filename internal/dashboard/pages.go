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
	"sync"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/providers/catalog"
)

// pages are the payments pages: made here, without a script.
type pages struct {
	Options
	queues *queues
	sums   *openSums

	mu sync.Mutex
	// views are the pages by language and name, each within the layout.
	views map[i18n.Tag]map[string]*template.Template
}

//go:embed templates
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

// viewNames are the pages, one file each.
func viewNames() []string {
	return []string{"overview", "payment", "confirm", "message", "choose", "list", "groups", "bulk", "result", "subscriptions", "subscription", "calendar",
		"rejected", "halts"}
}

// view is a page in the language of its words; each is parsed once.
func (p *pages) view(name string, w words) *template.Template {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.views[w.Tag()] == nil {
		all := map[string]*template.Template{}
		layout := template.Must(template.New("layout.html").Funcs(w.functions()).ParseFS(templateFiles, "templates/layout.html"))
		for _, name := range viewNames() {
			all[name] = template.Must(template.Must(layout.Clone()).ParseFS(templateFiles, "templates/"+name+".html"))
		}
		p.views[w.Tag()] = all
	}
	return p.views[w.Tag()][name]
}

func (p *pages) register(mux *http.ServeMux) {
	page := func(path string, h http.HandlerFunc) { mux.HandleFunc("GET "+path, rememberLanguage(h)) }
	page(paymentsPath, p.overview)
	page(showPath, p.show)
	page(listPath, p.listPayments)
	page(groupsPath, p.groups)
	page(subscriptionsPath, p.subscriptions)
	page(subscriptionPath, p.subscription)
	page(calendarPath, p.calendar)
	page(rejectedPath, p.rejectedTasks)
	page(haltsPath, p.halts)
	mux.HandleFunc("GET "+exportPath, p.export)
	mux.Handle("GET "+paymentsPath+"/{$}", http.RedirectHandler(paymentsPath, http.StatusSeeOther))
	mux.HandleFunc("POST "+paymentsPath+"/confirm", p.withForm(p.confirm))
	mux.HandleFunc("POST "+paymentsPath+"/apply", p.withForm(p.apply))
	mux.HandleFunc("POST "+bulkPath, p.confirmBulk)
	mux.HandleFunc("POST "+bulkPath+"/apply", p.applyBulk)
	mux.HandleFunc("POST "+haltsPath, p.halt)
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
	// Here is the page's own address, for the links that choose a language; empty where it cannot
	// be asked for again.
	Here      string
	Languages []language
	// Path tells the entry of the menu.
	Path string
}

// language is a link to the same page in another language.
type language struct {
	Tag, Name, Link string
	Current         bool
}

// languages are the links of a page.
func languages(r *http.Request, w words) []language {
	if r.Method != http.MethodGet {
		return nil
	}
	var all []language
	for _, l := range []struct{ tag, name string }{{"en", "English"}, {"es", "Español"}} {
		v := r.URL.Query()
		v.Set("lang", l.tag)
		all = append(all, language{l.tag, l.name, r.URL.Path + "?" + v.Encode(), w.Tag().Language == l.tag})
	}
	return all
}

func (p *pages) page(r *http.Request, w words, title string, body any, query string) page {
	return page{Title: title, Writable: p.Writable, At: stamp{p.Now()}, Body: body, Query: query, Languages: languages(r, w), Path: r.URL.Path}
}

// render writes a page as a whole or not at all.
func (p *pages) render(w http.ResponseWriter, r *http.Request, code int, view, title string, body any, query ...string) {
	words := p.wordsFor(r)
	var out bytes.Buffer
	if err := p.view(view, words).Execute(&out, p.page(r, words, title, body, strings.Join(query, ""))); err != nil {
		p.Log.Error().Err(err).Str("view", view).Msg("page not rendered")
		refuse(w, http.StatusInternalServerError, "this page could not be made; the log says why")
		return
	}
	pageHeaders(w)
	w.WriteHeader(code)
	_, _ = w.Write(out.Bytes())
}

func pageHeaders(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", policy("style-src 'self'", "img-src 'self'", "form-action 'self'"))
	w.Header().Set("Vary", "Accept-Language, Cookie")
}

// message is a page with nothing but a message.
type message struct {
	Title, Text string
	// Key, if any, leads back to a payment, Back to another page.
	Key, Back string
}

func (p *pages) renderMessage(w http.ResponseWriter, r *http.Request, code int, title, text, key string) {
	p.render(w, r, code, "message", title, message{Title: title, Text: text, Key: key})
}

// ledgerAway says that nothing can be read.
func (p *pages) ledgerAway(w http.ResponseWriter, r *http.Request) {
	t := p.wordsFor(r).Pages.Problem
	p.renderMessage(w, r, http.StatusServiceUnavailable, t.Away, t.AwayText, "")
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
		p.notAKey(w, r, query)
		return
	}
	rec, err := p.Ledger.Show(ctx, k)
	if err != nil {
		p.failed(w, r, k, err)
		return
	}
	p.renderPayment(w, r, http.StatusOK, rec, r.URL.Query().Get("done"), intervention{}, nil)
}

func (p *pages) notAKey(w http.ResponseWriter, r *http.Request, query string) {
	t := p.wordsFor(r).Pages.Find
	p.render(w, r, http.StatusBadRequest, "message", t.NotAKey, message{Title: t.NotAKey, Text: t.NotAKeyText}, query)
}

func (p *pages) find(ctx context.Context, w http.ResponseWriter, r *http.Request, reference string) {
	var found []row
	for _, name := range catalog.Names() {
		k := idempotency.Key{Provider: name, Account: idempotency.DefaultAccount, Reference: reference}
		if k.Validate() != nil {
			p.notAKey(w, r, reference)
			return
		}
		rec, err := p.Ledger.Show(ctx, k)
		switch {
		case err == nil:
			found = append(found, p.row(p.wordsFor(r), rec))
		case !errors.Is(err, idempotency.ErrUnknown):
			p.failed(w, r, k, err)
			return
		}
	}
	t := p.wordsFor(r).Pages.Find
	switch len(found) {
	case 0:
		p.render(w, r, http.StatusNotFound, "message", t.None, message{Title: t.None, Text: t.NoneText}, reference)
	case 1:
		http.Redirect(w, r, linkTo(found[0].Key), http.StatusSeeOther)
	default:
		p.render(w, r, http.StatusOK, "choose", t.Several, found, reference)
	}
}

func linkTo(key string) string { return showPath + "?key=" + url.QueryEscape(key) }

// failed shows an error of the ledger in words.
func (p *pages) failed(w http.ResponseWriter, r *http.Request, k idempotency.Key, err error) {
	key, words := k.String(), p.wordsFor(r)
	t := words.Pages.Problem
	switch {
	case errors.Is(err, idempotency.ErrUnknown):
		p.renderMessage(w, r, http.StatusNotFound, t.NoPayment, t.NoSuchPayment(key), "")
	case errors.Is(err, idempotency.ErrVersionChanged):
		p.renderMessage(w, r, http.StatusConflict, t.Moved, t.MovedText, key)
	case errors.Is(err, idempotency.ErrRefused):
		p.renderMessage(w, r, http.StatusUnprocessableEntity, t.Refused, t.NothingChanged(words.refusal(err)), key)
	default:
		p.Log.Warn().Err(err).Str("key", key).Msg("payments page")
		p.renderMessage(w, r, http.StatusServiceUnavailable, t.Unread, t.UnreadText, key)
	}
}
