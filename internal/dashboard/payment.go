package dashboard

import (
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/explain"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/seal"
)

// payment is one payment's page.
type payment struct {
	idempotency.Record
	ID, Next string
	// Who must act next.
	Who              string
	Created, Updated stamp
	Due, Lease       stamp
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
	// Answer tells the provider's, empty where there is none.
	Answer string
}

// sentence tells an entry of the time line.
type sentence struct {
	At   stamp
	Text string
}

// renderPayment shows a payment; sent and problems are a form that was sent and cannot be carried
// out.
func (p *pages) renderPayment(w http.ResponseWriter, request *http.Request, code int, r idempotency.Record, done string, sent intervention, problems []string) {
	words := p.wordsFor(request)
	v := payment{
		Record: r, ID: r.Key.String(), Next: words.advice(r), Who: explain.In(words.Locale).Label(explain.In(words.Locale).NextStep(r).Who), Created: stamp{r.Created}, Updated: stamp{r.Updated}, Lease: stamp{r.LeaseEnd},
		Due: stamp{r.NextDue}, Metadata: slices.Sorted(maps.Keys(r.Metadata)), Done: doneText(words, done), Sealed: words.sealed(r.DecryptErr),
		WaitsFor: explain.In(words.Locale).WaitsFor(r.ParkReason),
	}
	v.Message = v.readable(r.Message)
	for _, e := range r.History {
		v.Events = append(v.Events, event{stamp{e.At}, e.State, e.Attempt, v.readable(e.Note), words.Answer(e)})
	}
	for _, s := range explain.In(words.Locale).Explain(r).Sentences {
		v.Story = append(v.Story, sentence{stamp{s.At}, s.Text})
	}
	if p.Writable {
		v.Forms = forms(words.Pages.Step, r, sent, problems)
	}
	p.render(w, request, code, "payment", v.ID, v, v.ID)
}

// sealed says why texts of a payment cannot be read here; it is empty where all can.
func (w words) sealed(decryptErr error) string {
	t := w.Pages.Problem
	switch {
	case decryptErr == nil:
		return ""
	case errors.Is(decryptErr, seal.ErrUnknownKey):
		return t.Sealed
	case errors.Is(decryptErr, seal.ErrTampered):
		return t.SealedChanged
	default: // a payer's link that should be sealed and is not
		return t.NotSealedNotUsed
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
func doneText(w words, kind string) string {
	t := w.Pages.Step
	switch kind {
	case interventionResolve:
		return t.DoneResolve
	case interventionAnomaly:
		return t.DoneAnomaly
	case interventionRelease:
		return t.DoneRelease
	case interventionCancel:
		return t.DoneCancel
	case interventionRetry:
		return t.DoneRetry
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
func forms(t i18n.PagesStep, r idempotency.Record, sent intervention, problems []string) []form {
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
		offer(interventionAnomaly, t.AnomalyTitle, t.Clear, anomalyChoices(t, r.State)...)
	}
	switch r.State {
	case idempotency.InDoubt, idempotency.Pending, idempotency.Held:
		f := offer(interventionResolve, t.SettleTitle, t.Settle, resolveChoices(t, r.State)...)
		f.Details = true
		if r.MayHaveLeft && r.Anomaly == "" {
			f.Risk = t.RiskFailed
		}
	case idempotency.Blocked:
		offer(interventionRelease, t.ReleaseTitle, t.Release)
		offer(interventionCancel, t.CancelTitle, t.Cancel)
	case idempotency.Queued, idempotency.Ready:
		offer(interventionCancel, t.CancelTitle, t.Cancel)
	case idempotency.Failed:
		if r.Anomaly == "" && r.Subscription == "" {
			f := offer(interventionRetry, t.RetryTitle, t.Retry)
			if r.Code == "not_received" {
				f.Risk = t.RiskTwice
			}
		}
		if r.Anomaly == "" && r.MayHaveLeft {
			offer(interventionResolve, t.CloseTitle, t.Close, choice{string(idempotency.Failed), t.NotExecuted}).Risk = t.RiskStays
		}
	default: // being sent, or final
	}
	return out
}

func resolveChoices(t i18n.PagesStep, s idempotency.State) []choice {
	choices := []choice{{string(idempotency.Succeeded), t.Succeeded}, {string(idempotency.Failed), t.Failed}}
	if s == idempotency.Held {
		choices = append(choices, choice{notReceived, t.NotReceived})
	}
	return choices
}

func anomalyChoices(t i18n.PagesStep, s idempotency.State) []choice {
	accept := choice{"accept", t.Accept}
	if s == idempotency.Failed {
		accept.Label = t.AcceptPaid
	}
	if !s.Final() {
		return []choice{accept}
	}
	return []choice{accept, {"reverse", t.Reverse}}
}
