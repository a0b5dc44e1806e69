package payouts

import (
	"errors"
	"slices"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/etpay/internal/dialect"
	"github.com/remesa/remesa/providers/wire"
)

// order is the assumed object of a new payout.
type order struct {
	OrderID     string  `json:"merchant_order_id"`
	Amount      int64   `json:"amount"`
	Currency    string  `json:"currency"`
	Description string  `json:"description,omitempty"`
	Account     account `json:"account"`
}

type account struct {
	RUT      string `json:"rut"`
	Name     string `json:"name"`
	Email    string `json:"email,omitempty"`
	BankCode string `json:"bank_code"`
	Type     string `json:"type"`
	Number   string `json:"number"`
}

// accountTypes are those of Chilean banks: checking, sight (CuentaRUT among them) and savings.
var accountTypes = []string{"corriente", "vista", "ahorro"}

func encodePayout(p providers.Payout) ([]byte, error) {
	amount, whole := p.Amount.WholeUnits()
	switch {
	case p.Amount.Currency() != "CLP" || !whole:
		return nil, errors.New("amount: must be whole CLP")
	case !dialect.OrderID(p.Reference):
		return nil, errors.New("merchant_id: " + dialect.OrderIDForm)
	case p.Recipient.Document == "" || p.Recipient.Name == "":
		return nil, errors.New("recipient: document or name missing")
	case p.Bank.Code == "" || p.Bank.AccountNumber == "":
		return nil, errors.New("bank: code or account_number missing")
	case !slices.Contains(accountTypes, p.Bank.AccountType):
		return nil, errors.New("bank.account_type: must be corriente, vista or ahorro")
	}
	return wire.JSON(order{
		OrderID: p.Reference, Amount: amount, Currency: "CLP", Description: p.Description,
		Account: account{
			RUT: dialect.BareRUT(p.Recipient.Document), Name: p.Recipient.Name, Email: p.Recipient.Email,
			BankCode: p.Bank.Code, Type: p.Bank.AccountType, Number: p.Bank.AccountNumber,
		},
	})
}
