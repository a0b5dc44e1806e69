package dashboard

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"
)

// guard stands before every page. It refuses, in this order: paths that do not mean what they say, names of this machine that are not
// its own (without a login), a missing or wrong login, bodies that are too large, changes from another site's pages, and changes where
// people may only look. Whatever the answer is, its headers keep a browser from doing more with it than showing it.
type guard struct {
	Options
	user, password [sha256.Size]byte
	origin         *http.CrossOriginProtection
	next           http.Handler
}

func newGuard(o Options, next http.Handler) *guard {
	return &guard{
		Options: o, next: next, origin: http.NewCrossOriginProtection(),
		user: sha256.Sum256([]byte(o.User)), password: sha256.Sum256([]byte(o.Password.Reveal())),
	}
}

// biggestBody is far more than any form of ours, or a batch of task ids, takes.
const biggestBody = 64 << 10

// ServeHTTP implements http.Handler.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	harden(w.Header())
	switch {
	case !plainPath(r):
		refuse(w, http.StatusBadRequest, "this path is not one of ours")
	case g.Password == "" && !localName(r.Host):
		refuse(w, http.StatusMisdirectedRequest, "without a login these pages answer only to localhost and 127.0.0.1")
	case !g.knows(r):
		w.Header().Set("WWW-Authenticate", `Basic realm="remesa", charset="UTF-8"`)
		refuse(w, http.StatusUnauthorized, "a login is needed")
	case r.ContentLength > biggestBody:
		refuse(w, http.StatusRequestEntityTooLarge, "the body is too large")
	case g.origin.Check(r) != nil:
		refuse(w, http.StatusForbidden, "this was sent by a page of another site")
	case changes(r.Method) && !g.Writable:
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "read-only: "+g.whyReadOnly())
	default:
		r.Body = http.MaxBytesReader(w, r.Body, biggestBody)
		g.next.ServeHTTP(w, r)
	}
}

func (g *guard) whyReadOnly() string {
	if g.Password == "" {
		return "nothing can be changed here without a login"
	}
	return "REMESA_DASHBOARD_WRITABLE is not set"
}

// knows compares hashes, in a time that depends neither on the length of what was sent nor on how much of it is right.
func (g *guard) knows(r *http.Request) bool {
	if g.Password == "" {
		return true
	}
	user, password, _ := r.BasicAuth()
	u, p := sha256.Sum256([]byte(user)), sha256.Sum256([]byte(password))
	right := subtle.ConstantTimeCompare(u[:], g.user[:]) & subtle.ConstantTimeCompare(p[:], g.password[:])
	if right != 1 && r.Header.Get("Authorization") != "" {
		g.Log.Warn().Str("from", r.RemoteAddr).Msg("dashboard: wrong login")
	}
	return right == 1
}

// plainPath reports whether a path is as a browser sends it: clean, and without a separator or a dot in disguise.
func plainPath(r *http.Request) bool {
	escaped, plain := strings.ToLower(r.URL.EscapedPath()), r.URL.Path
	for _, disguise := range []string{"%2f", "%5c", "%2e", "%00"} {
		if strings.Contains(escaped, disguise) {
			return false
		}
	}
	return strings.HasPrefix(plain, "/") && !strings.Contains(plain, `\`) && (plain == path.Clean(plain) || plain == path.Clean(plain)+"/")
}

// localName reports whether a Host header names this machine: a page of another site whose name was made to lead here does not.
func localName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// harden sets what every answer carries. Pages replace the policy by one that lets them load what they need.
func harden(h http.Header) {
	for name, value := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		"X-Frame-Options":         "DENY",
		"X-Content-Type-Options":  "nosniff",
		// Not no-referrer: it makes browsers hide the origin of our own forms from us.
		"Referrer-Policy":              "same-origin",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=()",
		"Cache-Control":                "no-store",
	} {
		h.Set(name, value)
	}
}

func refuse(w http.ResponseWriter, code int, why string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(why + "\n")) //nolint:gosec // fixed texts, and plain ones
}

// policy is a content security policy: nothing but these sources, and no page may frame ours.
func policy(sources ...string) string {
	return strings.Join(slices.Concat([]string{"default-src 'none'"}, sources, []string{"base-uri 'none'", "frame-ancestors 'none'"}), "; ")
}
