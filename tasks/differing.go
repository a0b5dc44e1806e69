package tasks

import (
	"encoding/json"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// DifferingField names the field in which a payload that Decode refuses differs from what was
// registered; empty where it cannot be told, because it is no JSON or lacks the field. Only one
// currency goes with each provider and type, so that a changed one is never decoded: it is found
// here.
func DifferingField(payload []byte, r idempotency.Registration) string {
	var said struct {
		Type, Provider, Account, Amount, Currency string
		MerchantID                                string `json:"merchant_id"`
		TxnID                                     string
	}
	if json.Unmarshal(payload, &said) != nil {
		return ""
	}
	differs := func(text, registered string) bool { return text != "" && text != registered }
	amount, err := providers.ParseMoney(said.Amount, r.Currency)
	registered, unknown := providers.ParseMoney(r.Amount, r.Currency)
	switch {
	case differs(said.Provider, r.Key.Provider), differs(said.Account, r.Key.Account),
		differs(said.MerchantID, r.Key.Reference), differs(said.TxnID, r.Key.Reference):
		return "key"
	case differs(said.Type, r.Type):
		return "type"
	case differs(said.Currency, r.Currency):
		return "currency"
	case unknown == nil && said.Amount != "" && (err != nil || !amount.Equal(registered)):
		return "amount"
	}
	return ""
}
