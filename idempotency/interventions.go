package idempotency

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/remesa/remesa/idempotency/rules"
	"github.com/remesa/remesa/internal/merge"
)

// Record is a payment as operators see it.
type Record struct {
	Key          Key
	Type         string
	State        State
	Version      int64
	ProviderID   string
	Code         string
	Message      string
	Decline      string
	Amount       string
	Currency     string
	Attempts     int
	Created      time.Time
	Updated      time.Time
	ActionURL    string
	Metadata     map[string]string
	MayHaveLeft  bool
	Anomaly      string
	Subscription string
	Period       string
	// Partition is the number of the partition that keeps the payment.
	Partition int
	// Fingerprint is that of the Registration.
	Fingerprint string
	// LeaseEnd is until when an attempt owns the payment; zero unless it is sending.
	LeaseEnd time.Time
	// Polls counts the status results since the payment was last sent that decided nothing,
	// NotFounds those that count as "not found".
	Polls, NotFounds int
	// NextDue is when the payment is due next; zero if it is not.
	NextDue time.Time
	// ParkReason is why the payment is parked, if it is. It is unparked when that reason ends.
	ParkReason string
	History    []AuditEntry
	// DecryptErr says why Metadata is missing, or Message, ActionURL or a note is still sealed; an
	// error of package seal.
	DecryptErr error

	historyGap int
}

// HistoryGap returns the index of the first entry of History before which others may have been left
// out; 0 if the history is whole. A history keeps its first entries and the newest.
func (r Record) HistoryGap() int { return r.historyGap }

// AuditEntry is one entry of a payment's history.
type AuditEntry struct {
	At      time.Time
	State   State
	Attempt int
	Note    string
	// Answer is the provider's that the entry tells of; zero if there was none, or an older version
	// wrote the entry.
	Answer Answer
	// Count is how often the same answer came, and Last when it came last; both are zero if it came
	// once. Answer.Took is that of the last one.
	Count int
	Last  time.Time
}

// OnlyAnswer reports whether the entry tells of a provider's answer that decided nothing; before is
// the state of the entry before it.
func (e AuditEntry) OnlyAnswer(before State) bool {
	return e.Answer != (Answer{}) && e.State == before && e.Note == ""
}

func record(p Partition, k Key, loaded LoadResult) Record {
	s := &loaded.Record
	r := Record{
		Key: k, Type: s.Type, State: s.State, Version: s.Version, ProviderID: s.ProviderID, Code: s.Code, Message: s.Message,
		Decline: string(s.Decline), Amount: s.Amount, Currency: s.Currency, Attempts: s.AttemptCount, Created: asTime(s.Created),
		Updated: asTime(max(s.Created, s.Updated)), ActionURL: s.ActionURL, MayHaveLeft: s.MayHaveLeft(), Subscription: s.Subscription,
		Period: s.Period, Fingerprint: s.Fingerprint, Partition: p.Number, Polls: s.Polls, NotFounds: s.NotFounds, NextDue: asTime(loaded.Due),
		historyGap: s.HistoryGap(),
	}
	if s.State == Sending {
		r.LeaseEnd = asTime(s.LeaseEnd)
	}
	if s.Anomaly != nil {
		r.Anomaly = s.Anomaly.Kind
	}
	for _, e := range s.AuditTrail() {
		r.History = append(r.History, AuditEntry{
			At: asTime(e.At), State: e.State, Attempt: e.Attempt, Note: e.Note, Answer: e.Answer, Count: e.Count, Last: asTime(e.Last),
		})
	}
	return r
}

// Show returns a payment's record; ErrUnknown where there is none.
func (l *Ledger) Show(ctx context.Context, k Key) (Record, error) {
	if err := l.learnPartitions(ctx, k.Provider); err != nil {
		return Record{}, fmt.Errorf("read %s: %w", k, err)
	}
	part := l.PartitionOf(k)
	all, err := l.store.Load(ctx, part.String(), []LoadRequest{{ID: k.id(), Account: k.Account, Due: true}})
	switch {
	case err != nil:
		return Record{}, fmt.Errorf("read %s: %w", k, err)
	case all[0].Err != nil:
		return Record{}, fmt.Errorf("read %s: %w", k, all[0].Err)
	case all[0].Text == "":
		return Record{}, fmt.Errorf("%s: %w", k, ErrUnknown)
	}
	r := []Record{record(part, k, all[0])}
	l.openRecord(&r[0], all[0].Record.Metadata)
	return r[0], l.setParkReasons(ctx, part, r)
}

// List calls yield for the payments that match, oldest first within a state, until it returns
// false. Open states, anomalies and what failed in the last 30 days are indexed; for other states
// List reads all records. It skips records that cannot be read: see Filter.Damaged. Where a
// partition cannot be read, List yields the payments of the others before it returns the error.
func (l *Ledger) List(ctx context.Context, f Filter, yield func(Record) bool) error {
	parts, err := l.KnownPartitions(ctx, f.Provider)
	switch {
	case err != nil:
		return err
	case len(parts) == 1:
		return l.listPartition(ctx, parts[0], f, yield)
	}
	errs := make([]error, len(parts))
	lists := make([]iter.Seq2[Record, error], len(parts))
	for i, p := range parts {
		lists[i] = func(yield func(Record, error) bool) {
			errs[i] = l.listPartition(ctx, p, f, func(r Record) bool { return yield(r, nil) })
		}
	}
	for r := range merge.Ordered(inListOrder, lists...) { //nolint:errcheck // the lists yield none: their errors are in errs
		if !yield(r) {
			break
		}
	}
	return errors.Join(errs...)
}

// inListOrder is the order of the states index: by state, then by registration, what failed by when
// it did.
func inListOrder(a, b Record) int {
	return cmp.Or(cmp.Compare(rank[a.State], rank[b.State]), a.ListedAt().Compare(b.ListedAt()))
}

func (l *Ledger) listPartition(ctx context.Context, p Partition, f Filter, yield func(Record) bool) error {
	index := Index{State: f.State, Open: f.State == "", Anomalies: f.Anomalies, Suspected: f.Suspected}
	return l.store.ListIDs(ctx, p.String(), index, func(ids []string) (bool, error) {
		rs, err := l.load(ctx, p, f, ids)
		if err != nil {
			return false, err
		}
		for _, r := range rs {
			if !yield(r) {
				return false, nil
			}
		}
		return true, nil
	})
}

// ListedAt is when the payment came into its state's list: when it failed, else when it was
// registered.
func (r Record) ListedAt() time.Time {
	if r.State != Failed {
		return r.Created
	}
	for i := len(r.History) - 1; i > 0; i-- {
		if r.History[i].State == Failed && r.History[i-1].State != Failed {
			return r.History[i].At
		}
	}
	return r.Updated
}

// ListFrom returns payments in one indexed state (Filter.State: any but succeeded and reversed),
// oldest first, from those on that came into its list at an instant or later: at most limit, and
// whether there are more. It skips records that cannot be read.
func (l *Ledger) ListFrom(ctx context.Context, f Filter, since time.Time, limit int) (rs []Record, more bool, err error) {
	parts, err := l.KnownPartitions(ctx, f.Provider)
	switch {
	case err != nil:
		return nil, false, err
	case len(parts) == 1:
		return l.listPartitionFrom(ctx, parts[0], f, since, limit)
	}
	var ends []Record // behind each of these, its partition may have told less than it has
	for _, p := range parts {
		some, partly, err := l.listPartitionFrom(ctx, p, f, since, limit)
		if err != nil {
			return nil, false, err
		}
		if partly {
			ends = append(ends, slices.Concat([]Record{{}}, some)[len(some)])
		}
		rs, more = append(rs, some...), more || partly
	}
	slices.SortFunc(rs, inPageOrder)
	told := len(rs)
	for _, end := range ends {
		rs = slices.DeleteFunc(rs, func(r Record) bool { return inPageOrder(r, end) > 0 })
	}
	rs = rs[:min(limit, len(rs))]
	return rs, more || told >= limit, nil
}

// inPageOrder is the order of the index of one state.
func inPageOrder(a, b Record) int {
	return cmp.Or(a.ListedAt().Compare(b.ListedAt()), cmp.Compare(a.Key.id(), b.Key.id()))
}

func (l *Ledger) listPartitionFrom(ctx context.Context, p Partition, f Filter, since time.Time, limit int) (rs []Record, more bool, err error) {
	index := Index{State: f.State, Since: rules.Time(max(0, since.UnixMilli())), Limit: limit}
	found := 0
	err = l.store.ListIDs(ctx, p.String(), index, func(ids []string) (bool, error) {
		found += len(ids)
		page, err := l.load(ctx, p, f, ids)
		rs = append(rs, page...)
		return true, err
	})
	return rs, found == limit, err
}

// Scan returns some of the payments that match, in no order, and where to go on: it begins with an
// empty cursor and ends with one. It finds what no index has, and reads every record on the way.
// With a cursor that is none it returns ErrCursor.
func (l *Ledger) Scan(ctx context.Context, f Filter, cursor string) (rs []Record, next string, err error) {
	parts, err := l.KnownPartitions(ctx, f.Provider)
	if err != nil {
		return nil, "", err
	}
	at, rest, err := scanPlace(parts, cursor)
	if err != nil {
		return nil, "", err
	}
	p := parts[at]
	ids, next, err := l.store.ScanIDs(ctx, p.String(), rest)
	if err != nil {
		return nil, "", err
	}
	switch {
	case len(parts) == 1:
	case next != "":
		next = strconv.Itoa(at) + ":" + next
	case at+1 < len(parts):
		next = strconv.Itoa(at+1) + ":"
	}
	if len(ids) == 0 {
		return nil, next, nil
	}
	rs, err = l.load(ctx, p, f, ids)
	return rs, next, err
}

// scanPlace splits a cursor of Scan into the partition, where there are several, and its store's
// cursor.
func scanPlace(parts []Partition, cursor string) (at int, rest string, err error) {
	if len(parts) == 1 || cursor == "" {
		return 0, cursor, nil
	}
	number, rest, _ := strings.Cut(cursor, ":")
	if at, err = strconv.Atoi(number); err != nil || at < 0 || at >= len(parts) {
		return 0, "", fmt.Errorf("scan %s: %w", parts[0].Provider, ErrCursor)
	}
	return at, rest, nil
}

// load reads the payments that match of those with these ids.
func (l *Ledger) load(ctx context.Context, p Partition, f Filter, ids []string) ([]Record, error) {
	requests := make([]LoadRequest, len(ids))
	for i, id := range ids {
		requests[i] = LoadRequest{ID: id, Account: keyFromID(f.Provider, id).Account, Due: true}
	}
	all, err := l.store.Load(ctx, p.String(), requests)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", p, err)
	}
	rs := l.matching(p, f, ids, all)
	return rs, l.setParkReasons(ctx, p, rs)
}

// matching returns the records that match the filter, and reports those that cannot be read.
func (l *Ledger) matching(p Partition, f Filter, ids []string, all []LoadResult) []Record {
	var rs []Record
	for i, loaded := range all {
		k := keyFromID(f.Provider, ids[i])
		if loaded.Err != nil && f.Damaged != nil {
			f.Damaged(k, loaded.Err)
		}
		if loaded.Err != nil || loaded.Text == "" {
			continue
		}
		r := record(p, k, loaded)
		if f.State != "" && r.State != f.State {
			continue
		}
		l.openRecord(&r, loaded.Record.Metadata)
		rs = append(rs, r)
	}
	return rs
}

// Counts returns the number of payments in each open state, and of those that failed in the last 30
// days.
func (l *Ledger) Counts(ctx context.Context, provider string) (map[State]int64, error) {
	parts, err := l.KnownPartitions(ctx, provider)
	if err != nil {
		return nil, err
	}
	sum := map[State]int64{}
	for _, p := range parts {
		counts, err := l.store.Counts(ctx, p.String())
		if err != nil {
			return nil, err
		}
		for state, n := range counts {
			sum[state] += n
		}
	}
	return sum, nil
}

// intervene applies an operator's intervention. It returns ErrVersionChanged if the record has
// another version by now.
func (l *Ledger) intervene(ctx context.Context, operation string, k Key, version int64, p Actor,
	do func(r rules.Record, pol Policy, f rules.Facts, now rules.Time, iv rules.Intervention) (rules.Change, error),
) (Transition, error) {
	if err := p.validate(); err != nil {
		return Transition{}, err
	}
	iv := rules.Intervention{Version: version, Text: "by " + p.By + ": " + p.Note}
	pol := l.policy(k.Provider)
	return l.transition(ctx, operation, k, withPayload, func(loaded LoadResult, f rules.Facts) (rules.Change, error) {
		return do(loaded.Record, pol, f, loaded.Now, iv)
	})
}

// Resolve makes a payment that is in doubt, pending or held final, as an operator found out.
func (l *Ledger) Resolve(ctx context.Context, k Key, version int64, res Resolution) (Transition, error) {
	switch res.As {
	case rules.AsSucceeded, rules.AsFailed, rules.AsNotReceived:
	default:
		return Transition{}, fmt.Errorf("%w: as %q is not one of succeeded, failed, not-received", ErrRefused, res.As)
	}
	return l.intervene(ctx, "resolve", k, version, res.Actor,
		func(r rules.Record, p Policy, f rules.Facts, now rules.Time, iv rules.Intervention) (rules.Change, error) {
			return rules.Resolve(r, p, f, now, rules.ResolveParams{
				Intervention: iv, As: res.As, ProviderID: res.ProviderID, Decline: res.Decline, AcceptRisk: res.AcceptDoubleRisk,
			})
		})
}

// ClearAnomaly clears an anomaly. A failed payment succeeds with it; with reverse set, a succeeded
// one is reversed instead.
func (l *Ledger) ClearAnomaly(ctx context.Context, k Key, version int64, reverse bool, by Actor) (Transition, error) {
	return l.intervene(ctx, "clear_anomaly", k, version, by,
		func(r rules.Record, p Policy, f rules.Facts, now rules.Time, iv rules.Intervention) (rules.Change, error) {
			return rules.ClearAnomaly(r, p, f, now, reverse, iv)
		})
}

// Retry makes a failed payment ready again. A ready payment is due at once, and the throttling of
// its account ends.
func (l *Ledger) Retry(ctx context.Context, k Key, version int64, acceptDoubleRisk bool, by Actor) (Transition, error) {
	s, err := l.intervene(ctx, "retry", k, version, by,
		func(r rules.Record, p Policy, f rules.Facts, now rules.Time, iv rules.Intervention) (rules.Change, error) {
			return rules.Retry(r, p, f, now, acceptDoubleRisk, iv)
		})
	if err == nil && s.State == Ready && !s.StateChanged {
		err = parkingError(k.Provider, l.store.EndThrottle(ctx, k.Provider, k.Account))
	}
	return s, err
}

// SendForgotten makes a payment ready that is held because the store forgot sends, and that the
// provider did not find or cannot be queried about. The operator takes the risk that it was
// executed.
func (l *Ledger) SendForgotten(ctx context.Context, k Key, version int64, by Actor) (Transition, error) {
	return l.intervene(ctx, "send forgotten", k, version, by, rules.SendForgotten)
}

// Unblock queues a blocked payment.
func (l *Ledger) Unblock(ctx context.Context, k Key, version int64, by Actor) (Transition, error) {
	return l.intervene(ctx, "unblock", k, version, by, rules.Unblock)
}

// Cancel fails a queued, ready or blocked payment of which no attempt may have left.
func (l *Ledger) Cancel(ctx context.Context, k Key, version int64, by Actor) (Transition, error) {
	return l.intervene(ctx, "cancel", k, version, by, rules.Cancel)
}

const maxNote = 500

func (p Actor) validate() error {
	if p.By == "" || p.Note == "" {
		return fmt.Errorf("%w: an intervention needs a name and a note", ErrRefused)
	}
	if len(p.By)+len(p.Note) > maxNote {
		return fmt.Errorf("%w: name and note together take at most %d bytes", ErrRefused, maxNote)
	}
	return nil
}

// AllAccounts stands for every account of a provider in Halt and Unhalt.
const AllAccounts = "*"

// Halt stops new sends of a provider, or of one of its accounts; status queries go on. An empty
// account means all. It works although the store is full, because that is when it may be needed. An
// error names the partitions for which it was not written; the others are halted. Repeat it.
func (l *Ledger) Halt(ctx context.Context, provider, account string, p Actor) error {
	return l.halt(ctx, provider, account, p, true)
}

// Unhalt ends a halt, and the throttling of the account or, if it is empty, of all accounts.
func (l *Ledger) Unhalt(ctx context.Context, provider, account string, p Actor) error {
	if err := l.halt(ctx, provider, account, p, false); err != nil {
		return err
	}
	return parkingError(provider, l.store.EndThrottle(ctx, provider, account))
}

func (l *Ledger) halt(ctx context.Context, provider, account string, p Actor, halted bool) error {
	if err := p.validate(); err != nil {
		return err
	}
	if account == "" {
		account = AllAccounts
	}
	what := "unhalt"
	if halted {
		what = "halt"
	}
	parts, err := l.KnownPartitions(ctx, provider)
	if err != nil {
		return fmt.Errorf("%s %s: %w", what, provider, err)
	}
	// Each Begin reads the halts of its payment's own partition. They are written side by side: one
	// that does not answer keeps no other waiting, until the caller's time is up.
	errs := make([]error, len(parts))
	var running sync.WaitGroup
	for i, part := range parts {
		running.Go(func() {
			if err := l.store.Halt(ctx, part.String(), account, what+" "+account+" by "+p.By+": "+p.Note, halted); err != nil {
				errs[i] = fmt.Errorf("%s %s: %w", what, part, err)
			}
		})
	}
	running.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if l.counts.of(provider) != len(parts) { // another caller has learned of more
		return fmt.Errorf("%s %s: %w", what, provider, changedPartitions(provider))
	}
	return nil
}

// Halts returns the entries of the halts in force, by account ("*" for all): of every account that
// is halted in some partition. With an error, they are those that could be read.
func (l *Ledger) Halts(ctx context.Context, provider string) (map[string]string, error) {
	parts, err := l.KnownPartitions(ctx, provider)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	var errs []error
	for _, p := range parts {
		halts, err := l.HaltsIn(ctx, p)
		maps.Copy(all, halts)
		errs = append(errs, err)
	}
	return all, errors.Join(errs...)
}

// HaltsIn returns the halts that a Begin of this partition obeys.
func (l *Ledger) HaltsIn(ctx context.Context, p Partition) (map[string]string, error) {
	return l.store.Halts(ctx, p.String())
}
