package dashboard

import (
	"cmp"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/explain"
	"github.com/remesa/remesa/internal/i18n"
)

// stamp is a time as pages write it.
type stamp struct{ time.Time }

// ISO is for machines.
func (s stamp) ISO() string { return s.UTC().Format(time.RFC3339) }

// words is how the reader of one page is addressed.
type words struct{ i18n.Locale }

// languageCookie keeps the language that somebody chose on a page.
const languageCookie = "remesa_lang"

// wordsFor are in the language that the reader chose on a page, else in that of the settings, else
// in the browser's.
func (p *pages) wordsFor(r *http.Request) words {
	l := p.InBrowser(r.Header.Get("Accept-Language"))
	chosen := r.URL.Query().Get("lang")
	if c, err := r.Cookie(languageCookie); err == nil && chosen == "" {
		chosen = c.Value
	}
	if tag, err := i18n.Parse(chosen); err == nil {
		l = i18n.New(tag, l.Zone())
	}
	return words{l}
}

// rememberLanguage keeps the language that an address chooses, and leads to the page without it.
func rememberLanguage(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		tag, err := i18n.Parse(r.URL.Query().Get("lang"))
		if err != nil {
			next(w, r)
			return
		}
		//nolint:gosec // a language is no secret, and the pages may be served without TLS on loopback
		http.SetCookie(w, &http.Cookie{
			Name: languageCookie, Value: tag.String(), Path: paymentsPath, MaxAge: int((365 * 24 * time.Hour).Seconds()), HttpOnly: true,
			SameSite: http.SameSiteLaxMode,
		})
		v := r.URL.Query()
		v.Del("lang")
		to := "/" + strings.TrimLeft(r.URL.Path, "/") // two slashes would begin another host
		if len(v) > 0 {
			to += "?" + v.Encode()
		}
		http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // a path of this server
	}
}

// functions are what templates call.
func (w words) functions() template.FuncMap {
	return template.FuncMap{
		"T": func() i18n.Pages { return w.Pages }, "O": func() i18n.Overview { return w.Overview }, "code": code, "clock": func(s stamp) string { return w.TimeToSecond(s.Time) },
		"money": w.Money, "label": func(s idempotency.State) string { return w.state(string(s)) }, "meaning": w.meaning,
		"count": func(n int) i18n.Number { return i18n.Count(w.Locale, n) }, "language": func() string { return w.Tag().String() },
		"entry": func(link, name, path string) menuEntry { return menuEntry{link, name, path} },
		"day":   func(s stamp) string { return w.Date(s.Time) },
	}
}

// menuEntry is one of the menu; Path is that of the page.
type menuEntry struct{ Link, Name, Path string }

// state is the label of a state, or of what has an anomaly.
func (w words) state(name string) string {
	if name == anomalies {
		return w.Pages.AnomalyState
	}
	return w.StateLabel(idempotency.State(name))
}

func (w words) count(n int) i18n.Number { return i18n.Count(w.Locale, n) }

func (w words) meaning(s idempotency.State) string { return explain.In(w.Locale).Meaning(s) }

func (w words) advice(r idempotency.Record) string { return explain.In(w.Locale).Advice(r) }

// reason is a code in words; empty for a provider's own.
func (w words) reason(r idempotency.Record) string { return explain.In(w.Locale).CodeWords(r.Code) }

// refusal turns an error of the ledger into words that name no command.
func (w words) refusal(err error) string {
	if why, known := w.Refusal(err); known {
		return why
	}
	_, why, found := strings.Cut(err.Error(), idempotency.ErrRefused.Error()+": ")
	if !found {
		why = w.Pages.Problem.NotAllowedNow
	}
	return strings.ReplaceAll(why, "--accept-double-risk takes that risk", w.Pages.Problem.BoxBelow)
}

// providerAccount names an account, * standing for all.
func (w words) account(name string) string {
	if name == idempotency.AllAccounts {
		return w.Pages.Halts.AllAccounts
	}
	return cmp.Or(name, idempotency.DefaultAccount)
}
