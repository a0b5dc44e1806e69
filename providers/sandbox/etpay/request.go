package etpay

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"github.com/remesa/remesa/providers/sandbox"
)

// sentOrder is session/initialize's body. Decoding refuses every other field and every wrong type.
type sentOrder struct {
	MerchantCode     string          `json:"merchant_code"`
	MerchantAPIToken string          `json:"merchant_api_token"`
	OrderID          string          `json:"merchant_order_id"`
	Amount           json.RawMessage `json:"order_amount"`
	CustomerEmail    string          `json:"customer_email"`
	Metadata         []namedText     `json:"metadata"`
	BankCode         string          `json:"user_bank_code"`
	RUT              string          `json:"user_rut"`
	RUTBlock         *bool           `json:"is_rut_block"`
	CompletedURL     string          `json:"payment_completed_url"`
	CancellationURL  string          `json:"payment_cancellation_url"`
	WebhookURL       string          `json:"payment_webhook_url"`
	Concat           string          `json:"concat"`
}

type namedText struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Show  *bool  `json:"show"`
}

// sentStatusRequest is check_payment_status's body.
type sentStatusRequest struct {
	MerchantCode     string `json:"merchant_code"`
	MerchantAPIToken string `json:"merchant_api_token"`
	PaymentToken     string `json:"payment_token"`
	OrderID          string `json:"merchant_order_id"`
	SessionToken     string `json:"session_token"`
}

var (
	orderID = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$`)
	rut     = regexp.MustCompile(`^[0-9]{5,8}[0-9K]$`)
)

var banks = []string{
	"", "cl_estado", "cl_santander", "cl_bch", "cl_bci", "cl_falabella", "cl_itau", "cl_scotiabank", "cl_mach", "cl_test",
}

func (o sentOrder) check(r *http.Request) string {
	switch {
	case r.Header.Get("Authorization") != "":
		return "there is no Authorization header here"
	case !orderID.MatchString(o.OrderID):
		return "merchant_order_id: not the form of OC-700104, or longer than 64"
	case !sandbox.WholeNumber(string(o.Amount)):
		return "order_amount: not a whole number"
	case o.RUT != "" && !rut.MatchString(o.RUT):
		return "user_rut: not digits without dots and dash"
	case o.RUT == "" && o.RUTBlock != nil:
		return "is_rut_block: without user_rut"
	case !slices.Contains(banks, o.BankCode):
		return "user_bank_code: unknown"
	case slices.ContainsFunc(o.Metadata, func(m namedText) bool { return m.Name == "" || m.Show == nil }):
		return "metadata: an element without name or show"
	case o.CompletedURL != "" && !isURL(o.CompletedURL) || o.CancellationURL != "" && !isURL(o.CancellationURL):
		return "payment_completed_url or payment_cancellation_url: not a URL"
	case o.WebhookURL != "" && !isURL(o.WebhookURL):
		return "payment_webhook_url: not a URL"
	}
	return ""
}

func isURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

func (o sentOrder) order() sandbox.Order {
	return sandbox.Order{Execution: sandbox.Execution{Reference: o.OrderID, Amount: string(o.Amount), Currency: "CLP", Beneficiary: o.RUT}}
}
