// Package payment is the work of every contender: one payout's line, and the one POST by which
// remesa sends it to VirtualPOS.
package payment

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// Line is a payout as a producer writes it, about 600 bytes, without the newline. Payouts of one
// run have different numbers.
func Line(run string, number int) []byte {
	return fmt.Appendf(nil, `{"type":"payout","provider":"virtualpos","merchant_id":"%s","amount":"12500","currency":"CLP",`+
		`"description":"Devolución OC %08d, cuota 2 de 3",`+
		`"recipient":{"document":"12345678-5","name":"Ana María Soto Valenzuela","email":"ana.soto.valenzuela@correo.example"},`+
		`"bank":{"code":"012","account_number":"000012345678"},"metadata":{"invoice":"F-2026-%08d","cost_center":"4410-tesoreria",`+
		`"batch":"nomina-2026-11","order":"OC-2026-00042177","note":"aprobado por finanzas el 2026-11-26, segunda cuota del convenio"}}`, Reference(run, number), number, number)
}

// Reference is the merchant id of a payout.
func Reference(run string, number int) string { return run + "-" + strconv.Itoa(10_000_000+number) }

// WriteLines writes a file of lines and returns its name.
func WriteLines(name, run string, n int) error {
	f, err := os.Create(name) // #nosec G304 -- a name of the measurement itself
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for i := range n {
		b.Write(Line(run, i))
		b.WriteByte('\n')
		if b.Len() > 1<<20 || i == n-1 {
			if _, err := b.WriteTo(f); err != nil {
				return err
			}
		}
	}
	return f.Close()
}

// Payout is a line, read.
type Payout struct {
	Provider    string            `json:"provider"`
	MerchantID  string            `json:"merchant_id"`
	Amount      string            `json:"amount"`
	Currency    string            `json:"currency"`
	Description string            `json:"description"`
	Recipient   Recipient         `json:"recipient"`
	Bank        Bank              `json:"bank"`
	Metadata    map[string]string `json:"metadata"`
}

// Recipient is who gets the money.
type Recipient struct {
	Document string `json:"document"`
	Name     string `json:"name"`
	Email    string `json:"email"`
}

// Bank is where the money goes.
type Bank struct {
	Code          string `json:"code"`
	AccountNumber string `json:"account_number"`
}

// tef is the request's object, as remesa sends it.
type tef struct {
	MerchantID string `json:"merchant_id"`
	Message    string `json:"message"`
	Amount     int64  `json:"amount"`
	Recipient  struct {
		RUT   string `json:"rut"`
		Name  string `json:"name"`
		Email string `json:"email"`
	} `json:"recipient"`
	Bank struct {
		SBIFCode      string `json:"sbif_code"`
		AccountNumber string `json:"account_number"`
	} `json:"bank"`
}

// signature stands for the JWT that remesa makes of each payout. The contenders send a constant of
// its length, which spares them the work.
var signature = strings.Repeat("s", 560)

// Client sends payouts over kept connections.
type Client struct {
	url  string
	http *http.Client
}

// NewClient keeps as many connections as there may be payouts in flight.
func NewClient(base string, inFlight int) *Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	return &Client{url: base + "/v3/payout", http: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		DialContext: dialer.DialContext, MaxIdleConns: 2 * inFlight, MaxIdleConnsPerHost: 2 * inFlight, IdleConnTimeout: time.Minute,
	}}}
}

// Pay reads a line, sends its POST and returns the provider's id.
func (c *Client) Pay(ctx context.Context, line []byte) (id string, err error) {
	var p Payout
	if err := json.Unmarshal(line, &p); err != nil {
		return "", err
	}
	return c.Send(ctx, &p)
}

// Send is Pay of a payout that was read already.
func (c *Client) Send(ctx context.Context, p *Payout) (id string, err error) {
	body, err := encode(p)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "sandbox-api-key")
	req.Header.Set("Signature", signature)
	resp, err := c.http.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	var reply struct {
		Status string `json:"status"`
		Payout struct {
			ID     string `json:"id"`
			Status string `json:"status"`
		} `json:"payout"`
	}
	if err := json.Unmarshal(text, &reply); err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK || reply.Status != "OK" || reply.Payout.Status != "pagado" {
		return "", fmt.Errorf("payout refused: %s", resp.Status)
	}
	return reply.Payout.ID, nil
}

func encode(p *Payout) ([]byte, error) {
	amount, err := strconv.ParseInt(p.Amount, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("amount: %w", err)
	}
	t := tef{MerchantID: p.MerchantID, Message: p.Description, Amount: amount}
	t.Recipient.RUT, t.Recipient.Name, t.Recipient.Email = p.Recipient.Document, p.Recipient.Name, p.Recipient.Email
	t.Bank.SBIFCode, t.Bank.AccountNumber = p.Bank.Code, p.Bank.AccountNumber
	return json.Marshal(struct {
		Tef tef `json:"tef"`
	}{t})
}

// Job is a payout as River's jobs carry it.
type Job struct {
	Payout
}

// Kind names the jobs.
func (Job) Kind() string { return "payout" }
