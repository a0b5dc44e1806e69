package tasks

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/remesa/remesa/internal/strictjson"
)

// A task's fields are read from the tree that the strict reader made, not from the text a second
// time: what was checked is what is read, by the rules of encoding/json.

// object is where the members of an object are read into.
type object interface {
	// at is a pointer to the field with a name, another object, or nil where there is none.
	at(name string) any
}

func (p *Payout) at(name string) any {
	switch name {
	case "provider":
		return &p.Provider
	case "merchant_id":
		return &p.MerchantID
	case "amount":
		return &p.Amount
	case "currency":
		return &p.Currency
	case "description":
		return &p.Description
	case "recipient":
		return recipient{&p.Recipient}
	case "bank":
		return bank{&p.Bank}
	}
	return p.Common.at(name)
}

func (c *Charge) at(name string) any {
	switch name {
	case "provider":
		return &c.Provider
	case "txnid":
		return &c.TxnID
	case "amount":
		return &c.Amount
	case "currency":
		return &c.Currency
	case "description":
		return &c.Description
	case "customer":
		return customer{&c.Customer}
	case "card":
		return &c.Card
	case "agreement":
		return &c.Agreement
	}
	return c.Common.at(name)
}

func (c *Common) at(name string) any {
	switch name {
	case "account":
		return &c.Account
	case "not_before":
		return &c.NotBefore
	case "deadline":
		return &c.Deadline
	case "priority":
		return &c.Priority
	case "metadata":
		return &c.Metadata
	}
	return nil
}

type recipient struct{ *Recipient }

func (r recipient) at(name string) any {
	switch name {
	case "document":
		return &r.Document
	case "name":
		return &r.Name
	case "email":
		return &r.Email
	}
	return nil
}

type bank struct{ *Bank }

func (b bank) at(name string) any {
	switch name {
	case "code":
		return &b.Code
	case "account_number":
		return &b.AccountNumber
	case "account_type":
		return &b.AccountType
	}
	return nil
}

type customer struct{ *Customer }

func (c customer) at(name string) any {
	switch name {
	case "id":
		return &c.ID
	case "name":
		return &c.Name
	case "email":
		return &c.Email
	case "billing_email":
		return &c.BillingEmail
	case "document_type":
		return &c.DocumentType
	case "document":
		return &c.Document
	case "phone":
		return &c.Phone
	case "address":
		return &c.Address
	case "city":
		return &c.City
	case "first_names":
		return &c.FirstNames
	case "last_names":
		return &c.LastNames
	}
	return nil
}

func (c *Card) at(name string) any {
	switch name {
	case "token":
		return &c.Token
	case "brand":
		return &c.Brand
	case "expiry_month":
		return &c.ExpiryMonth
	case "expiry_year":
		return &c.ExpiryYear
	case "installments":
		return &c.Installments
	}
	return nil
}

// read reads a value into what at returned; false where it is of another kind.
func read(v node, into any) bool {
	if into == nil || v.Kind == strictjson.Null {
		return true
	}
	switch into := into.(type) {
	case *string:
		*into = v.Text
		return v.Kind == strictjson.String
	case *Token:
		*into = Token(v.Text)
		return v.Kind == strictjson.String
	case *Priority:
		*into = Priority(v.Text)
		return v.Kind == strictjson.String
	case *int:
		n, err := strconv.Atoi(v.Text)
		*into = n
		return v.Kind == strictjson.Number && err == nil
	case *time.Time:
		return v.Kind == strictjson.String && into.UnmarshalText([]byte(v.Text)) == nil
	case *map[string]string:
		*into = make(map[string]string, len(v.Members))
		return v.Kind == strictjson.Object && readTexts(v, *into)
	case object:
		return v.Kind == strictjson.Object && readMembers(v, into)
	}
	return false
}

func readMembers(v node, into object) bool {
	for i := range v.Members {
		if m := &v.Members[i]; !read(m.Value, into.at(m.Name)) {
			return false
		}
	}
	return true
}

func readTexts(v node, into map[string]string) bool {
	for i := range v.Members {
		m := &v.Members[i]
		into[m.Name] = m.Value.Text
		if m.Value.Kind != strictjson.String {
			return false
		}
	}
	return true
}

// readTree reads all fields but the details; ok is false where encoding/json must read the line,
// and says what is wrong with it: where a value is not of its field's kind, and where the line has
// an escape, which a time must not have.
func readTree(line []byte, root node, into object) (ok bool) {
	return bytes.IndexByte(line, '\\') < 0 && readMembers(root, into)
}

// readDetails reads the details of a task that has any.
func readDetails(line []byte, root node, into *Details) error {
	if _, given := root.Member("details"); !given {
		return nil
	}
	only := struct {
		Details Details `json:"details"`
	}{*into}
	err := json.Unmarshal(line, &only)
	*into = only.Details
	return err
}

// keep gives the texts of a task's key memory of their own, as keys outlive tasks: the others share
// the line's.
func keep(key ...*string) {
	for _, text := range key {
		*text = strings.Clone(*text)
	}
}
