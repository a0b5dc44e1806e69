package wire

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/remesa/remesa/providers"
)

// Every line: how an exchange broke, and what that means for a request that can move money, for one
// that cannot, and for a status query.
func TestWhatABrokenExchangeMeans(t *testing.T) {
	t.Parallel()
	const unsent, doubt, refused, unanswered = "not sent ", "in doubt ", "credentials ", "no answer"
	sent := &Error{Sent: true, Reason: Timeout, Status: 401}
	for _, row := range []struct {
		broke                      string
		err                        error
		money, harmless, questions string
	}{
		{"nothing left", &Error{Reason: Connect}, unsent + Connect, unsent + Connect, unsent + Connect},
		{"nothing left, wrapped", fmt.Errorf("x: %w", &Error{Reason: NoTime}), unsent + NoTime, unsent + NoTime, unsent + NoTime},
		{"something may have left", sent, doubt + Timeout, unsent + Timeout, unanswered},
		{"something may have left, wrapped", fmt.Errorf("x: %w", sent), doubt + Timeout, unsent + Timeout, unanswered},
		{"there was no token", &providers.NotSent{Reason: "token"}, unsent + "token", unsent + "token", unsent + "token"},
		{"the login's answer was lost", &providers.NotSent{Reason: "token", Err: sent}, unsent + "token", unsent + "token", unsent + "token"},
		{"the token was refused", &providers.CredentialsError{Code: "100"}, refused + "100", refused + "100", refused + "100"},
		{"nobody knows", errors.New("boom"), doubt + Unreadable, unsent + Unreadable, unanswered},
		{"the caller went away, says another's code", context.Canceled, doubt + Unreadable, unsent + Unreadable, unanswered},
	} {
		o, err := OutcomeOfFailure(row.err)
		if got := notified(o, err); got != row.money || (err == nil) != (o.Class == providers.InDoubt) {
			t.Errorf("%s: a charge is %q, want %q", row.broke, got, row.money)
		}
		if got := notified(providers.Outcome{}, MayRepeat(row.err)); got != row.harmless {
			t.Errorf("%s: a step is %q, want %q", row.broke, got, row.harmless)
		}
		if got := notified(providers.Outcome{}, NoStatusAnswer(row.err)); got != row.questions {
			t.Errorf("%s: a question is %q, want %q", row.broke, got, row.questions)
		}
	}
}

func notified(o providers.Outcome, err error) string {
	var notSent *providers.NotSent
	var credentials *providers.CredentialsError
	switch {
	case errors.As(err, &credentials):
		return "credentials " + credentials.Code
	case errors.As(err, &notSent):
		return "not sent " + notSent.Reason
	case err != nil:
		return "no answer"
	}
	return "in doubt " + o.Code
}
