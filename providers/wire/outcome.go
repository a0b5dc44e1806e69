package wire

import (
	"errors"
	"fmt"

	"github.com/remesa/remesa/providers"
)

// OutcomeOfFailure says what the error of a request that can move money means for the money. Only
// proof is an error of an attempt: that no byte left, or that the request was refused for its
// token. Everything else, an error of a kind that nobody foresaw included, is doubt.
func OutcomeOfFailure(err error) (providers.Outcome, error) {
	if proof := Unsent(err); proof != nil {
		return providers.Outcome{}, proof
	}
	return providers.Outcome{Class: providers.InDoubt, Code: failureCode(err)}, nil
}

// Inexpressible says what a payment comes to that cannot be put into the provider's request: a
// refusal, with nothing sent. The error says which field is wrong, and does not repeat it.
func Inexpressible(err error) providers.Outcome {
	return providers.Outcome{Class: providers.Refused, Code: Invalid, Message: err.Error()}
}

// MayRepeat is the error of a request that moves no money: whatever became of it, it may be made
// again.
func MayRepeat(err error) error {
	if proof := Unsent(err); proof != nil {
		return proof
	}
	return &providers.NotSent{Reason: failureCode(err), Err: err}
}

// NoStatusAnswer is the error of a status query without a readable response.
func NoStatusAnswer(err error) error {
	if proof := Unsent(err); proof != nil {
		return proof
	}
	return fmt.Errorf("no answer: %w", err)
}

// Unsent is the proof that the provider cannot have acted; nil where there is none. A NotSent comes
// before the exchange that it wraps: that one was a login's.
func Unsent(err error) error {
	var credentials *providers.CredentialsError
	var notSent *providers.NotSent
	var e *Error
	switch {
	case errors.As(err, &credentials):
		return credentials
	case errors.As(err, &notSent):
		return notSent
	case errors.As(err, &e) && !e.Sent:
		return &providers.NotSent{Reason: e.Reason, Err: e}
	}
	return nil
}

// failureCode is the error's word for a doubt.
func failureCode(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return Unreadable
}
