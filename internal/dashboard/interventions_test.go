package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
)

// fields makes a form of this intervention on virtualpos/p, changed by pairs of name and value.
func fields(changes ...string) url.Values {
	f := url.Values{"step": {"resolve"}, "as": {"succeeded"}, "key": {"virtualpos/p"}, "version": {"7"}, "by": {"ana"}, "note": {"seen in the bank"}}
	for i := 0; i < len(changes); i += 2 {
		f.Set(changes[i], changes[i+1])
	}
	return f
}

func TestEachStepIsConfirmedThenTaken(t *testing.T) {
	for _, row := range []struct {
		state  idempotency.State
		form   url.Values
		says   []string
		called string
	}{
		{idempotency.Held, fields("provider_id", "id-9"), []string{"Settle it as succeeded?", "Provider&#39;s id id-9", "Yes, it was paid"},
			"resolve virtualpos/p 7 by ana (login ana, 192.0.2.1): seen in the bank[succeeded id-9 ]"},
		{idempotency.InDoubt, fields("as", "failed", "decline", "hard"), []string{"Settle it as failed?", "Kind of refusal hard"},
			"resolve virtualpos/p 7 by ana (login ana, 192.0.2.1): seen in the bank[failed  hard]"},
		{idempotency.Held, fields("as", "failed", "risk", "yes"), []string{"Settle it as failed, and close its attempts?", "it is paid twice", "Yes, nothing was executed"},
			"resolve virtualpos/p 7 by ana (login ana, 192.0.2.1): seen in the bank[failed   attempts closed]"},
		{idempotency.Held, fields("as", "not-received"), []string{"Settle it as not received?"}, "resolve virtualpos/p 7 by ana (login ana, 192.0.2.1): seen in the bank[not-received  ]"},
		{idempotency.Failed, fields("step", "anomaly", "as", "accept"), []string{"Accept the anomaly?", "becomes succeeded"},
			"anomaly virtualpos/p 7 by ana (login ana, 192.0.2.1): seen in the bank[reverse false]"},
		{idempotency.Succeeded, fields("step", "anomaly", "as", "reverse"), []string{"Reverse the payment?", "becomes reversed"},
			"anomaly virtualpos/p 7 by ana (login ana, 192.0.2.1): seen in the bank[reverse true]"},
		{idempotency.Blocked, fields("step", "release", "as", ""), []string{"Release it?"}, "unblock virtualpos/p 7 by ana (login ana, 192.0.2.1): seen in the bank[]"},
		{idempotency.Blocked, fields("step", "cancel", "as", ""), []string{"Cancel it?"}, "cancel virtualpos/p 7 by ana (login ana, 192.0.2.1): seen in the bank[]"},
		{idempotency.Failed, fields("step", "retry", "as", ""), []string{"Begin it again?"}, "retry virtualpos/p 7 by ana (login ana, 192.0.2.1): seen in the bank[risk false]"},
		{idempotency.Failed, fields("step", "retry", "as", "", "risk", "yes"), []string{"although the first attempt may have been executed?", "paid twice"},
			"retry virtualpos/p 7 by ana (login ana, 192.0.2.1): seen in the bank[risk true]"},
	} {
		o := options(t)
		d := o.Ledger.(*fakeLedger)
		d.records[0].State = row.state
		h := New(o)
		w := ask(t, h, post("/payments/confirm", row.form.Encode()))
		if w.Code != http.StatusOK || len(d.calls) > 0 {
			t.Errorf("%v: %d %s, the ledger was told %q", row.form, w.Code, visible(w.Body.String()), d.calls)
			continue
		}
		contains(t, w.Body.String(), append(row.says, "12,500 CLP", "Reference p", "Your name ana", "Why seen in the bank")...)
		sent := hidden(w.Body.String())
		w = ask(t, h, post("/payments/apply", sent.Encode()))
		want := "/payments/show?key=virtualpos%2Fp&done=" + row.form.Get("step")
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != want || !slices.Equal(d.calls, []string{row.called}) {
			t.Errorf("%v: %d %q, the ledger was told %q", row.form, w.Code, w.Header().Get("Location"), d.calls)
		}
		contains(t, ask(t, h, get(want)).Body.String(), doneText(inEnglish(), row.form.Get("step")))
	}
}

func inEnglish() words { return words{i18n.New(i18n.English, nil)} }

// hidden is what the page's form to apply holds.
func hidden(html string) url.Values {
	f := url.Values{}
	_, html, _ = strings.Cut(html, `action="/payments/apply"`)
	for _, input := range strings.Split(html, `<input type="hidden" name="`)[1:] {
		name, rest, _ := strings.Cut(input, `" value="`)
		value, _, _ := strings.Cut(rest, `"`)
		f.Set(name, value)
	}
	return f
}

func TestAFormThatIsNotFilledInIsShownAgain(t *testing.T) {
	for _, row := range []struct {
		form url.Values
		says string
	}{
		{fields("by", ""), "Give your name"},
		{fields("by", "   "), "Give your name"},
		{fields("by", "Eva (login eva, 10.0.0.1)"), "without brackets"},
		{fields("note", ""), "Say why"},
		{fields("note", strings.Repeat("x", 480)), "Name, login and note together"},
		{fields("as", ""), "Choose what became of the payment."},
		{fields("as", "reversed"), "Choose what became of the payment."},
		{fields("as", "not-received", "provider_id", "x"), "A provider id contradicts"},
		{fields("decline", "soft"), "goes with Failed only"},
		{fields("risk", "yes"), "Closing the attempts goes with Failed only"},
		{fields("as", "not-received", "risk", "yes"), "Closing the attempts goes with Failed only"},
		{fields("as", "failed", "decline", "perhaps"), "soft or hard"},
		{fields("note", strings.Repeat("ñ", 260)), "at most 500 bytes"},
		{fields("provider_id", strings.Repeat("x", 129)), "at most 128 characters"},
		{fields("step", "anomaly", "as", "both"), "accept or to reverse"},
	} {
		for _, path := range []string{"/payments/confirm", "/payments/apply"} {
			o := options(t)
			d := o.Ledger.(*fakeLedger)
			d.records[0].Anomaly = "second_success"
			w := ask(t, New(o), post(path, row.form.Encode()))
			if w.Code != http.StatusUnprocessableEntity || len(d.calls) > 0 {
				t.Errorf("%s %v: %d, the ledger was told %q", path, row.form, w.Code, d.calls)
			}
			contains(t, w.Body.String(), "Nothing was changed:", row.says)
			if note := row.form.Get("note"); note != "" && !strings.Contains(w.Body.String(), note) {
				t.Errorf("%v: what was typed is lost", row.form)
			}
		}
	}
}

func TestWhatNoPageOfOursSendsIsRefused(t *testing.T) {
	for _, body := range []string{"", "%zz", "step=resolve", fields("step", "destroy").Encode(), fields("key", "..").Encode(), fields("version", "x").Encode(),
		fields("by", "a\x00").Encode(), fields("note", "a\nb").Encode(), fields("note", "\xff").Encode(), fields("provider_id", "a\x1b[2J").Encode()} {
		for _, path := range []string{"/payments/confirm", "/payments/apply"} {
			o := options(t)
			w := ask(t, New(o), post(path, body))
			if d := o.Ledger.(*fakeLedger); w.Code != http.StatusBadRequest || len(d.calls) > 0 {
				t.Errorf("%s %q: %d, the ledger was told %q", path, body, w.Code, d.calls)
			}
		}
	}
	o := options(t)
	if w := ask(t, New(o), get("/payments/apply?"+goodForm())); w.Code != http.StatusMethodNotAllowed || len(o.Ledger.(*fakeLedger).calls) > 0 {
		t.Errorf("a form in an address: %d", w.Code)
	}
	r := post("/payments/apply?"+goodForm(), "")
	if w := ask(t, New(o), r); w.Code != http.StatusBadRequest || len(o.Ledger.(*fakeLedger).calls) > 0 {
		t.Errorf("a form in the address of a post: %d", w.Code)
	}
}

// leavingLedger is one whose reader goes away as soon as it is told to do something.
type leavingLedger struct {
	*fakeLedger
	leave context.CancelFunc
	ended error
}

func (l *leavingLedger) Halt(ctx context.Context, _, _ string, _ idempotency.Actor) error {
	l.leave()
	l.ended = ctx.Err()
	return nil
}

func (l *leavingLedger) Resolve(ctx context.Context, _ idempotency.Key, _ int64, _ idempotency.Resolution) (idempotency.Transition, error) {
	l.leave()
	l.ended = ctx.Err()
	return idempotency.Transition{}, nil
}

// TestABrowserThatGoesAwayEndsNothing that it asked for: a halt would reach some partitions, and
// not others.
func TestABrowserThatGoesAwayEndsNothing(t *testing.T) {
	for path, form := range map[string]string{"/payments/halts": haltOf("virtualpos").Encode(), "/payments/apply": goodForm()} {
		ctx, leave := context.WithCancel(t.Context())
		l := &leavingLedger{newFakeLedger(), leave, errors.New("the ledger was told nothing")}
		o := options(t)
		o.Ledger = l
		ask(t, New(o), post(path, form).WithContext(ctx))
		if l.ended != nil {
			t.Errorf("%s: %v", path, l.ended)
		}
	}
}

func TestAPaymentThatMovedOnIsNotTouched(t *testing.T) {
	for _, path := range []string{"/payments/confirm", "/payments/apply"} {
		o := options(t)
		d := o.Ledger.(*fakeLedger)
		w := ask(t, New(o), post(path, fields("version", "6").Encode()))
		if w.Code != http.StatusConflict || len(d.calls) > 0 {
			t.Errorf("%s: %d, the ledger was told %q", path, w.Code, d.calls)
		}
		contains(t, w.Body.String(), "The payment moved on", "Nothing of what you sent was done", "Look at virtualpos/p")
	}
}

func TestWhatTheLedgerRefusesIsSaidInWords(t *testing.T) {
	for _, row := range []struct {
		err  error
		code int
		says string
	}{
		{fmt.Errorf("%w: the settle time has not passed; try again in 12 s", idempotency.ErrRefused), 422,
			"Nothing was changed: the settle time has not passed; try again in 12 s."},
		{fmt.Errorf("%w: an attempt may have been executed; --accept-double-risk takes that risk", idempotency.ErrRefused), 422,
			"Nothing was changed: an attempt may have been executed; the box below the note takes that risk."},
		{idempotency.ErrRefused, 422, "Nothing was changed: the ledger does not allow it now."},
		{idempotency.ErrVersionChanged, 409, "The payment moved on"},
		{fmt.Errorf("virtualpos/p: %w", idempotency.ErrUnknown), 404, "No such payment"},
		{fmt.Errorf("dial tcp: canary"), 503, "The ledger cannot be read"},
	} {
		o := options(t)
		o.Ledger.(*fakeLedger).refuses = row.err
		w := ask(t, New(o), post("/payments/apply", fields().Encode()))
		if w.Code != row.code || strings.Contains(w.Body.String(), "canary") {
			t.Errorf("%v: %d %s", row.err, w.Code, visible(w.Body.String()))
		}
		contains(t, w.Body.String(), row.says)
	}
}

func TestEachStateOffersTheStepsThatItAllows(t *testing.T) {
	for state, want := range map[idempotency.State][]string{
		idempotency.Queued: {"cancel"}, idempotency.Sending: nil, idempotency.Ready: {"cancel"}, idempotency.InDoubt: {"resolve"},
		idempotency.Pending: {"resolve"}, idempotency.Held: {"resolve"}, idempotency.Blocked: {"release", "cancel"},
		idempotency.Succeeded: nil, idempotency.Failed: {"retry"}, idempotency.Reversed: nil,
	} {
		d := newFakeLedger()
		d.records[0].State = state
		_, html := view(t, d, "/payments/show?key=virtualpos/p")
		var got []string
		for _, part := range strings.Split(html, `name="step" value="`)[1:] {
			kind, _, _ := strings.Cut(part, `"`)
			got = append(got, kind)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s offers %q", state, got)
		}
		if offered := strings.Contains(html, `value="not-received"`); offered != (state == idempotency.Held) {
			t.Errorf("%s: not received is offered: %t", state, offered)
		}
	}
}

// TestTheAttemptsCanBeClosedWhereOneMayHaveBeenExecuted: and the box is nowhere else, nor ticked by
// itself.
func TestTheAttemptsCanBeClosedWhereOneMayHaveBeenExecuted(t *testing.T) {
	for _, row := range []struct {
		state   idempotency.State
		left    bool
		anomaly string
		offered bool
	}{
		{idempotency.Held, true, "", true},
		{idempotency.InDoubt, true, "", true},
		{idempotency.Pending, true, "", true},
		{idempotency.Failed, true, "", true},
		{idempotency.Held, false, "", false},
		{idempotency.Failed, false, "", false},
		{idempotency.Held, true, "refused_after_pending", false},
		{idempotency.Failed, true, "late_success", false},
		{idempotency.Sending, true, "", false},
		{idempotency.Succeeded, true, "", false},
	} {
		d := newFakeLedger()
		r := &d.records[0]
		r.State, r.MayHaveLeft, r.Anomaly = row.state, row.left, row.anomaly
		_, html := view(t, d, "/payments/show?key=virtualpos/p")
		if strings.Contains(html, "I know that nothing was executed: close the attempts too") != row.offered || strings.Contains(html, `value="yes" checked`) {
			t.Errorf("%+v: %s", row, visible(html))
		}
	}
}
