package tasks

import (
	"io"

	"github.com/remesa/remesa/internal/strictjson"
	"github.com/remesa/remesa/providers/fields"
)

// SubscriptionLine is one subscription of a file, or what is wrong with it.
type SubscriptionLine struct {
	// Number is the line, counted from 1.
	Number int
	// ID is the subscription's, of a wrong line too where it can be read; else empty.
	ID           string
	Subscription Subscription
	// Err is a *FieldError; the lines behind a wrong one are read all the same.
	Err error
}

// SubscriptionReader reads subscriptions one by one in bounded memory, however long the file or one
// of its lines is.
type SubscriptionReader struct {
	lines *strictjson.Lines
}

// NewSubscriptionReader reads JSON Lines. A byte order mark at the start, blank lines and CRLF are
// no errors.
func NewSubscriptionReader(r io.Reader) *SubscriptionReader {
	return &SubscriptionReader{strictjson.NewLines(r)}
}

// Next returns the next subscription or what is wrong with it; io.EOF at the end, ErrCut where that
// is no end, and the reader's own error where the file cannot be read on.
func (r *SubscriptionReader) Next() (SubscriptionLine, error) {
	number, text, err := r.lines.Next()
	if err != nil {
		return SubscriptionLine{}, err
	}
	s, err := DecodeSubscription(text)
	if err != nil {
		return SubscriptionLine{Number: number, ID: subscriptionID(text), Err: err}, nil
	}
	return SubscriptionLine{Number: number, ID: s.ID(), Subscription: s}, nil
}

// subscriptionID reads the id of a subscription that is otherwise wrong. Nothing that looks like a
// card number is an id.
func subscriptionID(line []byte) string {
	root, err := parse(line)
	if err != nil || rejectCardData("", root) != nil {
		return ""
	}
	n, _ := root.Member("id")
	id := fields.Reference("id", 64)
	if holds(&id, id.Path, n) != nil {
		return ""
	}
	return n.Text
}
