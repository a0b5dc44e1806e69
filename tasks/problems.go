package tasks

import (
	"errors"
	"slices"

	"github.com/remesa/remesa/internal/strictjson"
	"github.com/remesa/remesa/providers/fields"
)

// mostProblems bounds what Problems lists of one object.
const mostProblems = 50

// Problems lists what DecodeAs minds in a task, its own error first, and nothing where it minds
// nothing: a form shows them all at once.
func Problems(kind string, line []byte) []*FieldError {
	_, err := DecodeAs(kind, line)
	if err == nil {
		return nil
	}
	root, unread := parseAs(kind, line)
	if unread != nil {
		return listed(err, nil, root)
	}
	named, r, unread := chooseRules(root)
	switch {
	case unread != nil:
		return listed(err, nil, root)
	case named == typeStatus:
		return listed(err, r.status, root)
	default:
		return listed(err, r.payment, root)
	}
}

// SubscriptionProblems is Problems for a subscription, as DecodeSubscription reads it.
func SubscriptionProblems(line []byte) []*FieldError {
	_, err := DecodeSubscription(line)
	if err == nil {
		return nil
	}
	root, unread := parseNew(line)
	if unread != nil {
		return listed(err, nil, root)
	}
	provider, unread := oneOf(root, "provider", charging())
	if unread != nil {
		return listed(err, nil, root)
	}
	return listed(err, subscriptionShapes[provider], root)
}

// listed is the error, and behind it what else a table minds; without a table the error alone.
func listed(err error, s *shape, root node) []*FieldError {
	first, ok := errors.AsType[*FieldError](err)
	if !ok {
		first = &FieldError{Path: strictjson.Line, Problem: "cannot be read"}
	}
	all := []*FieldError{first}
	if s == nil {
		return all
	}
	for problem := range s.schema.Problems("", root) {
		e, ok := errors.AsType[*FieldError](asFieldError(problem))
		if ok && *e != *first {
			all = append(all, e)
		}
		if len(all) == mostProblems {
			break
		}
	}
	return all
}

// Table lists the fields of a task of one type, "payout", "charge" or "status", at a provider;
// nothing where the provider does not take it. Of type, provider, amount and currency it says no
// more than that they are texts.
func Table(provider, kind string) []fields.Field {
	if len(byProvider[provider]) == 0 {
		return nil
	}
	r, ok := rulesFor(provider, kind)
	switch {
	case !ok:
		return nil
	case kind == typeStatus:
		return slices.Clone(r.status.fields)
	default:
		return slices.Clone(r.payment.fields)
	}
}

// SubscriptionTable is Table for a subscription; nothing where the provider takes no charges.
func SubscriptionTable(provider string) []fields.Field {
	s := subscriptionShapes[provider]
	if s == nil {
		return nil
	}
	return slices.Clone(s.fields)
}
