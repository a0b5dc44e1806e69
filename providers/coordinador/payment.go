package coordinador

import (
	"encoding/json"
	"errors"
	"net/url"
	"time"

	"github.com/remesa/remesa/providers"
)

// registration is the documented object, in the documented order.
type registration struct {
	Debtor          int64      `json:"debtor"`
	Creditor        int64      `json:"creditor"`
	Amount          int64      `json:"amount"`
	PaymentDate     string     `json:"payment_dt"`
	TransactionType int        `json:"transaction_type"`
	ActualCollector string     `json:"actual_collector"`
	Instructions    [][2]int64 `json:"instruction_amount_tuples"`
	DTEs            []int64    `json:"dtes"`
	ERPA            string     `json:"erp_a"`
	ERPB            string     `json:"erp_b"`
}

// bankTransfer is the transaction type that the portal's known clients send for a transfer.
const bankTransfer = 3

// newRegistration puts the gross amount in both places and our reference into erp_a. Its error says
// which field cannot be expressed.
func newRegistration(p providers.Payout) (registration, error) {
	amount, isWhole := p.Amount.WholeUnits()
	if p.Amount.Currency() != "CLP" || !isWhole {
		return registration{}, errors.New("amount: must be whole CLP")
	}
	d := providers.DetailsAs[Details](p.Details)
	if err := check(d); err != nil {
		return registration{}, err
	}
	return registration{
		Debtor: d.Debtor, Creditor: d.Creditor, Amount: amount, PaymentDate: d.PaidOn, TransactionType: bankTransfer,
		Instructions: [][2]int64{{d.Instruction, amount}}, DTEs: append([]int64{}, d.DTEs...), ERPA: p.Reference,
	}, nil
}

func check(d Details) error {
	if d.IsZero() {
		return errors.New("details: must be an object with debtor, creditor, instruction and paid_on")
	}
	for _, id := range []struct {
		name  string
		value int64
	}{{"debtor", d.Debtor}, {"creditor", d.Creditor}, {"instruction", d.Instruction}} {
		if id.value <= 0 {
			return errors.New("details." + id.name + ": must be the portal's id, a whole number above zero")
		}
	}
	if _, err := time.Parse(time.DateOnly, d.PaidOn); err != nil {
		return errors.New("details.paid_on: must be the bank's date, YYYY-MM-DD")
	}
	return nil
}

func (r registration) instruction() int64 { return r.Instructions[0][0] }

// form is the body: one field, whose value is a JSON text.
func (r registration) form() ([]byte, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return []byte("data=" + url.QueryEscape(string(data))), nil
}
