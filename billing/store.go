package billing

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/kv"
	"github.com/remesa/remesa/seal"
	"github.com/remesa/remesa/tasks"
)

// Errors that a caller may branch on.
var (
	// ErrUnknown: there is no such subscription.
	ErrUnknown = errors.New("no such subscription")
	// ErrVersionChanged: it changed since it was read; read it again.
	ErrVersionChanged = errors.New("the subscription changed meanwhile")
)

//go:embed take.lua
var takeLua string

// StoreOptions of a Store; the zero value has the documented defaults.
type StoreOptions struct {
	// Seal seals the content; nil leaves it readable.
	Seal *seal.Ring
	// OutcomesRetention is how long an entry of the outcome stream is kept; 30 days by default.
	OutcomesRetention time.Duration
	// TestClock takes the time from a key of the provider's, "clock" (ms since 1970) instead of
	// from Redis. For tests.
	TestClock bool
}

// Store keeps subscriptions in Redis, those of a provider beside its payments, so that a change,
// its index and its events are written in one step. An id belongs to one provider for good.
type Store struct {
	db      *kv.DB
	batcher *kv.Batcher
	due     *kv.Script
	opts    StoreOptions
}

// NewStore makes a store on a client that stays the caller's to close.
func NewStore(rdb redis.UniversalClient, o StoreOptions) *Store {
	if o.OutcomesRetention == 0 {
		o.OutcomesRetention = 30 * aDay
	}
	db := kv.NewDB(rdb, o.TestClock)
	return &Store{db: db, batcher: kv.NewBatcher(db, 0, 0), due: db.Timed(takeLua, kv.RefuseWhenFull), opts: o}
}

func dueKey(provider string) string { return kv.Prefix(provider) + "subscriptions:due" }

func allKey(provider string) string { return kv.Prefix(provider) + "subscriptions" }

// ChargeGuardKey is the key in Redis that names the one charge of a subscription which may be
// registered (idempotency.Registration.ChargeGuard). A claim writes it, a cancellation removes it.
func ChargeGuardKey(provider, id string) string { return kv.Prefix(provider) + "sp:" + id }

func claimKey(id string) string { return "remesa:subscription:" + id }

func recordKey(provider, id string) string { return kv.Prefix(provider) + "s:" + id }

func contentKey(provider, id string) string { return kv.Prefix(provider) + "sc:" + id }

func frozenKey(provider, id string) string { return kv.Prefix(provider) + "sf:" + id }

func closedKey(provider, id string) string { return kv.Prefix(provider) + "sl:" + id }

// Stored is a record with its content, and with the content that its open period was claimed with.
type Stored struct {
	Record      Record
	Content     []byte
	OpenContent []byte
	// Err: the content cannot be opened.
	Err error
}

// Addition is a new subscription.
type Addition struct {
	Record  Record
	Content []byte
}

// NewAddition makes a new subscription of a valid one. key is that of fingerprints
// (REMESA_FINGERPRINT_KEY), added the store's time.
func NewAddition(s tasks.Subscription, key []byte, added time.Time) Addition {
	return Addition{
		Record: NewRecord(Enrollment{
			ID: s.ID(), Provider: s.Provider(), Account: s.Account(), Amount: s.Amount().Text(), Currency: s.Amount().Currency(),
			Fingerprint: s.Fingerprint(key), Terms: termsOf(s), Added: added,
		}),
		Content: s.Payload(),
	}
}

// AddResult is what became of one addition.
type AddResult struct {
	// New is false where the id is taken.
	New bool
	// Provider has the id; Record is its record, the zero Record where it has none.
	Provider string
	Record   Record
}

// Add keeps new subscriptions. The results are in the order of the additions. After an error none,
// some or all were kept, and adding them again is safe.
func (s *Store) Add(ctx context.Context, as ...Addition) ([]AddResult, error) {
	out := make([]AddResult, len(as))
	if err := s.claim(ctx, as, out); err != nil {
		return nil, err
	}
	commits := make([]*kv.Commit, len(as))
	for i, a := range as {
		if out[i].Provider != a.Record.Provider {
			continue
		}
		var err error
		if commits[i], out[i].Record, err = s.addition(a); err != nil {
			return nil, err
		}
	}
	results, errs := s.write(ctx, commits)
	for i, r := range results {
		if errs[i] != nil {
			return nil, fmt.Errorf("subscriptions: %w", errs[i])
		}
		out[i].New = r.Done
	}
	return out, s.holders(ctx, out)
}

// holders finds the records that have the taken ids.
func (s *Store) holders(ctx context.Context, out []AddResult) error {
	pipe := s.db.Client.Pipeline()
	texts := map[int]*redis.StringCmd{}
	for i, a := range out {
		if r := a.Record; !a.New && r.ID != "" {
			texts[i] = pipe.Get(ctx, recordKey(r.Provider, r.ID))
		}
	}
	if len(texts) == 0 {
		return nil
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("subscriptions: %w", err)
	}
	for i, text := range texts {
		r, err := record(out[i].Provider, out[i].Record.ID, text.Val())
		if err != nil {
			return err
		}
		out[i].Record = r
	}
	return nil
}

func (s *Store) addition(a Addition) (*kv.Commit, Record, error) {
	r := a.Record
	text, err := json.Marshal(r)
	if err != nil {
		return nil, r, err
	}
	r.text = string(text)
	due := r.NextDue
	if due == 0 {
		due = r.Added
	}
	c := kv.NewCommit(r.Provider, recordKey(r.Provider, r.ID), "", 0)
	c.WhenFull = kv.RefuseWhenFull
	c.Write("SET", recordKey(r.Provider, r.ID), text)
	c.Write("SET", contentKey(r.Provider, r.ID), s.opts.Seal.Seal(a.Content, "subscription", r.ID))
	c.Write("ZADD", dueKey(r.Provider), due, r.ID)
	c.Write("ZADD", allKey(r.Provider), r.Added, r.ID)
	return c, r, nil
}

func record(provider, id, text string) (Record, error) {
	r := Record{ID: id, Provider: provider, text: text}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return r, fmt.Errorf("subscription %s: unreadable record: %w", id, err)
	}
	return r, nil
}

// claim makes each id its provider's, or finds whose it is.
func (s *Store) claim(ctx context.Context, as []Addition, out []AddResult) error {
	pipe := s.db.Client.Pipeline()
	held := make([]*redis.StringCmd, len(as))
	for i, a := range as {
		pipe.SetNX(ctx, claimKey(a.Record.ID), a.Record.Provider, 0)
		held[i] = pipe.Get(ctx, claimKey(a.Record.ID))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("subscriptions: %w", err)
	}
	for i, h := range held {
		out[i].Provider = h.Val()
	}
	return nil
}

// Find returns the provider of a subscription; ErrUnknown where there is none.
func (s *Store) Find(ctx context.Context, id string) (provider string, err error) {
	provider, err = s.db.Client.Get(ctx, claimKey(id)).Result()
	if errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("%s: %w", id, ErrUnknown)
	}
	return provider, err
}

// Load reads subscriptions, in order and without those that are gone. What comes along with an
// error is good: the error is that of other subscriptions.
func (s *Store) Load(ctx context.Context, provider string, ids ...string) ([]Stored, error) {
	pipe := s.db.Client.Pipeline()
	cmds := make([][3]*redis.StringCmd, len(ids))
	for i, id := range ids {
		cmds[i] = [3]*redis.StringCmd{
			pipe.Get(ctx, recordKey(provider, id)), pipe.Get(ctx, contentKey(provider, id)), pipe.Get(ctx, frozenKey(provider, id)),
		}
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	var out []Stored
	var failed []error
	for i, c := range cmds {
		err := unread(c[:]...)
		if err != nil {
			failed = append(failed, fmt.Errorf("subscription %s: %w", ids[i], err))
		}
		if err != nil || c[0].Val() == "" {
			continue
		}
		r, err := record(provider, ids[i], c[0].Val())
		if err != nil {
			failed = append(failed, err)
			continue
		}
		out = append(out, s.open(r, c[1].Val(), c[2].Val()))
	}
	return out, errors.Join(failed...)
}

// unread is the error of a text that could not be read; a text that does not exist is no error. If
// the two were mixed up, a frozen content whose reply was lost would count as never frozen, and the
// period would be charged with another amount.
func unread(cmds ...*redis.StringCmd) error {
	for _, c := range cmds {
		if err := c.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
	}
	return nil
}

// open unseals the content; the open period's is the present one unless another was frozen.
func (s *Store) open(r Record, content, frozen string) Stored {
	out := Stored{Record: r}
	out.Content, out.Err = s.opts.Seal.Open([]byte(content), "subscription", r.ID)
	out.OpenContent = out.Content
	if frozen != "" && out.Err == nil {
		out.OpenContent, out.Err = s.opts.Seal.Open([]byte(frozen), "subscription", r.ID)
	}
	return out
}

// Now is the store's time.
func (s *Store) Now(ctx context.Context, provider string) (time.Time, error) {
	return s.batcher.Now(ctx, provider)
}

// Due hands out up to limit subscriptions that are due, and the store's time. They are due again
// half a minute later, unless a commit says otherwise.
func (s *Store) Due(ctx context.Context, provider string, limit int) (time.Time, []string, error) {
	now, leased, err := s.take(ctx, provider, dueKey(provider), limit)
	ids := make([]string, len(leased))
	for i, l := range leased {
		ids[i] = l.member
	}
	return now, ids, err
}

// AnyWork reports whether a provider has a subscription that will be due, or a charge update. Where
// it has none, asking costs one command.
func (s *Store) AnyWork(ctx context.Context, provider string) (bool, error) {
	n, err := s.db.Client.Exists(ctx, dueKey(provider), kv.ChargeUpdatesKey(provider)).Result()
	return n > 0, err
}

// ChargeUpdate says that a subscription's charge became final or has an anomaly.
type ChargeUpdate struct {
	Subscription string
	// Charge is the ID of the charge's key.
	Charge string
	// score is that of this delivery in the index.
	score string
}

func (u ChargeUpdate) member() string { return u.Subscription + "|" + u.Charge }

func chargeUpdate(member, score string) ChargeUpdate {
	id, charge, _ := strings.Cut(member, "|")
	return ChargeUpdate{Subscription: id, Charge: charge, score: score}
}

// ChargeUpdates hands out up to limit charge updates, and the store's time. They come again half a
// minute later unless Acknowledge removes them.
func (s *Store) ChargeUpdates(ctx context.Context, provider string, limit int) (time.Time, []ChargeUpdate, error) {
	now, leased, err := s.take(ctx, provider, kv.ChargeUpdatesKey(provider), limit)
	updates := make([]ChargeUpdate, len(leased))
	for i, l := range leased {
		updates[i] = chargeUpdate(l.member, l.score)
	}
	return now, updates, err
}

// Acknowledge removes updates that were processed; newer ones of the same charge stay.
func (s *Store) Acknowledge(ctx context.Context, provider string, updates ...ChargeUpdate) error {
	commits := make([]*kv.Commit, len(updates))
	for i, u := range updates {
		commits[i] = kv.NewGuardedCommit(provider)
		commits[i].Guard("ZSCORE", kv.ChargeUpdatesKey(provider), u.member(), u.score, u.score)
		commits[i].Write("ZREM", kv.ChargeUpdatesKey(provider), u.member())
	}
	_, errs := s.write(ctx, commits)
	for _, err := range errs {
		if err != nil {
			return fmt.Errorf("subscriptions: %w", err)
		}
	}
	return nil
}

// lease is a member of an index that was handed out, with the score that it has until it is handed
// out again, as Redis writes it.
type lease struct{ member, score string }

func (s *Store) take(ctx context.Context, provider, index string, limit int) (time.Time, []lease, error) {
	keys := s.db.Keys(provider, index)
	reply, err := s.db.Run(ctx, s.due, keys, limit, claimRecheck.Milliseconds()).StringSlice()
	if err != nil || len(reply) == 0 {
		return time.Time{}, nil, err
	}
	ms, err := strconv.ParseInt(reply[0], 10, 64)
	var leased []lease
	for pair := range slices.Chunk(reply[1:], 2) {
		if len(pair) == 2 {
			leased = append(leased, lease{pair[0], pair[1]})
		}
	}
	return time.UnixMilli(ms), leased, err
}

// Backlog is how many subscriptions are due by now, and for how long the first of them has been.
func (s *Store) Backlog(ctx context.Context, provider string) (int64, time.Duration, error) {
	now, err := s.Now(ctx, provider)
	if err != nil {
		return 0, 0, err
	}
	pipe := s.db.Client.Pipeline()
	count := pipe.ZCount(ctx, dueKey(provider), "-inf", strconv.FormatInt(now.UnixMilli(), 10))
	first := pipe.ZRangeWithScores(ctx, dueKey(provider), 0, 0)
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, 0, err
	}
	var lag time.Duration
	if f := first.Val(); len(f) > 0 {
		lag = max(0, now.Sub(time.UnixMilli(int64(f[0].Score))))
	}
	return count.Val(), lag, nil
}

// Periods lists the closed periods of a subscription, oldest first; the newest thousand are kept.
func (s *Store) Periods(ctx context.Context, provider, id string) ([]ClosedPeriod, error) {
	texts, err := s.db.Client.LRange(ctx, closedKey(provider, id), 0, -1).Result()
	if err != nil {
		return nil, err
	}
	out := make([]ClosedPeriod, len(texts))
	for i, text := range texts {
		if err := json.Unmarshal([]byte(text), &out[i]); err != nil {
			return nil, fmt.Errorf("subscription %s: unreadable period: %w", id, err)
		}
	}
	return out, nil
}

const page = 500

// List calls yield for the records of a provider's subscriptions, oldest first, until it returns
// false.
func (s *Store) List(ctx context.Context, provider string, yield func(Record) bool) error {
	for from := int64(0); ; from += page {
		ids, err := s.db.Client.ZRange(ctx, allKey(provider), from, from+page-1).Result()
		if err != nil || len(ids) == 0 {
			return err
		}
		keys := make([]string, len(ids))
		for i, id := range ids {
			keys[i] = recordKey(provider, id)
		}
		texts, err := s.db.Client.MGet(ctx, keys...).Result()
		if err != nil {
			return err
		}
		for i, t := range texts {
			text, _ := t.(string)
			r, err := record(provider, ids[i], text)
			if err != nil {
				return err
			}
			if !yield(r) {
				return nil
			}
		}
	}
}
