package tasks

import (
	"github.com/remesa/remesa/internal/strictjson"
	"github.com/remesa/remesa/providers"
)

// The check for card numbers and security codes. It reads every text, number and name of a task,
// metadata included, before any other check, so that no error can repeat one. Package providers
// defines what looks like one, and redacts the same in responses of providers. No filter finds
// everything: docs/tasks.md says what passes.

const noCards = "looks like a card number or a security code, which never travels in a task; use the provider's token"

// Fields that hold something else although it may look like a card number: account numbers have up
// to 20 digits and no common form, and an amount has up to 13 digits. Phones and document numbers
// need no exemption, as none of them has 13 digits.
var mayLookLikeCard = map[string]bool{"bank.account_number": true, "amount": true}

// Fields that hold an id: in them, digits beside a card number count as part of it, or too many ids
// would be refused by chance. A card's token is not among them: a careless program puts the card
// number in its place.
var idFields = newIDFields()

func newIDFields() map[string]bool {
	ids := map[string]bool{"merchant_id": true, "txnid": true, "reference": true, "id": true, "account": true}
	for _, all := range byProvider {
		for _, r := range all {
			for _, f := range r.Fields {
				ids[f.Path] = ids[f.Path] || f.ID
			}
		}
	}
	return ids
}

// rejectCardData refuses a value, or anything in it, that looks like a card number or a security
// code.
func rejectCardData(path string, n node) error {
	if n.Text != "" && suspicious(path, n.Text) {
		return fieldError(path, noCards)
	}
	for _, m := range n.Members {
		if providers.NamesCardData(m.Name) || suspicious("", m.Name) {
			return fieldError(strictjson.Join(path, m.Name), noCards)
		}
		if plain(m.Value) && !holdsCardData(m.Value.Text) {
			continue // most values are: their paths need not be written
		}
		if err := rejectCardData(strictjson.Join(path, m.Name), m.Value); err != nil {
			return err
		}
	}
	for i, item := range n.Items {
		if err := rejectCardData(strictjson.Element(path, i), item); err != nil {
			return err
		}
	}
	return nil
}

// suspicious reports whether a text looks like card data, by the rules of its field.
func suspicious(path, text string) bool {
	if mayLookLikeCard[path] {
		return false
	}
	if idFields[path] {
		return providers.CardInID(text) || providers.SecurityCodeInText(text)
	}
	return holdsCardData(text)
}

func holdsCardData(text string) bool {
	return providers.CardInText(text) || providers.SecurityCodeInText(text)
}

// plain reports whether a value has nothing in it.
func plain(n node) bool { return len(n.Members) == 0 && len(n.Items) == 0 }
