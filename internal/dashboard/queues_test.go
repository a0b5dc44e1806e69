package dashboard

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestTheQueuesPageLoadsNothingFromElsewhere(t *testing.T) {
	w := ask(t, New(options(t)), get("/dashboard/"))
	html := w.Body.String()
	if found := regexp.MustCompile(`(?:href|src)="(?:https?:)?//[^"]*"`).FindAllString(html, -1); len(found) > 0 {
		t.Errorf("it loads %q", found)
	}
	if strings.Contains(html, "manifest.json") {
		t.Error("it names a manifest, which browsers fetch without the login")
	}
	if !strings.Contains(html, `src="/dashboard/static/js/main.`) {
		t.Errorf("its own scripts are gone: %s", html)
	}
}

func TestTheQueuesPagesOwnScriptsAndStylesAreNamedToThePolicy(t *testing.T) {
	h := New(options(t))
	nonces := map[string]bool{}
	for range 3 {
		w := ask(t, h, get("/dashboard/queues/virtualpos"))
		html, csp := w.Body.String(), w.Header().Get("Content-Security-Policy")
		scripts := regexp.MustCompile(`(?s)<script>(.*?)</script>`).FindAllStringSubmatch(html, -1)
		if len(scripts) != 2 {
			t.Fatalf("%d inline scripts", len(scripts))
		}
		for _, s := range scripts {
			sum := sha256.Sum256([]byte(s[1]))
			if !strings.Contains(csp, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
				t.Errorf("the policy %q forbids %.40q", csp, s[1])
			}
		}
		nonce := regexp.MustCompile(`<meta property="csp-nonce" content="([A-Z2-7]{26})"/>`).FindStringSubmatch(html)
		if nonce == nil || !strings.Contains(csp, "style-src 'self' 'nonce-"+nonce[1]+"'") {
			t.Fatalf("the nonce %q is not that of %q", nonce, csp)
		}
		nonces[nonce[1]] = true
	}
	if len(nonces) != 3 {
		t.Error("a nonce came twice")
	}
}

func TestFilesOfTheQueuesPageHaveTheirTypes(t *testing.T) {
	h := New(options(t))
	page := ask(t, h, get("/dashboard/")).Body.String()
	script := regexp.MustCompile(`/dashboard/static/js/main\.[0-9a-f]+\.chunk\.js`).FindString(page)
	for path, kind := range map[string]string{
		"/dashboard/static/media/logo-color.c2b0c1f3.svg": "image/svg+xml", "/dashboard/favicon.ico": "image/x-icon",
		"/dashboard/favicon-32x32.png": "image/png", script: "application/javascript; charset=utf-8",
		"/dashboard/asset-manifest.json": "application/json; charset=utf-8", "/payments/style.css": "text/css; charset=utf-8",
		"/payments/icon.svg": "image/svg+xml",
	} {
		w := ask(t, h, get(path))
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != kind || w.Header().Get("Cache-Control") != "private, max-age=3600" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
}
