package wire

import (
	"context"
	"net/http"
	"testing"
)

// The last status is that of the last request, also where its response cannot be used: a request
// without a response leaves none behind, whatever came before it.
func TestTheLastStatusIsThatOfTheLastRequest(t *testing.T) {
	t.Parallel()
	p := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cut" {
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
	var status LastStatus
	ctx := WithLastStatus(t.Context(), &status)
	c := client(t, Options{})
	for _, row := range []struct {
		url  string
		want int64
	}{{p.URL, 202}, {httpURLOfNobody(t), 0}, {p.URL + "/cut", 502}, {p.URL, 202}, {"http://\x7f", 0}} {
		_, _ = c.Do(ctx, post(row.url))
		if got := status.Load(); got != row.want {
			t.Errorf("after %s: %d, want %d", row.url, got, row.want)
		}
	}
	if _, err := c.Do(context.WithoutCancel(t.Context()), post(p.URL)); err != nil {
		t.Error("nobody asks for the status:", err)
	}
}
