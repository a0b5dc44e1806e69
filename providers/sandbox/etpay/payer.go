package etpay

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/remesa/remesa/providers/sandbox"
)

// page is where a payer is sent.
func (e *simulator) page(w http.ResponseWriter, r *http.Request) {
	s, found := e.session(r.PathValue("token"))
	if !found {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprintf(w, `<!doctype html><title>ETpay</title><p>%s CLP</p><form method="post">
<button name="result" value="success">pay</button><button name="result" value="error">fail</button>
<button name="result" value="cancelled">cancel</button></form>`, s.order.Amount)
}

// payerActs is a payer who pays, fails to pay or cancels. The response has what the browser's
// widget would be given, and what the merchant's webhook said to the same.
func (e *simulator) payerActs(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	s, found := e.session(r.PathValue("token"))
	result := r.PostFormValue("result")
	switch {
	case !found:
		http.NotFound(w, r)
		return
	case result != "success" && result != "error" && result != "cancelled":
		http.Error(w, "result: not success, error or cancelled", http.StatusBadRequest)
		return
	}
	token := e.claim(s, e.bookPayment(s, result), result)
	sandbox.WriteJSON(w, http.StatusOK, map[string]any{"payment": token, "webhook": sendWebhook(r.Context(), s.webhook, token)})
}

// bookPayment books what the payer did and returns its payment token.
func (e *simulator) bookPayment(s session, result string) string {
	effect := sandbox.MovesNow
	if result != "success" {
		effect = sandbox.MovesNever
	}
	id := e.core.Take(s.order, sandbox.Behaviour{Effect: effect}, sandbox.Fault{}).ID
	e.mu.Lock()
	defer e.mu.Unlock()
	if kept := e.sessions[s.token]; kept != nil {
		kept.payments = append(kept.payments, id)
	}
	return id
}

func (e *simulator) session(token string) (session, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s := e.sessions[token]; s != nil {
		return *s, true
	}
	return session{}, false
}

// claim is the JWT about a payment, signed with its session's key.
func (e *simulator) claim(s session, payment, result string) string {
	payload := fmt.Sprintf(`{"session_token":%q,"payment_token":%q,"payment_status":%q,"user_rut":%q,"iat":%d}`,
		s.token, payment, result, s.order.Beneficiary, e.core.Now().Unix())
	text := jwtSegment(`{"alg":"HS256","typ":"JWT"}`) + "." + jwtSegment(payload)
	mac := hmac.New(sha256.New, []byte(s.signature))
	mac.Write([]byte(text))
	return text + "." + jwtSegment(string(mac.Sum(nil)))
}

func jwtSegment(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// sendWebhook posts to a webhook on this machine and returns its status; 0 where there is none, or
// it cannot be reached.
func sendWebhook(ctx context.Context, address, token string) int {
	u, err := url.Parse(address)
	if err != nil || !onThisMachine(u.Hostname()) {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	body := bytes.NewReader([]byte(`{"payment":"` + token + `"}`))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), body)
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultTransport.RoundTrip(r) // no redirect is followed
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
