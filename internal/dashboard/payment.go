package dashboard

import (
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/explain"
	"github.com/remesa/remesa/seal"
)

// payment is one payment's page.
type payment struct {
	idempotency.Record
	ID, Meaning, Next string
	Created, Updated  stamp
	Due               stamp
	// Metadata names its fields; their values may hold people's data.
	Metadata []string
	Events   []event
	// Story is what happened, in words.
	Story []sentence
	// Sealed says why some of it cannot be read here.
	Sealed string
	// WaitsFor says why it is parked, empty where it is not.
	WaitsFor string
	// Done is what was just done.
	Done string
	// Forms are the interventions that are allowed now; none where nothing can be changed.
	Forms []form
}

// event is an entry of the time line.
type event struct {
	At      stamp
	State   idempotency.State
	Attempt int
	Note    string
}

// sentence tells an entry of the time line.
type sentence struct {
	At   stamp
	Text string
}

// renderPayment shows a payment; sent and problems are a form that was sent and cannot be carried
// out.
func (p *pages) renderPayment(w http.ResponseWriter, code int, r idempotency.Record, done string, sent intervention, problems []string) {
	v := payment{
		Record: r, ID: r.Key.String(), Meaning: explain.Meaning(r.State), Next: explain.Advice(r), Created: stamp{r.Created}, Updated: stamp{r.Updated},
		Due: stamp{r.NextDue}, Metadata: slices.Sorted(maps.Keys(r.Metadata)), Done: doneText(done), Sealed: sealedText(r.DecryptErr),
		WaitsFor: explain.WaitsFor(r.ParkReason),
	}
	v.Message = v.readable(r.Message)
	for _, e := range r.History {
		v.Events = append(v.Events, event{stamp{e.At}, e.State, e.Attempt, v.readable(e.Note)})
	}
	for _, s := range explain.Explain(r).Sentences {
		v.Story = append(v.Story, sentence{stamp{s.At}, s.Text})
	}
	if p.Writable {
		v.Forms = p.forms(r, sent, problems)
	}
	p.render(w, code, "payment", v.ID, v, v.ID)
}

// sealedText says why texts of a payment cannot be read here; it is empty where all can.
func sealedText(decryptErr error) string {
	switch {
	case decryptErr == nil:
		return ""
	case errors.Is(decryptErr, seal.ErrUnknownKey):
		return "sealed; this worker has no key"
	case errors.Is(decryptErr, seal.ErrTampered):
		return "sealed; changed or moved since"
	default: // a payer's link that should be sealed and is not
		return "not sealed, so not used"
	}
}

// readable is a text as the page shows it. For one that this worker cannot open it says so.
func (v payment) readable(text string) string {
	if v.Sealed != "" && seal.Sealed([]byte(text)) {
		return v.Sealed
	}
	return text
}

// doneText is a fixed text: nothing of the page's address is ever shown.
func doneText(kind string) string {
	switch kind {
	case interventionResolve:
		return "The payment was settled."
	case interventionAnomaly:
		return "The anomaly was cleared."
	case interventionRelease:
		return "The payment was released."
	case interventionCancel:
		return "The payment was cancelled."
	case interventionRetry:
		return "The payment begins again."
	}
	return ""
}

// form is one intervention as the page offers it.
type form struct {
	Kind, Title, Button string
	Key                 string
	Version             int64
	// Choices are the ways to intervene; none where there is only one.
	Choices []choice
	// Details offers the provider's id and the kind of refusal.
	Details bool
	// Risk is the text of the box with which an operator accepts the risk of a double execution;
	// empty where there is no such risk.
	Risk string
	// Sent is what was filled in before, Problems why it was not enough.
	Sent     intervention
	Problems []string
}

type choice struct{ Value, Label string }

// forms are the interventions that the ledger may allow in this state.
func (p *pages) forms(r idempotency.Record, sent intervention, problems []string) []form {
	var out []form
	offer := func(kind, title, button string, choices ...choice) *form {
		f := form{Kind: kind, Title: title, Button: button, Key: r.Key.String(), Version: r.Version, Choices: choices}
		if sent.Kind == kind {
			f.Sent, f.Problems = sent, problems
		}
		out = append(out, f)
		return &out[len(out)-1]
	}
	if r.Anomaly != "" {
		offer(interventionAnomaly, "Clear the anomaly", "Clear", anomalyChoices(r.State)...)
	}
	switch r.State {
	case idempotency.InDoubt, idempotency.Pending, idempotency.Held:
		f := offer(interventionResolve, "Settle this payment", "Settle", resolveChoices(r.State)...)
		f.Details = true
		if r.MayHaveLeft && r.Anomaly == "" {
			f.Risk = "If it failed: " + acceptRiskText
		}
	case idempotency.Blocked:
		offer(interventionRelease, "Release this payment", "Release")
		offer(interventionCancel, "Cancel this payment", "Cancel the payment")
	case idempotency.Queued, idempotency.Ready:
		offer(interventionCancel, "Cancel this payment", "Cancel the payment")
	case idempotency.Failed:
		if r.Anomaly == "" && r.Subscription == "" {
			f := offer(interventionRetry, "Begin this payment again", "Begin again")
			if r.Code == "not_received" {
				f.Risk = "I take the risk that it is paid twice: the first attempt may have been executed"
			}
		}
		if r.Anomaly == "" && r.MayHaveLeft {
			offer(interventionResolve, "Close its attempts", "Close", choice{string(idempotency.Failed), "Failed: it was not executed"}).Risk = "It stays failed: " + acceptRiskText
		}
	default: // being sent, or final
	}
	return out
}

// acceptRiskText is for an operator who knows more than that it was refused.
const acceptRiskText = "I know that nothing was executed: close the attempts too"

func resolveChoices(s idempotency.State) []choice {
	choices := []choice{
		{string(idempotency.Succeeded), "Succeeded: it was executed"},
		{string(idempotency.Failed), "Failed: it was refused"},
	}
	if s == idempotency.Held {
		choices = append(choices, choice{"not-received", "Not received: the provider says that it never got it"})
	}
	return choices
}

func anomalyChoices(s idempotency.State) []choice {
	accept := choice{"accept", "Accept: the payment stays as it is"}
	if s == idempotency.Failed {
		accept.Label = "Accept: it was paid after all, so it becomes succeeded"
	}
	if !s.Final() {
		return []choice{accept}
	}
	reverse := choice{"reverse", "Reverse: the money was taken back"}
	return []choice{accept, reverse}
}
