package idempotency

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/remesa/remesa/idempotency/rules"
)

// Epoch is one life of a provider's store, with what is known to be forgotten; see package rules.
type Epoch = rules.Epoch

// Loss is what a store is known to have forgotten.
type Loss = rules.Loss

// ErrForgot: the store counts fewer sends than this process has seen. Nothing was sent; the payment
// is queried first from now on.
var ErrForgot = errors.New("the store has forgotten sends")

// StoreReading is what a store says about itself.
type StoreReading struct {
	// Epoch is the epoch's text as it stands in the store; empty if there is none.
	Epoch string
	rules.StoreFacts
	// Halts are the entries of the halts in force, by account.
	Halts map[string]string
	Now   rules.Time
}

// EpochCommit replaces the epoch, unless its text has changed meanwhile.
type EpochCommit struct {
	From, To string
	// Sequence, if it is not zero, is the number from which the store counts on.
	Sequence int64
	// Change is published as the code of an outcome event, unless it is rules.EpochFirst.
	Change            rules.EpochChange
	Number, Version   int64
	Now               rules.Time
	OutcomesRetention time.Duration
}

// epochCache is what this process knows of the providers' stores.
type epochCache struct {
	mu    sync.Mutex
	known map[Partition]*knownEpoch
}

// knownEpoch is one provider's: the epoch as it was read last, and the highest sequence number that
// any write has returned.
type knownEpoch struct {
	mu       sync.Mutex
	text     string
	epoch    rules.Epoch
	sequence int64
	halts    map[string]string
	// behind, where proven is set, is what the store counted when a write proved that it had
	// forgotten sends.
	behind int64
	proven bool
}

func (c *epochCache) of(p Partition) *knownEpoch {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[Partition]*knownEpoch{}
	}
	if c.known[p] == nil {
		c.known[p] = &knownEpoch{}
	}
	return c.known[p]
}

// epochFacts is the epoch from which a change is decided.
type epochFacts struct {
	text     string
	epoch    rules.Epoch
	sequence int64
}

func (k *knownEpoch) facts() epochFacts {
	k.mu.Lock()
	defer k.mu.Unlock()
	return epochFacts{k.text, k.epoch, k.sequence}
}

// counted notes a sequence number. It returns ErrForgot if this process had seen it before the
// write that returned it.
func (k *knownEpoch) counted(before epochFacts, sequence int64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if sequence <= before.sequence {
		if !k.proven || sequence <= k.behind {
			k.behind, k.proven = sequence-1, true
		}
		return fmt.Errorf("%w: it counts %d, and %d were seen", ErrForgot, sequence, before.sequence)
	}
	k.sequence = max(k.sequence, sequence)
	return nil
}

// epoch returns the provider's epoch, and reads it if this process has not yet.
func (l *Ledger) epoch(ctx context.Context, p Partition) (epochFacts, error) {
	f := l.epochs.of(p).facts()
	if f.text != "" {
		return f, nil
	}
	return l.refreshEpoch(ctx, p, f)
}

// refreshEpoch reads the epoch again, unless another caller has done so since outdated was read,
// and begins a new one where the rules say so.
func (l *Ledger) refreshEpoch(ctx context.Context, p Partition, outdated epochFacts) (epochFacts, error) {
	known := l.epochs.of(p)
	known.mu.Lock()
	defer known.mu.Unlock()
	if known.text != outdated.text {
		return epochFacts{known.text, known.epoch, known.sequence}, nil
	}
	_, err := l.readEpoch(ctx, p, known)
	return epochFacts{known.text, known.epoch, known.sequence}, err
}

// CheckEpoch reads the provider's epoch, and begins a new one if the server was restarted, another
// one has taken over, or the store has forgotten sends. In a new epoch it restores the halts that
// the store has lost; restored names their accounts. sequence is the highest number of a send that
// the store or this process has counted.
func (l *Ledger) CheckEpoch(ctx context.Context, p Partition) (e Epoch, sequence int64, restored []string, err error) {
	known := l.epochs.of(p)
	known.mu.Lock()
	defer known.mu.Unlock()
	before, halts := known.epoch.Number, known.halts
	if _, err := l.readEpoch(ctx, p, known); err != nil {
		return Epoch{}, 0, nil, err
	}
	if before != 0 && before != known.epoch.Number {
		restored, err = l.restoreHalts(ctx, p, halts, known.halts)
		for _, account := range restored {
			known.halts[account] = halts[account]
		}
	}
	return known.epoch, known.sequence, restored, err
}

// restoreHalts halts again what was halted when this process looked last.
func (l *Ledger) restoreHalts(ctx context.Context, p Partition, before, now map[string]string) (restored []string, err error) {
	for account, entry := range before {
		if _, halted := now[account]; halted {
			continue
		}
		if err := l.store.Halt(ctx, p.String(), account, entry, true); err != nil {
			return restored, fmt.Errorf("restore halt of %s: %w", p, err)
		}
		restored = append(restored, account)
	}
	return restored, nil
}

// readEpoch reads the epoch into known, which the caller has locked, and writes the next one where
// the rules say so.
func (l *Ledger) readEpoch(ctx context.Context, p Partition, known *knownEpoch) (StoreReading, error) {
	for range maxTries {
		got, err := l.store.Epoch(ctx, p.String())
		if err != nil {
			return got, epochError(p, err)
		}
		stored, err := parseEpoch(got.Epoch)
		if err != nil {
			return got, epochError(p, err)
		}
		facts := got.StoreFacts
		if known.proven {
			facts.Sequence = min(facts.Sequence, known.behind)
		}
		remembered := rules.KnownStore{Epoch: known.epoch.Number, Sequence: known.sequence}
		next, why := rules.NextEpoch(stored, facts, remembered, got.Now)
		done := true
		if why != rules.EpochUnchanged {
			c := l.epochCommit(p, got, next, why)
			c.Sequence = max(known.sequence, got.Sequence)
			if done, err = l.store.CommitEpoch(ctx, p.String(), c); err != nil {
				return got, epochError(p, err)
			}
			got.Epoch, got.Sequence = c.To, c.Sequence
		}
		if done { // else another process was faster
			known.text, known.epoch, known.halts = got.Epoch, next, got.Halts
			known.sequence, known.proven = max(known.sequence, got.Sequence), false
			return got, nil
		}
	}
	return StoreReading{}, epochError(p, ErrContended)
}

func (l *Ledger) epochCommit(p Partition, got StoreReading, next Epoch, why rules.EpochChange) EpochCommit {
	return EpochCommit{
		From: got.Epoch, To: next.Text(), Change: why, Number: next.Number, Version: next.Version, Now: got.Now,
		OutcomesRetention: l.policy(p.Provider).OutcomesRetention,
	}
}

func parseEpoch(text string) (rules.Epoch, error) {
	var e rules.Epoch
	if text == "" {
		return e, nil
	}
	if err := e.Parse(text); err != nil {
		return e, fmt.Errorf("%w: the epoch is no JSON of an epoch", ErrDamaged)
	}
	return e, nil
}

func epochError(p Partition, err error) error {
	return fmt.Errorf("epoch of %s: %w", p, err)
}

// Epoch reads the provider's epoch and changes nothing; the zero Epoch where nobody has used the
// store yet. With several partitions it is that of the first that has forgotten sends, else that of
// the home partition.
func (l *Ledger) Epoch(ctx context.Context, provider string) (Epoch, error) {
	parts, err := l.KnownPartitions(ctx, provider)
	if err != nil {
		return Epoch{}, err
	}
	var home Epoch
	for i, p := range parts {
		got, err := l.store.Epoch(ctx, p.String())
		if err != nil {
			return Epoch{}, epochError(p, err)
		}
		e, err := parseEpoch(got.Epoch)
		if err != nil {
			return Epoch{}, epochError(p, err)
		}
		if e.Loss != nil {
			return e, nil
		}
		if i == 0 {
			home = e
		}
	}
	return home, nil
}

// Witness tells the ledger the number of a send that this process, or an earlier one on this
// machine, has seen. If the store counts fewer, the next CheckEpoch proves a loss.
func (l *Ledger) Witness(p Partition, sequence int64) {
	known := l.epochs.of(p)
	known.mu.Lock()
	defer known.mu.Unlock()
	known.sequence = max(known.sequence, sequence)
}

// AccountFor reports sends that this process has made and whose results are on record. When each
// send of a proven loss is accounted for, the loss ends. It returns how many of the missing sends
// are accounted for.
func (l *Ledger) AccountFor(ctx context.Context, p Partition, sequences []int64) (int64, error) {
	e, _, _, err := l.CheckEpoch(ctx, p)
	if err != nil || e.Loss == nil {
		return 0, err
	}
	var missing []int64
	for _, s := range sequences {
		if e.Loss.From < s && s <= e.Loss.To {
			missing = append(missing, s)
		}
	}
	n, err := l.store.AccountFor(ctx, p.String(), e.Number, missing)
	if err != nil || n < e.Loss.Missing() || e.Loss.Declared != "" || e.Loss.Missing() == 0 {
		return n, err
	}
	return n, l.changeEpoch(ctx, p, rules.EpochAccounted, func(now Epoch, _ rules.Time) (Epoch, error) {
		if now.Text() != e.Text() {
			return now, nil // the loss has grown, or somebody has ended it
		}
		return rules.CloseLoss(now), nil
	})
}

// DeclareLoss is an operator's word that the provider's store has forgotten sends, because a backup
// was restored for example. at is the backup's time; zero if unknown. From now on what waits to be
// sent is queried first, until CloseLoss.
func (l *Ledger) DeclareLoss(ctx context.Context, provider string, at time.Time, by Actor) error {
	if err := by.validate(); err != nil {
		return err
	}
	parts, err := l.KnownPartitions(ctx, provider)
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range parts {
		errs = append(errs, l.changeEpoch(ctx, p, rules.EpochDeclared, func(e Epoch, now rules.Time) (Epoch, error) {
			return rules.DeclareLoss(e, fromTime(at), now, by.By+": "+by.Note), nil
		}))
	}
	return errors.Join(errs...)
}

// CloseLoss ends a loss: what still waits is sent without a query.
func (l *Ledger) CloseLoss(ctx context.Context, provider string, by Actor) error {
	if err := by.validate(); err != nil {
		return err
	}
	parts, err := l.KnownPartitions(ctx, provider)
	if err != nil {
		return err
	}
	open := false
	var errs []error
	for _, p := range parts {
		errs = append(errs, l.changeEpoch(ctx, p, rules.EpochClosed, func(e Epoch, _ rules.Time) (Epoch, error) {
			if e.Loss == nil {
				return e, nil
			}
			open = true
			return rules.CloseLoss(e), nil
		}))
	}
	if err := errors.Join(errs...); err != nil || open {
		return err
	}
	return fmt.Errorf("%w: no loss is open for %s", ErrRefused, provider)
}

// changeEpoch writes what change makes of the epoch, again if another process was faster.
func (l *Ledger) changeEpoch(ctx context.Context, p Partition, why rules.EpochChange, change func(Epoch, rules.Time) (Epoch, error)) error {
	known := l.epochs.of(p)
	known.mu.Lock()
	defer known.mu.Unlock()
	for range maxTries {
		got, err := l.readEpoch(ctx, p, known)
		if err != nil {
			return err
		}
		next, err := change(known.epoch, got.Now)
		if err != nil || next.Text() == known.text {
			return err
		}
		c := l.epochCommit(p, got, next, why)
		switch done, err := l.store.CommitEpoch(ctx, p.String(), c); {
		case err != nil:
			return epochError(p, err)
		case done:
			known.text, known.epoch = c.To, next
			return l.store.AwaitReplicas(ctx, p.String())
		}
	}
	return epochError(p, ErrContended)
}
