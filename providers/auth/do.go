package auth

import (
	"context"

	"github.com/remesa/remesa/providers"
)

// Refusal is a response that refused a token before the provider read the rest of the request. The
// zero Refusal is none.
type Refusal struct {
	// Code is the provider's code, or its HTTP status.
	Code string
	// Permanent says that it is the credentials which are refused: no other token will be taken.
	Permanent bool
}

// Do makes one exchange under a token and, where that token was refused, once more under its
// successor. A refused token is not offered again, by any exchange to come either, unless a later
// login gives it out anew. The error is Token's, or a *providers.CredentialsError with the code of
// the last refusal: in both cases nothing was done at the provider.
func (s *Source) Do(ctx context.Context, exchange func(t Token) Refusal) error {
	var last Token
	var refused Refusal
	for range 2 {
		token, err := s.Token(ctx)
		if err != nil {
			return err
		}
		again := token.Value == last.Value // the login gave out the refused one once more
		if !again {
			refused = exchange(token)
		}
		if refused.Code == "" {
			return nil
		}
		s.Reject(token)
		if last = token; refused.Permanent {
			break
		}
	}
	return &providers.CredentialsError{Code: refused.Code}
}
