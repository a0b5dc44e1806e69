package idempotency_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/idempotency/internal/idempotencytest"
	"github.com/remesa/remesa/internal/explain"
)

func TestEachStoryIsToldAsItWent(t *testing.T) {
	t.Parallel()
	idempotencytest.Tell(t, memoryFixtures(1), func(r idempotency.Record) []string {
		var texts []string
		for _, s := range explain.Explain(r).Sentences {
			texts = append(texts, s.Text)
		}
		return texts
	})
}

// TestEachPaymentOfTheSuiteIsTold: a sentence for each entry of its history, in order; each state
// and each contradiction that its outcome events tell; and what was executed by the record only.
func TestEachPaymentOfTheSuiteIsTold(t *testing.T) {
	t.Parallel()
	payments, words := 0, map[string]bool{}
	idempotencytest.EachPayment(t, memoryFixtures(1), func(t *testing.T, r idempotency.Record, events []idempotencytest.Event) {
		payments++
		story := explain.Explain(r)
		if len(story.Sentences) != len(r.History) {
			t.Fatalf("%d sentences for %d entries", len(story.Sentences), len(r.History))
		}
		var states, kinds []string
		for i, s := range story.Sentences {
			h := r.History[i]
			words[s.Text] = true
			if !s.At.Equal(h.At) || s.State != h.State || s.Text == "" {
				t.Errorf("entry %d, %+v, is told as %+v", i, h, s)
			}
			if i == 0 || s.State != r.History[i-1].State || s.State.Final() && strings.HasPrefix(h.Note, "by ") {
				states = append(states, string(s.State))
			}
			if _, kind, is := strings.Cut(s.Text, "(anomaly "); is {
				kinds = append(kinds, kind[:strings.IndexByte(kind, ')')])
			}
			if saysExecuted(s.Text) && h.State != idempotency.Succeeded && h.State != idempotency.Reversed {
				t.Errorf("%s is told as executed: %s", h.State, s.Text)
			}
		}
		var published []string
		contradictions := 0 // their events do not name them
		for _, e := range events {
			switch e.Kind {
			case "state":
				published = append(published, e.State)
			case "anomaly":
				contradictions++
			}
		}
		if !slices.Equal(states, published) {
			t.Errorf("told are %v, published were %v", states, published)
		}
		if len(kinds) != contradictions || r.Anomaly != "" && kinds[len(kinds)-1] != r.Anomaly {
			t.Errorf("told are the anomalies %v, published were %d; the record has %q", kinds, contradictions, r.Anomaly)
		}
		if story.Next.Text == "" || story.Next.Who == "" || !strings.HasPrefix(story.Now, "It is "+string(r.State)) {
			t.Errorf("%+v", story)
		}
		if r.Code != "" && !strings.Contains(story.Now, r.Code) {
			t.Errorf("the code %s is not told: %s", r.Code, story.Now)
		}
	})
	t.Logf("%d payments, %d different sentences", payments, len(words))
	if payments < 300 || len(words) < 50 {
		t.Errorf("only %d payments with %d different sentences were told", payments, len(words))
	}
}

// saysExecuted reports whether a sentence says for certain that the payment was executed.
func saysExecuted(text string) bool {
	for _, words := range []string{"that the payment was executed, so it succeeded", "found that it was executed", "settled it as succeeded"} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

func TestALongHistorySaysThatEntriesMayBeMissing(t *testing.T) {
	t.Parallel()
	f := memoryFixtures(1)(t, idempotency.DefaultPolicy())
	k := idempotency.Key{Provider: f.Provider, Account: idempotency.DefaultAccount, Reference: "long"}
	_, err := f.Ledger.Register(t.Context(), idempotency.Registration{
		Key: k, Type: "payout", Fingerprint: "v1:x", Amount: "100", Currency: "CLP", Payload: []byte("{}"),
	})
	for range 40 {
		id := idempotency.NewAttempt()
		if _, err := f.Ledger.Begin(t.Context(), k, idempotency.BeginParams{Attempt: id, Lease: 60e9}); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Ledger.Release(t.Context(), k, id, "connect", 0); err != nil {
			t.Fatal(err)
		}
	}
	r, showErr := f.Ledger.Show(t.Context(), k)
	if err != nil || showErr != nil {
		t.Fatal(err, showErr)
	}
	missing := 0
	for i, s := range explain.Explain(r).Sentences {
		if strings.Contains(s.Text, "may have been left out") {
			missing++
			if gap := s.At.Sub(r.History[max(i-1, 0)].At); i != r.HistoryGap() || gap < 0 {
				t.Errorf("entry %d: %s", i, s.Text)
			}
		}
	}
	if missing != 1 {
		t.Errorf("%d sentences say that entries may be missing", missing)
	}
}
