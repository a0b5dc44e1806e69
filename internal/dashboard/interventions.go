package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers"
)

// Interventions, as forms name them.
const (
	interventionResolve = "resolve"
	interventionAnomaly = "anomaly"
	interventionRelease = "release"
	interventionCancel  = "cancel"
	interventionRetry   = "retry"
)

// intervention is a change of one payment in the version that the operator saw.
type intervention struct {
	Kind    string
	Key     idempotency.Key
	Version int64
	// As is the choice of the form, if it has any.
	As         string
	ProviderID string
	Decline    string
	// AcceptRisk is the box: retry although it may be paid twice, or fail for good what may have
	// been executed.
	AcceptRisk bool
	// By is the name that the operator gives; Actor adds the login and the address, as the history
	// keeps it.
	By, Actor, Note string
}

// parseIntervention reads a visitor's form. The error is that of a form which no page of ours has;
// the problems are for the visitor to correct.
func parseIntervention(v visitor, f url.Values) (in intervention, problems []string, err error) {
	get := func(name string) string { return strings.TrimSpace(f.Get(name)) }
	in = intervention{Kind: get("step"), As: get("as"), ProviderID: get("provider_id"), Decline: get("decline"), AcceptRisk: get("risk") == "yes",
		By: get("by"), Note: get("note")}
	in.Actor = v.signed(in.By)
	if in.Key, err = idempotency.ParseKey(get("key")); err != nil {
		return in, nil, err
	}
	if in.Version, err = strconv.ParseInt(get("version"), 10, 64); err != nil {
		return in, nil, errors.New("version: not a number")
	}
	if !slices.Contains([]string{interventionResolve, interventionAnomaly, interventionRelease, interventionCancel, interventionRetry}, in.Kind) {
		return in, nil, errors.New("step: not one of ours")
	}
	for _, value := range []string{in.As, in.ProviderID, in.Decline, in.By, in.Note} {
		if !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
			return in, nil, errors.New("a text with control characters")
		}
	}
	return in, in.problems(), nil
}

// Longest texts, as the ledger and the command line have them.
const (
	longestProviderID = 128
	longestNote       = 500
)

func (in intervention) problems() []string {
	var out []string
	unless := func(ok bool, problem string) {
		if !ok {
			out = append(out, problem)
		}
	}
	switch in.Kind {
	case interventionResolve:
		unless(slices.Contains([]string{string(idempotency.Succeeded), string(idempotency.Failed), "not-received"}, in.As), "Choose what became of the payment.")
		unless(in.ProviderID == "" || in.As != "not-received", "A provider id contradicts that the provider never received it.")
		unless(in.Decline == "" || in.As == string(idempotency.Failed), "The kind of refusal goes with Failed only.")
		unless(!in.AcceptRisk || in.As == string(idempotency.Failed), "Closing the attempts goes with Failed only.")
		unless(slices.Contains([]string{"", string(providers.Soft), string(providers.Hard)}, in.Decline), "The kind of refusal is soft or hard.")
	case interventionAnomaly:
		unless(in.As == "accept" || in.As == "reverse", "Choose whether to accept or to reverse.")
	}
	unless(len(in.ProviderID) <= longestProviderID, fmt.Sprintf("The provider's id has at most %d characters.", longestProviderID))
	unless(in.By != "", "Give your name: it is kept in the payment's history.")
	unless(!strings.ContainsAny(in.By, "()"), "Give your name without brackets: what stands in them is your login.")
	unless(in.Note != "", "Say why: it is kept in the payment's history.")
	unless(len(in.Actor)+len(in.Note) <= longestNote, fmt.Sprintf("Name, login and note together take at most %d bytes.", longestNote))
	return out
}

// parseForm reads a form and the payment that it is about. Where either is not right, it writes the
// response and returns false.
func (p *pages) parseForm(ctx context.Context, w http.ResponseWriter, r *http.Request) (intervention, idempotency.Record, bool) {
	if err := r.ParseForm(); err != nil {
		p.renderMessage(w, http.StatusBadRequest, "Not a form of ours", "What was sent could not be read. Nothing was changed.", "")
		return intervention{}, idempotency.Record{}, false
	}
	in, problems, err := parseIntervention(visitorOf(ctx), r.PostForm)
	if err != nil {
		p.renderMessage(w, http.StatusBadRequest, "Not a form of ours", "What was sent could not be read. Nothing was changed.", "")
		return in, idempotency.Record{}, false
	}
	rec, err := p.Ledger.Show(ctx, in.Key)
	if err == nil && rec.Version != in.Version {
		err = idempotency.ErrVersionChanged
	}
	if err != nil {
		p.failed(w, in.Key, err)
		return in, rec, false
	}
	if len(problems) > 0 {
		p.renderPayment(w, http.StatusUnprocessableEntity, rec, "", in, problems)
		return in, rec, false
	}
	return in, rec, true
}

// confirmation is the page that repeats what will happen to which money.
type confirmation struct {
	idempotency.Record
	ID     string
	Step   intervention
	What   string
	Follow string
	Button string
}

// withForm parses the form of an intervention and hands it on.
func (p *pages) withForm(next func(ctx context.Context, w http.ResponseWriter, r *http.Request, in intervention, rec idempotency.Record)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
		defer cancel()
		if in, rec, ok := p.parseForm(ctx, w, r); ok {
			next(ctx, w, r, in, rec)
		}
	}
}

// confirm changes nothing.
func (p *pages) confirm(_ context.Context, w http.ResponseWriter, _ *http.Request, in intervention, rec idempotency.Record) {
	c := confirmation{Record: rec, ID: rec.Key.String(), Step: in}
	c.What, c.Follow, c.Button = in.describe(rec)
	p.render(w, http.StatusOK, "confirm", "Confirm: "+c.ID, c, c.ID)
}

// describe returns what the intervention does, what follows from it, and the text of its button.
func (in intervention) describe(r idempotency.Record) (what, follow, button string) {
	if in.Kind == interventionResolve && in.AcceptRisk {
		return "Settle it as failed, and close its attempts", "remesa reports it as not paid, and takes no attempt for executed any more: it can be begun again, " +
			"and a subscription charges again. If one was executed after all, it is paid twice.", "Yes, nothing was executed"
	}
	switch in.Kind + " " + in.As {
	case "resolve succeeded":
		return "Settle it as succeeded", "remesa reports it as paid. It is never sent again.", "Yes, it was paid"
	case "resolve failed":
		return "Settle it as failed", "remesa reports it as not paid. If it was executed, the money has left all the same.", "Yes, it was refused"
	case "resolve not-received":
		return "Settle it as not received", "remesa reports it as not paid. It can then be begun again, at the risk that the first attempt is still executed.", "Yes, it was never received"
	case "anomaly accept":
		if r.State == idempotency.Failed {
			return "Accept the anomaly", "The payment becomes succeeded.", "Yes, it was paid after all"
		}
		return "Accept the anomaly", "The payment stays " + string(r.State) + ".", "Yes, clear it"
	case "anomaly reverse":
		if r.State == idempotency.Succeeded {
			return "Reverse the payment", "The payment becomes reversed: its money was taken back.", "Yes, the money was taken back"
		}
		return "Reverse the late execution", "The payment stays " + string(r.State) + ".", "Yes, the money was taken back"
	case "release ":
		return "Release it", "remesa will send it.", "Yes, release it"
	case "cancel ":
		return "Cancel it", "The payment fails with the code cancelled. It was never sent.", "Yes, cancel the payment"
	}
	if in.AcceptRisk {
		return "Begin it again, although the first attempt may have been executed", "remesa asks the provider once more, then sends it. If the first attempt is executed after all, it is paid twice.", "Yes, take the risk"
	}
	return "Begin it again", "remesa will send it.", "Yes, begin again"
}

// apply carries the intervention out and redirects to the payment, so that reloading the page
// repeats nothing.
func (p *pages) apply(ctx context.Context, w http.ResponseWriter, r *http.Request, in intervention, _ idempotency.Record) {
	if _, err := in.apply(ctx, p.Ledger); err != nil {
		p.failed(w, in.Key, err)
		return
	}
	v := visitorOf(ctx)
	p.Log.Info().Stringer("key", in.Key).Str("intervention", strings.TrimSpace(in.Kind+" "+in.As)).Str("by", in.By).Str("login", v.login).Str("from", v.from).
		Msg("taken by hand on the payments page")
	http.Redirect(w, r, linkTo(in.Key.String())+"&done="+in.Kind, http.StatusSeeOther)
}

func (in intervention) apply(ctx context.Context, l Interventions) (idempotency.Transition, error) {
	who := idempotency.Actor{By: in.Actor, Note: in.Note}
	switch in.Kind {
	case interventionResolve:
		return l.Resolve(ctx, in.Key, in.Version, idempotency.Resolution{
			Actor: who, As: in.As, ProviderID: in.ProviderID, Decline: providers.Decline(in.Decline), AcceptDoubleRisk: in.AcceptRisk,
		})
	case interventionAnomaly:
		return l.ClearAnomaly(ctx, in.Key, in.Version, in.As == "reverse", who)
	case interventionRelease:
		return l.Unblock(ctx, in.Key, in.Version, who)
	case interventionCancel:
		return l.Cancel(ctx, in.Key, in.Version, who)
	default:
		return l.Retry(ctx, in.Key, in.Version, in.AcceptRisk, who)
	}
}
