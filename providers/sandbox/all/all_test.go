package all_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/providers/sandbox/all"
)

func TestEachProviderIsServedBelowItsName(t *testing.T) {
	t.Parallel()
	s := all.New(all.Options{})
	names := catalog.Names()
	if n := len(s.Providers()); n != len(names) {
		t.Errorf("%d simulators of %d providers", n, len(names))
	}
	const url = "http://127.0.0.1:9090"
	for _, name := range names {
		p := s.Find(name)
		if p == nil || !slices.Contains(s.Providers(), p) {
			t.Errorf("%s has no simulator in the list", name)
			continue
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/"+name+"/_book", nil))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"executions":[]`) {
			t.Errorf("%s: the book was answered %d %s", name, w.Code, w.Body)
		}
		found := false
		for _, setting := range p.Settings(url) {
			found = found || setting.Value == url+"/"+name
			if !strings.HasPrefix(setting.Name, "REMESA_"+strings.ToUpper(name)+"_") || setting.Value == "" {
				t.Errorf("%s has the setting %+v", name, setting)
			}
		}
		if !found {
			t.Errorf("%s: no setting says where it is", name)
		}
	}
	if s.Find("nobody") != nil {
		t.Error("an unknown provider was found")
	}
}
