package dashboard

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
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

// parseIntervention reads a visitor's form. The error is that of a form which no page of ours has.
func parseIntervention(v visitor, f url.Values) (in intervention, err error) {
	get := func(name string) string { return strings.TrimSpace(f.Get(name)) }
	in = intervention{Kind: get("step"), As: get("as"), ProviderID: get("provider_id"), Decline: get("decline"), AcceptRisk: get("risk") == "yes",
		By: get("by"), Note: get("note")}
	in.Actor = v.signed(in.By)
	if in.Key, err = idempotency.ParseKey(get("key")); err != nil {
		return in, err
	}
	if in.Version, err = strconv.ParseInt(get("version"), 10, 64); err != nil {
		return in, errors.New("version: not a number")
	}
	return in, in.malformed()
}

// malformed is the error of what no form of ours has.
func (in intervention) malformed() error {
	if !slices.Contains([]string{interventionResolve, interventionAnomaly, interventionRelease, interventionCancel, interventionRetry}, in.Kind) {
		return errors.New("step: not one of ours")
	}
	for _, value := range []string{in.As, in.ProviderID, in.Decline, in.By, in.Note} {
		if !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
			return errors.New("a text with control characters")
		}
	}
	return nil
}

// Longest texts, as the ledger and the command line have them.
const (
	longestProviderID = 128
	longestNote       = 500
)

// notReceived is how an operator resolves what the provider never got.
const notReceived = "not-received"

func (in intervention) problems(t i18n.PagesStep) []string {
	var out []string
	unless := func(ok bool, problem string) {
		if !ok {
			out = append(out, problem)
		}
	}
	switch in.Kind {
	case interventionResolve:
		unless(slices.Contains([]string{string(idempotency.Succeeded), string(idempotency.Failed), notReceived}, in.As), t.NoChoice)
		unless(in.ProviderID == "" || in.As != notReceived, t.IDContradicts)
		unless(in.Decline == "" || in.As == string(idempotency.Failed), t.DeclineWithFailed)
		unless(!in.AcceptRisk || in.As == string(idempotency.Failed), t.CloseWithFailed)
		unless(slices.Contains([]string{"", string(providers.Soft), string(providers.Hard)}, in.Decline), t.BadDecline)
	case interventionAnomaly:
		unless(in.As == "accept" || in.As == "reverse", t.NoAnomaly)
	}
	unless(len(in.ProviderID) <= longestProviderID, t.LongID)
	return append(out, in.actorProblems(t)...)
}

// actorProblems are those of name and note.
func (in intervention) actorProblems(t i18n.PagesStep) []string {
	var out []string
	for _, row := range []struct {
		ok      bool
		problem string
	}{
		{in.By != "", t.NoName}, {!strings.ContainsAny(in.By, "()"), t.Brackets}, {in.Note != "", t.NoNote},
		{len(in.Actor)+len(in.Note) <= longestNote, t.LongNote},
	} {
		if !row.ok {
			out = append(out, row.problem)
		}
	}
	return out
}

// parseForm reads a form and the payment that it is about. Where either is not right, it writes the
// response and returns false.
func (p *pages) parseForm(ctx context.Context, w http.ResponseWriter, r *http.Request) (intervention, idempotency.Record, bool) {
	words := p.wordsFor(r)
	in, err := intervention{}, r.ParseForm()
	if err == nil {
		in, err = parseIntervention(visitorOf(ctx), r.PostForm)
	}
	if err != nil {
		p.notOurForm(w, r)
		return in, idempotency.Record{}, false
	}
	rec, err := p.Ledger.Show(ctx, in.Key)
	if err == nil && rec.Version != in.Version {
		err = idempotency.ErrVersionChanged
	}
	if err != nil {
		p.failed(w, r, in.Key, err)
		return in, rec, false
	}
	if problems := in.problems(words.Pages.Step); len(problems) > 0 {
		p.renderPayment(w, r, http.StatusUnprocessableEntity, rec, "", in, problems)
		return in, rec, false
	}
	return in, rec, true
}

func (p *pages) notOurForm(w http.ResponseWriter, r *http.Request) {
	t := p.wordsFor(r).Pages.Problem
	p.renderMessage(w, r, http.StatusBadRequest, t.NotOurForm, t.NotOurFormText, "")
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

// withForm parses the form of an intervention and hands it on. A browser that goes away does not
// end what it asked for.
func (p *pages) withForm(next func(ctx context.Context, w http.ResponseWriter, r *http.Request, in intervention, rec idempotency.Record)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), pageTimeout)
		defer cancel()
		if in, rec, ok := p.parseForm(ctx, w, r); ok {
			next(ctx, w, r, in, rec)
		}
	}
}

// confirm changes nothing.
func (p *pages) confirm(_ context.Context, w http.ResponseWriter, r *http.Request, in intervention, rec idempotency.Record) {
	c, words := confirmation{Record: rec, ID: rec.Key.String(), Step: in}, p.wordsFor(r)
	c.What, c.Follow, c.Button = in.describe(words, rec)
	p.render(w, r, http.StatusOK, "confirm", words.Pages.Confirm.Title(c.ID), c, c.ID)
}

// describe returns what the intervention does, what follows from it, and the text of its button.
func (in intervention) describe(w words, r idempotency.Record) (what, follow, button string) {
	t, label := w.Pages.Confirm, w.state(string(r.State))
	if in.Kind == interventionResolve && in.AcceptRisk {
		return t.CloseWhat, t.CloseFollow, t.CloseYes
	}
	switch in.Kind + " " + in.As {
	case "resolve succeeded":
		return t.SucceededWhat, t.SucceededFollow, t.SucceededYes
	case "resolve failed":
		return t.FailedWhat, t.FailedFollow, t.FailedYes
	case "resolve not-received":
		return t.NotReceivedWhat, t.NotReceivedFollow, t.NotReceivedYes
	case "anomaly accept":
		if r.State == idempotency.Failed {
			return t.AcceptWhat, t.AcceptPaidFollow, t.AcceptPaidYes
		}
		return t.AcceptWhat, t.AcceptFollow(label), t.AcceptYes
	case "anomaly reverse":
		if r.State == idempotency.Succeeded {
			return t.ReverseWhat, t.ReverseFollow, t.ReverseYes
		}
		return t.LateWhat, t.LateFollow(label), t.ReverseYes
	case "release ":
		return t.ReleaseWhat, t.ReleaseFollow, t.ReleaseYes
	case "cancel ":
		return t.CancelWhat, t.CancelFollow, t.CancelYes
	}
	if in.AcceptRisk {
		return t.RiskWhat, t.RiskFollow, t.RiskYes
	}
	return t.RetryWhat, t.RetryFollow, t.RetryYes
}

// apply carries the intervention out and redirects to the payment, so that reloading the page
// repeats nothing.
func (p *pages) apply(ctx context.Context, w http.ResponseWriter, r *http.Request, in intervention, _ idempotency.Record) {
	if _, err := in.apply(ctx, p.Ledger); err != nil {
		p.failed(w, r, in.Key, err)
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
