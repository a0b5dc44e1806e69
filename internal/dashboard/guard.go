package dashboard

import (
	"context"
	"math"
	"net"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/remesa/remesa/internal/listen"
	"github.com/remesa/remesa/internal/login"
)

// guard stands before every page. It refuses, in this order: paths that do not mean what they say,
// names of this machine that are not its own (without a login), a missing or wrong login, bodies
// that are too large, changes from another site's pages, and changes where the pages are read-only.
// The headers of every response keep a browser from doing more with it than showing it.
type guard struct {
	Options
	auth   *login.Authenticator
	origin *http.CrossOriginProtection
	next   http.Handler
}

func newGuard(o Options, next http.Handler) *guard {
	return &guard{Options: o, next: next, origin: http.NewCrossOriginProtection(), auth: login.NewAuthenticator(o.Users, o.Now)}
}

// maxBody is far more than any form of ours, or a batch of task ids, takes.
const maxBody = 64 << 10

// ServeHTTP implements http.Handler.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setSecurityHeaders(w.Header())
	switch {
	case !isCleanPath(r):
		refuse(w, http.StatusBadRequest, "this path is not one of ours")
	case len(g.Users) == 0 && !isLocalHost(r.Host):
		refuse(w, http.StatusMisdirectedRequest, "without a login these pages answer only to localhost and 127.0.0.1")
	case !g.admit(w, r):
	case r.ContentLength > maxBody:
		refuse(w, http.StatusRequestEntityTooLarge, "the body is too large")
	case g.origin.Check(r) != nil:
		refuse(w, http.StatusForbidden, "this was sent by a page of another site")
	case changes(r.Method) && !g.Writable:
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "read-only: "+g.whyReadOnly())
	default:
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		who := readVisitor(r)
		if changes(r.Method) && strings.HasPrefix(r.URL.Path, queuesPath+"/") {
			g.Log.Info().Str("login", who.login).Str("from", who.from).Str("method", r.Method).Str("path", r.URL.Path).
				Msg("asked for by hand on the queues' page")
		}
		g.next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitorKey{}, who)))
	}
}

func (g *guard) whyReadOnly() string {
	if len(g.Users) == 0 {
		return "nothing can be changed here without a login"
	}
	return "REMESA_DASHBOARD_WRITABLE is not set"
}

// admit reports whether the request's login is right, or none is needed; otherwise it has
// responded.
func (g *guard) admit(w http.ResponseWriter, r *http.Request) bool {
	if len(g.Users) == 0 {
		return true
	}
	user, password, _ := r.BasicAuth()
	if user == "" && password == "" { // no guess
		unauthorized(w)
		return false
	}
	a := g.auth.Authenticate(r.Context(), listen.CountedAddress(r.RemoteAddr), user, password)
	switch {
	case a.OK:
	case a.Wait > 0:
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(a.Wait.Seconds()))))
		refuse(w, http.StatusTooManyRequests, "too many wrong logins: nothing is tried for "+a.Wait.Round(time.Second).String())
	default:
		g.Log.Warn().Str("from", readVisitor(r).from).Str("login", a.User).Int("failures", a.Failures).Msg("dashboard: wrong login")
		unauthorized(w)
	}
	return a.OK
}

func unauthorized(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="remesa", charset="UTF-8"`)
	refuse(w, http.StatusUnauthorized, "a login is needed")
}

// visitor is whose login a request carries, and the address that it came from: a proxy's, where
// there is one.
type visitor struct{ login, from string }

type visitorKey struct{}

// readVisitor reads the request's login, which is a fact only behind the guard.
func readVisitor(r *http.Request) visitor {
	v := visitor{from: "an unknown address"}
	v.login, _, _ = r.BasicAuth()
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		v.from = ap.Addr().Unmap().String()
	}
	return v
}

// visitorOf is who passed the guard.
func visitorOf(ctx context.Context) visitor {
	v, _ := ctx.Value(visitorKey{}).(visitor)
	return v
}

// signed is the name that an operator gave, with what is known of them: the name is a claim, the
// login is not.
func (v visitor) signed(name string) string {
	return name + " (login " + v.login + ", " + v.from + ")"
}

// isCleanPath reports whether a path is as a browser sends it: clean, and without a separator or a
// dot in disguise.
func isCleanPath(r *http.Request) bool {
	escaped, plain := strings.ToLower(r.URL.EscapedPath()), r.URL.Path
	for _, disguise := range []string{"%2f", "%5c", "%2e", "%00"} {
		if strings.Contains(escaped, disguise) {
			return false
		}
	}
	return strings.HasPrefix(plain, "/") && !strings.Contains(plain, `\`) && (plain == path.Clean(plain) || plain == path.Clean(plain)+"/")
}

// isLocalHost reports whether a Host header names this machine: a page of another site whose name
// was made to lead here does not.
func isLocalHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// setSecurityHeaders sets what every response carries. Pages replace the policy by one that lets
// them load what they need.
func setSecurityHeaders(h http.Header) {
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
	_, _ = w.Write([]byte(why + "\n"))
}

// policy is a content security policy: nothing but these sources, and no page may frame ours.
func policy(sources ...string) string {
	return strings.Join(slices.Concat([]string{"default-src 'none'"}, sources, []string{"base-uri 'none'", "frame-ancestors 'none'"}), "; ")
}
