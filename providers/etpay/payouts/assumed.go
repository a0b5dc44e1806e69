package payouts

import (
	"net/http"
	"strings"
	_ "time/tzdata" // days are ETpay's, also on a machine that knows no time zones

	"github.com/remesa/remesa/providers"
)

// This file holds all that is assumed of ETpay's payouts. Known are only the login (path, fields
// and that it responds with a token), that a payout is created, may be queried by ETpay's own id,
// and stands in a listing by dates, and that its final word comes later. No path, field or word
// below was ever seen. Each that turns out otherwise leaves payouts in doubt and held, never paid
// twice or given up.

// loginPath is the documented one.
const loginPath = "/v1/auth/login"

// Paths that Config overrides.
const (
	createPath = "/v1/payouts"
	statusPath = "/v1/payouts/{id}"
	rangePath  = "/v1/payouts"
)

// tokenNames are where a login's token may stand; also inside an object named data.
var tokenNames = []string{"token", "access_token", "accessToken"}

// listingDays is whose days the listing's from and to are.
const listingDays = "America/Santiago"

// Names of the fields of a payout in a response, and of the objects that it or a list may stand in.
const (
	idField        = "id"
	statusField    = "status"
	referenceField = "merchant_order_id"
	amountField    = "amount"
	currencyField  = "currency"
	accountField   = "account"
	bankField      = "bank_code"
	typeField      = "type"
	wrapperField   = "data"
	listField      = "payouts"
)

// countFields may stand beside a list: it is whole where they say as many as there are. Any other
// field may say that there is more.
var countFields = []string{"total", "count"}

// words are assumed, in any capitals. approved is on its way, not paid. A word that is not
// here leaves the payout in doubt.
var words = map[string]providers.Class{
	"pending": providers.Pending, "processing": providers.Pending, "approved": providers.Pending,
	"paid": providers.Succeeded, "success": providers.Succeeded, "completed": providers.Succeeded,
	"rejected": providers.Refused, "failed": providers.Refused, "error": providers.Refused,
}

func classOf(word string) (providers.Class, bool) {
	class, known := words[strings.ToLower(strings.TrimSpace(word))]
	return class, known
}

// refusals are the HTTP statuses with which an error in JSON refuses a payout for good: those
// that mean that the request itself was wrong. Not among them are 404 and 405 (a wrong path, or
// another's page), 402 and 409 (a payout that exists already may look so), and everything from 500
// on.
var refusals = []int{http.StatusBadRequest, http.StatusUnprocessableEntity}
