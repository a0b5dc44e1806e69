package all_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/sandbox/all"
)

func TestEachProviderIsServedBelowItsName(t *testing.T) {
	t.Parallel()
	s := all.New(all.Options{})
	names := []string{providers.VirtualPOS, providers.PagoSeguro, providers.Coordinador, providers.PagandoCheck, providers.ETpay}
	if n := len(s.Providers()); n != len(names) {
		t.Errorf("%d providers, want %d", n, len(names))
	}
	const url = "http://127.0.0.1:9090"
	for i, name := range names {
		p := s.Find(name)
		if p == nil || s.Providers()[i] != p {
			t.Fatalf("%s is not provider %d of the list", name, i)
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
