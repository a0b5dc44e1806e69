package tasks

import (
	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/strictjson"
)

// keyOf reads the payment's key from a task that is otherwise wrong, so that its producer finds it
// again; the zero Key where it cannot be read for certain. Nothing that looks like a card number
// becomes a key.
func keyOf(as string, line []byte) idempotency.Key {
	root, err := parseAs(as, line)
	if err != nil {
		return idempotency.Key{}
	}
	return keyIn(root)
}

// keyIn reads the key from the parsed task; see keyOf.
func keyIn(root node) idempotency.Key {
	kind, _, err := chooseRules(root)
	if err != nil {
		return idempotency.Key{}
	}
	name := referenceNames[kind]
	provider, _ := root.Member("provider")
	reference, _ := root.Member(name)
	account, named := root.Member("account")
	if !named {
		account = node{Kind: strictjson.String, Text: DefaultAccount}
	}
	k := idempotency.Key{Provider: provider.Text, Account: account.Text, Reference: reference.Text}
	if reference.Kind != strictjson.String || account.Kind != strictjson.String || k.Validate() != nil {
		return idempotency.Key{}
	}
	return k
}
