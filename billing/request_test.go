package billing

import (
	"errors"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/tasks"
)

// requestFixture is a client with one subscription "s" on a real Redis, and a sweeper beside it.
type requestFixture struct {
	*Client
	sweeper *Sweeper
}

func newRequestFixture(t *testing.T) *requestFixture {
	t.Helper()
	t.Parallel()
	rdb := redistest.Start(t).Client()
	store, ledger := NewStore(rdb, StoreOptions{}), idempotency.NewRedis(rdb, idempotency.Options{})
	intake := tasks.NewClient(ledger, rdb, tasks.ClientOptions{})
	c := NewClient(ClientConfig{Store: store, Ledger: ledger, Intake: intake})
	s, err := tasks.DecodeSubscription([]byte(`{"id":"s","provider":"etpay","amount":"50000","currency":"CLP","start":"2099-07-31",` +
		`"schedule":{"every":"quarter","at":"00:00","timezone":"America/Santiago"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Add(t.Context(), s); err != nil || got[0].Outcome != Added {
		t.Fatalf("%+v %v", got, err)
	}
	return &requestFixture{c, NewSweeper(SweeperConfig{Store: store, Ledger: ledger, Intake: intake, Log: zerolog.Nop()})}
}

func (f *requestFixture) stored(t *testing.T) Stored {
	t.Helper()
	held, err := f.find(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	return held
}

func (f *requestFixture) sweep(t *testing.T) {
	t.Helper()
	if err := f.sweeper.SweepOne(t.Context(), "etpay", "s"); err != nil {
		t.Fatal(err)
	}
}

func TestARequestIsCarriedOutThoughTheSweepMovesTheSubscription(t *testing.T) {
	f := newRequestFixture(t)
	decided := 0
	_, err := f.write(t.Context(), f.stored(t), func(s Stored, now time.Time) (Update, error) {
		if decided++; decided < 4 {
			f.sweep(t)
		}
		d, err := s.Record.Pause(now, Actor{By: "Ana"})
		return Update{Decision: d}, err
	})
	if state := f.stored(t).Record.State; err != nil || state != Paused || decided != 4 {
		t.Errorf("%s after %d decisions, %v", state, decided, err)
	}
	_, err = f.write(t.Context(), f.stored(t), func(s Stored, now time.Time) (Update, error) {
		f.sweep(t)
		d, err := s.Record.Resume(now, Actor{By: "Ana"})
		return Update{Decision: d}, err
	})
	if !errors.Is(err, ErrVersionChanged) || err.Error() != "s: the subscription changed meanwhile" {
		t.Errorf("one that never rests: %v", err)
	}
}

func TestARequestWhoseAnswerWasLostIsNotCarriedOutTwice(t *testing.T) {
	for sentence, at := range map[string]int{"at the first try": 1, "at the last": tries} {
		t.Run(sentence, func(t *testing.T) {
			f := newRequestFixture(t)
			decided := 0
			before, err := f.write(t.Context(), f.stored(t), func(s Stored, now time.Time) (Update, error) {
				if decided++; decided < at {
					f.sweep(t)
				}
				d, err := s.Record.Pause(now, Actor{By: "Ana"})
				if err == nil && decided == at { // written by a try of which the client hears nothing
					_, err = f.config.Store.Commit(t.Context(), Update{Decision: d})
				}
				return Update{Decision: d}, err
			})
			if err != nil || decided != at || before.State != Active {
				t.Errorf("%v after %d decisions, made from a record that is %s", err, decided, before.State)
			}
		})
	}
}
