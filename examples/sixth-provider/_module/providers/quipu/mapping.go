package quipu

import (
	"errors"
	"net/http"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/wire"
)

// This file holds all that is assumed of Quipu.

// words are the statuses of a transfer.
var words = map[string]providers.Class{
	"processing": providers.Pending, "paid": providers.Succeeded, "rejected": providers.Refused,
}

// transfer is the body of a new one, in the documented order.
type transfer struct {
	Reference   string `json:"reference"`
	Amount      int64  `json:"amount"`
	Currency    string `json:"currency"`
	Description string `json:"description,omitempty"`
	Purpose     string `json:"purpose,omitempty"`
	Document    string `json:"document"`
	Name        string `json:"name"`
	Bank        string `json:"bank"`
	Account     string `json:"account"`
	CallbackURL string `json:"callback_url,omitempty"`
}

func encode(p providers.Payout, callback string) ([]byte, error) {
	amount, whole := p.Amount.WholeUnits()
	switch {
	case p.Amount.Currency() != "CLP" || !whole:
		return nil, errors.New("amount: must be whole CLP")
	case p.Reference == "" || p.Recipient.Document == "" || p.Recipient.Name == "" || p.Bank.Code == "" || p.Bank.AccountNumber == "":
		return nil, errors.New("merchant_id, recipient or bank: missing")
	}
	return wire.JSON(transfer{
		Reference: p.Reference, Amount: amount, Currency: "CLP", Description: p.Description,
		Purpose: providers.DetailsAs[Details](p.Details).Purpose, Document: p.Recipient.Document, Name: p.Recipient.Name,
		Bank: p.Bank.Code, Account: p.Bank.AccountNumber, CallbackURL: callback,
	})
}

// mappingContext is what the mappings know beside the reply.
type mappingContext struct {
	now       time.Time
	reference string
	hide      []string
}

func (c *Client) mappingContext(reference string, p *providers.Payout) mappingContext {
	w := mappingContext{now: c.config.Auth.Now(), reference: reference, hide: []string{c.config.ClientSecret.Reveal(), c.config.WebhookSecret.Reveal()}}
	if p != nil {
		w.hide = append(w.hide, p.PrivateTexts()...)
	}
	return w
}

// response is what could be read of a response: a transfer, or a refusal.
type response struct {
	id, word, reference, amount, currency, document, bank, account string
	code, message                                                  string
	// readable: the response is an object, and every field that is read has its type. namesPayment:
	// it names a transfer, whether or not that can be read: then it refuses nothing.
	readable, namesPayment bool
}

func parse(body []byte) response {
	o, ok := wire.ReadObject(body)
	e := o.Object("error")
	a := response{
		id: o.Text("id"), word: o.Text("status"), reference: o.Text("reference"), amount: o.TextOrNumber("amount"), currency: o.Text("currency"),
		document: o.Text("document"), bank: o.Text("bank"), account: o.Text("account"), code: e.Text("code"), message: e.Text("message"),
	}
	a.readable = ok && !o.Bad()
	a.namesPayment = o.Fields["id"] != nil || o.Fields["status"] != nil || wire.HasDuplicateNames(body)
	return a
}

// mapPayout says what a new transfer came to. An error means that Quipu cannot have acted; its last
// line is in doubt.
func mapPayout(r wire.Reply, err error, with mappingContext) (providers.Outcome, error) {
	if err != nil {
		return wire.OutcomeOfFailure(err)
	}
	a := parse(r.Body)
	class, known := words[a.word]
	switch {
	case r.Status == http.StatusTooManyRequests && !a.namesPayment:
		return providers.Outcome{}, r.Throttled(with.now)
	case r.Status == http.StatusUnprocessableEntity && a.readable && a.code != "" && !a.namesPayment:
		return with.outcome(a, providers.Refused, a.code), nil
	case r.Status == http.StatusConflict && a.readable && a.code != "" && !a.namesPayment:
		return with.outcome(a, providers.Duplicate, a.code), nil
	case r.Success() && a.readable && a.code == "" && known && class == providers.Refused:
		return with.outcome(a, providers.Pending, a.word), nil // accepted only once status queries say so, twice
	case r.Success() && a.readable && a.code == "" && known:
		return with.outcome(a, class, a.word), nil
	case r.Success() && a.readable && a.word != "":
		return with.outcome(a, providers.InDoubt, "unknown_status"), nil
	}
	return with.outcome(a, providers.InDoubt, r.Code()), nil
}

// mapStatus says what a status query came to. An error means that there is no status result.
func mapStatus(r wire.Reply, err error, with mappingContext) (providers.Outcome, error) {
	if err != nil {
		return providers.Outcome{}, wire.NoStatusAnswer(err)
	}
	a := parse(r.Body)
	class, known := words[a.word]
	switch {
	case r.Status == http.StatusTooManyRequests && !a.namesPayment:
		return providers.Outcome{}, r.Throttled(with.now)
	case r.Status == http.StatusNotFound && a.readable && a.code == "transfer_not_found" && !a.namesPayment:
		return with.outcome(a, providers.NotFound, a.code), nil
	case !r.Success() || !a.readable || a.id == "" || a.word == "":
		return providers.Outcome{}, errors.New("no answer: " + r.Code())
	case a.code == "" && known:
		return with.outcome(a, class, a.word), nil
	}
	return with.outcome(a, providers.InDoubt, "unknown_status"), nil
}

func (w mappingContext) outcome(a response, class providers.Class, code string) providers.Outcome {
	o := providers.Outcome{
		Class: class, ProviderID: a.id, Code: providers.Code(code, w.hide...), Message: providers.Message(a.message, w.hide...),
		Echo: providers.Echo{Amount: a.amount, Currency: a.currency, Reference: a.reference, Beneficiary: a.document},
	}
	o.Echo.Complete = a.reference != "" && a.amount != "" && a.currency != "" && a.document != "" && a.bank != "" && a.account != ""
	if class == providers.Refused && a.reference != "" && a.reference != w.reference {
		o.Class, o.Code = providers.InDoubt, "other_reference"
	}
	return o
}

// tokenRefused reads a response that refuses the token before it reads anything else.
func tokenRefused(r wire.Reply) auth.Refusal {
	if r.Status != http.StatusUnauthorized || parse(r.Body).namesPayment {
		return auth.Refusal{}
	}
	return auth.Refusal{Code: r.Code()}
}
