package api

import (
	"strings"

	"github.com/remesa/remesa/internal/apikey"
)

// operation is a row of the interface's table: an address, who may call it, and what it does. The
// description in OpenAPI is made of the same rows.
type operation struct {
	// id is the operation's name in clients that are generated.
	id      string
	method  string
	path    string // as in OpenAPI; {key} is a payment's key, {id} a subscription's id
	scope   apikey.Scope
	summary string
	// about says more, for people; it may be empty.
	about  string
	handle func(*API, *call) error
	// parameters are those of the query.
	parameters []parameter
	// body names the schema of the request's body; empty where there is none. A body of lines may
	// be a file as well.
	body  string
	lines bool
	// answers are the good responses.
	answers []answer
	// problems are the statuses of its problems, besides those of every operation with a scope.
	problems []int
}

// parameter is one of the query.
type parameter struct {
	name, about string
	// values are the only ones; nil allows any. number bounds a whole number; zero is a text.
	values []string
	number [2]int
}

// answer is a good response: its schema's name, or its media type where it is no JSON.
type answer struct {
	status        int
	schema, media string
	about         string
}

// allows reports whether the key may call the operation at all; for what it may submit is seen
// later.
func (o *operation) allows(k apikey.Key) bool {
	switch o.scope {
	case apikey.Read:
		return k.MayRead()
	case apikey.Settle:
		return k.MaySettle()
	default:
		return k.MaySubmitAnything()
	}
}

// patterns are those of the mux. The slashes of a key may be escaped, as generated clients do, or
// not, as people do.
func (o *operation) patterns() []string {
	head := o.method + " "
	before, after, found := strings.Cut(o.path, "{key}")
	switch {
	case !found:
		return []string{head + o.path}
	case after == "":
		return []string{head + before + "{key...}"}
	default:
		return []string{
			head + before + "{key}" + after, head + before + "{provider}/{reference}" + after,
			head + before + "{provider}/{account}/{reference}" + after,
		}
	}
}

// operations is the table.
func operations() []operation {
	all := intakeOperations()
	all = append(all, paymentOperations()...)
	all = append(all, subscriptionOperations()...)
	return append(all, otherOperations()...)
}

func intakeOperations() []operation {
	const file = "One JSON object, or a file of them, one a line (application/x-ndjson), of any length: each line gets a result line, in order, " +
		"while the rest is still being sent. The reference is the idempotency key: sending the same again, one or a file, is always safe."
	answers := []answer{
		{201, "Receipt", "", "It is registered, and will be sent."}, {200, "Receipt", "", "The same was registered before; `state` is its state. Of a file: the result lines."},
	}
	added := []answer{
		{201, "Added", "", "It is added, and will be charged."}, {200, "Added", "", "The same was added before; `state` is its state. Of a file: the result lines."},
	}
	return []operation{
		{id: "createPayout", method: "POST", path: "/v1/payouts", scope: apikey.Submit, summary: "Take in a payout, or a file of payouts",
			about: file + " `type` may be left out.", handle: func(a *API, c *call) error { return a.takeTasks(c, "payout") }, body: "Payout", lines: true, answers: answers, problems: []int{409, 413, 415, 422}},
		{id: "createCharge", method: "POST", path: "/v1/charges", scope: apikey.Submit, summary: "Take in a charge, or a file of charges",
			about: file + " `type` may be left out.", handle: func(a *API, c *call) error { return a.takeTasks(c, "charge") }, body: "Charge", lines: true, answers: answers, problems: []int{409, 413, 415, 422}},
		{id: "createSubscription", method: "POST", path: "/v1/subscriptions", scope: apikey.Submit, summary: "Add a subscription, or a file of subscriptions",
			about: file, handle: (*API).takeSubscriptions, body: "Subscription", lines: true, answers: added, problems: []int{409, 413, 415, 422}},
		{id: "requestStatus", method: "POST", path: "/v1/status", scope: apikey.Submit, summary: "Have the provider asked now what became of a payment",
			about:  "It creates nothing; what the provider says is recorded, and told as an outcome. `type` may be left out.",
			handle: func(a *API, c *call) error { return a.takeTasks(c, "status") }, body: "Status", lines: true,
			answers: []answer{{202, "Receipt", "", "The provider will be asked."}, {200, "Receipt", "", "Of a file: the result lines."}}, problems: []int{413, 415, 422}},
	}
}

func paymentOperations() []operation {
	return []operation{
		{id: "listPayments", method: "GET", path: "/v1/payments", scope: apikey.Read, summary: "List payments, page by page",
			about: "Provider by provider, state by state, oldest first; without `state` all that are open. `succeeded` and `reversed` have no index: " +
				"they come in no order, perhaps twice, and a page may have more or fewer than `limit`. A payment that changes its state meanwhile may be listed twice or be missed: " +
				"to follow what happens, read `/v1/outcomes`.",
			handle: (*API).listPayments, parameters: listParameters(), answers: []answer{{200, "PaymentList", "", "A page; `cursor` leads to the next one and is null at the end."}}, problems: []int{422}},
		{id: "getPayment", method: "GET", path: "/v1/payments/{key}", scope: apikey.Read, summary: "Show a payment with its history", handle: (*API).getPayment,
			answers: []answer{{200, "ShownPayment", "", "The ledger's record."}}, problems: []int{404}},
		{id: "cancelPayment", method: "POST", path: "/v1/payments/{key}/cancel", scope: apikey.Submit, summary: "Stop a payment that was never sent",
			about: "It fails with the code `cancelled`; 409 where it is too late.", handle: (*API).cancelPayment, body: "Actor",
			answers: []answer{{200, "Intervention", "", "It is cancelled."}}, problems: []int{404, 409, 413, 415, 422}},
		{id: "resolvePayment", method: "POST", path: "/v1/payments/{key}/resolve", scope: apikey.Settle, summary: "Settle a payment in doubt, or clear an anomaly",
			about: "As `enqueue resolve` does. Give `as` or `anomaly`.", handle: (*API).resolvePayment, body: "Resolution",
			answers: []answer{{200, "Intervention", "", "It is resolved."}}, problems: []int{404, 409, 413, 415, 422}},
		{id: "retryPayment", method: "POST", path: "/v1/payments/{key}/retry", scope: apikey.Settle, summary: "Begin a failed payment again that cannot have been executed",
			handle: (*API).retryPayment, body: "Retry", answers: []answer{{200, "Intervention", "", "It will begin again."}}, problems: []int{404, 409, 413, 415, 422}},
		{id: "releasePayment", method: "POST", path: "/v1/payments/{key}/release", scope: apikey.Settle, summary: "Let a blocked payment go on",
			handle: (*API).releasePayment, body: "Actor", answers: []answer{{200, "Intervention", "", "It goes on."}}, problems: []int{404, 409, 413, 415, 422}},
	}
}

func subscriptionOperations() []operation {
	changed := []answer{{200, "SubscriptionState", "", "As it is now."}}
	step := func(id, action, summary string, do request) operation {
		return operation{id: id, method: "POST", path: "/v1/subscriptions/{id}/" + action, scope: apikey.Submit, summary: summary, body: "Actor",
			handle: func(a *API, c *call) error { return a.changeSubscription(c, do) }, answers: changed, problems: []int{404, 409, 413, 415, 422}}
	}
	change := step("changeSubscription", "change", "Give a subscription another amount or card from the next period on", nil)
	change.body, change.handle = "Change", (*API).changeContent
	return []operation{
		{id: "getSubscription", method: "GET", path: "/v1/subscriptions/{id}", scope: apikey.Read, summary: "Show a subscription with its periods and its history",
			handle: (*API).getSubscription, answers: []answer{{200, "ShownSubscription", "", "Without customer and card."}}, problems: []int{404}},
		step("pauseSubscription", "pause", "Begin no new charge until the subscription is resumed", pause),
		step("resumeSubscription", "resume", "Let a paused subscription go on", resume),
		step("cancelSubscription", "cancel", "End a subscription for good", cancel),
		change,
	}
}

func otherOperations() []operation {
	return []operation{
		{id: "readOutcomes", method: "GET", path: "/v1/outcomes", scope: apikey.Read, summary: "Read what became of payments, and wait for what will",
			about: "Each call returns the events behind a cursor and the cursor behind them: write down what they say, then the cursor, then call again. " +
				"An event comes again where that order was broken: `event_id` tells.",
			handle: (*API).readOutcomes, parameters: outcomeParameters(), answers: []answer{{200, "OutcomeList", "", "Events by time, none where none came while it waited."}}, problems: []int{422}},
		{id: "listHalts", method: "GET", path: "/v1/halts", scope: apikey.Read, summary: "List what is halted", handle: (*API).listHalts,
			answers: []answer{{200, "HaltList", "", "The halts in force."}}},
		{id: "halt", method: "POST", path: "/v1/halt", scope: apikey.Settle, summary: "Send nothing new to a provider, or for one of its accounts", body: "Halt",
			handle: func(a *API, c *call) error { return a.halt(c, true) }, answers: []answer{{200, "HaltList", "", "The provider's halts in force."}}, problems: []int{413, 415, 422}},
		{id: "unhalt", method: "POST", path: "/v1/unhalt", scope: apikey.Settle, summary: "Let a halted provider, or account, go on", body: "Halt",
			handle: func(a *API, c *call) error { return a.halt(c, false) }, answers: []answer{{200, "HaltList", "", "The provider's halts in force."}}, problems: []int{413, 415, 422}},
		{id: "getDescription", method: "GET", path: "/openapi.json", summary: "This description", handle: (*API).description, answers: []answer{{200, "", "application/json", "OpenAPI 3.1."}}},
		{id: "getPage", method: "GET", path: "/docs", summary: "This description for people", handle: (*API).pageForPeople, answers: []answer{{200, "", "text/html", "A page without scripts."}}},
		{id: "getStyle", method: "GET", path: "/docs/style.css", summary: "The page's style", handle: (*API).style, answers: []answer{{200, "", "text/css", "A style sheet."}}},
		{id: "getHealth", method: "GET", path: "/healthz", summary: "Whether the process lives", handle: (*API).health, answers: []answer{{200, "", "text/plain", "It does."}}},
		{id: "getReadiness", method: "GET", path: "/readyz", summary: "Whether payments can be taken in", handle: (*API).ready,
			answers: []answer{{200, "", "text/plain", "They can."}}, problems: []int{503}},
	}
}
