package spec

import (
	"errors"
	"net/http"
	"time"

	"github.com/remesa/remesa/providers"
)

// Webhook reads what a provider reports by itself, at POST /webhooks/NAME. A report decides
// nothing: one that is proven to be the provider's has the provider queried.
type Webhook struct {
	// Media are the types of content that are read, "application/json" for instance.
	Media []string
	// Read finds the alias (Attempt.Alias) of the payment that a report is about. Nothing is proven
	// yet. Its error means that the report cannot be read.
	Read func(r Report) (alias string, err error)
	// Verify proves that the report is the provider's about that payment. Its error means that it
	// is not; whoever sent it learns nothing of what was wrong.
	Verify func(r Report, expected Reported) error
}

// Report is a request to a webhook.
type Report struct {
	// Media is the content's type without parameters, one of Webhook.Media.
	Media  string
	Header http.Header
	Body   []byte
}

// Reported is the payment that a report must be about.
type Reported struct {
	Reference string
	Amount    providers.Money
	// ProviderRefs are those that the adapter kept.
	ProviderRefs map[string]string
	// Client is the account's, nil where this process does not serve the account.
	Client any
	Now    func() time.Time
}

// ErrReport means that a report cannot be read, or is not the provider's.
var ErrReport = errors.New("the report is not the provider's about a payment of ours")
