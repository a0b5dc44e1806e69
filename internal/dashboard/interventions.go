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

// Steps by hand, as forms name them.
const (
	interventionResolve = "resolve"
	interventionAnomaly = "anomaly"
	interventionRelease = "release"
	interventionCancel  = "cancel"
	interventionRetry   = "retry"
)

// intervention is a decision about one payment in the version that the person saw.
type intervention struct {
	Kind    string
	Key     idempotency.Key
	Version int64
	// As is the choice of the form, if it has any.
	As         string
	ProviderID string
	Decline    string
	// AcceptRisk is the box: retry although it may be paid twice, or fail for good what may have been
	// executed.
	AcceptRisk bool
	// By is what the person says to be called; Who has the login and the address beside it, as the
	// history will.
	By, Actor, Note string
}

// parseIntervention reads a visitor's form. The error is of one that no page of ours makes; the problems are
// the person's to mend.
func parseIntervention(v visitor, f url.Values) (s intervention, problems []string, err error) {
	get := func(name string) string { return strings.TrimSpace(f.Get(name)) }
	s = intervention{Kind: get("step"), As: get("as"), ProviderID: get("provider_id"), Decline: get("decline"), AcceptRisk: get("risk") == "yes",
		By: get("by"), Note: get("note")}
	s.Actor = v.signed(s.By)
	if s.Key, err = idempotency.ParseKey(get("key")); err != nil {
		return s, nil, err
	}
	if s.Version, err = strconv.ParseInt(get("version"), 10, 64); err != nil {
		return s, nil, errors.New("version: not a number")
	}
	if !slices.Contains([]string{interventionResolve, interventionAnomaly, interventionRelease, interventionCancel, interventionRetry}, s.Kind) {
		return s, nil, errors.New("step: not one of ours")
	}
	for _, value := range []string{s.As, s.ProviderID, s.Decline, s.By, s.Note} {
		if !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
			return s, nil, errors.New("a text with control characters")
		}
	}
	return s, s.problems(), nil
}

// Longest texts, as the ledger and the command line have them.
const (
	longestProviderID = 128
	longestNote       = 500
)

func (s intervention) problems() []string {
	var out []string
	unless := func(ok bool, problem string) {
		if !ok {
			out = append(out, problem)
		}
	}
	switch s.Kind {
	case interventionResolve:
		unless(slices.Contains([]string{string(idempotency.Succeeded), string(idempotency.Failed), "not-received"}, s.As), "Choose what became of the payment.")
		unless(s.ProviderID == "" || s.As != "not-received", "A provider id contradicts that the provider never received it.")
		unless(s.Decline == "" || s.As == string(idempotency.Failed), "The kind of refusal goes with Failed only.")
		unless(!s.AcceptRisk || s.As == string(idempotency.Failed), "Closing the attempts goes with Failed only.")
		unless(slices.Contains([]string{"", string(providers.Soft), string(providers.Hard)}, s.Decline), "The kind of refusal is soft or hard.")
	case interventionAnomaly:
		unless(s.As == "accept" || s.As == "reverse", "Choose whether to accept or to reverse.")
	}
	unless(len(s.ProviderID) <= longestProviderID, fmt.Sprintf("The provider's id has at most %d characters.", longestProviderID))
	unless(s.By != "", "Give your name: it is kept in the payment's history.")
	unless(!strings.ContainsAny(s.By, "()"), "Give your name without brackets: what stands in them is your login.")
	unless(s.Note != "", "Say why: it is kept in the payment's history.")
	unless(len(s.Actor)+len(s.Note) <= longestNote, fmt.Sprintf("Name, login and note together take at most %d bytes.", longestNote))
	return out
}

// parseForm reads a form and the payment that it is about. It answers by itself, and returns false,
// where nothing can follow.
func (p *pages) parseForm(ctx context.Context, w http.ResponseWriter, r *http.Request) (intervention, idempotency.Record, bool) {
	if err := r.ParseForm(); err != nil {
		p.renderMessage(w, http.StatusBadRequest, "Not a form of ours", "What was sent could not be read. Nothing was changed.", "")
		return intervention{}, idempotency.Record{}, false
	}
	s, problems, err := parseIntervention(visitorOf(ctx), r.PostForm)
	if err != nil {
		p.renderMessage(w, http.StatusBadRequest, "Not a form of ours", "What was sent could not be read. Nothing was changed.", "")
		return s, idempotency.Record{}, false
	}
	rec, err := p.Ledger.Show(ctx, s.Key)
	if err == nil && rec.Version != s.Version {
		err = idempotency.ErrVersionChanged
	}
	if err != nil {
		p.failed(w, s.Key, err)
		return s, rec, false
	}
	if len(problems) > 0 {
		p.renderPayment(w, http.StatusUnprocessableEntity, rec, "", s, problems)
		return s, rec, false
	}
	return s, rec, true
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

// confirm changes nothing.
func (p *pages) confirm(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
	defer cancel()
	s, rec, ok := p.parseForm(ctx, w, r)
	if !ok {
		return
	}
	c := confirmation{Record: rec, ID: rec.Key.String(), Step: s}
	c.What, c.Follow, c.Button = s.describe(rec)
	p.render(w, http.StatusOK, "confirm", "Confirm: "+c.ID, c, c.ID)
}

// describe are what the step does, what follows from it, and its button.
func (s intervention) describe(r idempotency.Record) (what, follow, button string) {
	if s.Kind == interventionResolve && s.AcceptRisk {
		return "Settle it as failed, and close its attempts", "remesa reports it as not paid, and takes no attempt for executed any more: it can be begun again, " +
			"and a subscription charges again. If one was executed after all, it is paid twice.", "Yes, nothing was executed"
	}
	switch s.Kind + " " + s.As {
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
	if s.AcceptRisk {
		return "Begin it again, although the first attempt may have been executed", "remesa asks the provider once more, then sends it. If the first attempt is executed after all, it is paid twice.", "Yes, take the risk"
	}
	return "Begin it again", "remesa will send it.", "Yes, begin again"
}

// apply takes the step and leads back to the payment, so that loading the page again repeats
// nothing.
func (p *pages) apply(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
	defer cancel()
	s, _, ok := p.parseForm(ctx, w, r)
	if !ok {
		return
	}
	if _, err := s.apply(ctx, p.Ledger); err != nil {
		p.failed(w, s.Key, err)
		return
	}
	v := visitorOf(ctx)
	p.Log.Info().Stringer("key", s.Key).Str("step", strings.TrimSpace(s.Kind+" "+s.As)).Str("by", s.By).Str("login", v.login).Str("from", v.from).
		Msg("taken by hand on the payments page")
	http.Redirect(w, r, linkTo(s.Key.String())+"&done="+s.Kind, http.StatusSeeOther)
}

func (s intervention) apply(ctx context.Context, l Interventions) (idempotency.Transition, error) {
	who := idempotency.Actor{By: s.Actor, Note: s.Note}
	switch s.Kind {
	case interventionResolve:
		return l.Resolve(ctx, s.Key, s.Version, idempotency.Resolution{
			Actor: who, As: s.As, ProviderID: s.ProviderID, Decline: providers.Decline(s.Decline), AcceptDoubleRisk: s.AcceptRisk,
		})
	case interventionAnomaly:
		return l.ClearAnomaly(ctx, s.Key, s.Version, s.As == "reverse", who)
	case interventionRelease:
		return l.Unblock(ctx, s.Key, s.Version, who)
	case interventionCancel:
		return l.Cancel(ctx, s.Key, s.Version, who)
	default:
		return l.Retry(ctx, s.Key, s.Version, s.AcceptRisk, who)
	}
}
