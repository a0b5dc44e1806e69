package tasks

import "github.com/remesa/remesa/idempotency"

// keyOf reads the payment's key from a task that is otherwise wrong, so that people find it again; the zero Key where it cannot be read
// for certain. Nothing that looks like a card number becomes a key.
func keyOf(line []byte) idempotency.Key {
	root, err := parse(line)
	if err != nil || guard("", root) != nil {
		return idempotency.Key{}
	}
	kind, _, err := chooseRules(root)
	if err != nil {
		return idempotency.Key{}
	}
	name := referenceNames[kind]
	provider, _ := root.member("provider")
	reference, _ := root.member(name)
	account, named := root.member("account")
	if !named {
		account = node{kind: isString, text: DefaultAccount}
	}
	k := idempotency.Key{Provider: provider.text, Account: account.text, Reference: reference.text}
	if reference.kind != isString || account.kind != isString || k.Validate() != nil {
		return idempotency.Key{}
	}
	return k
}
