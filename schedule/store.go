package schedule

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/seal"
)

// Errors that a caller may branch on.
var (
	// ErrUnknown: there is no such subscription.
	ErrUnknown = errors.New("no such subscription")
	// ErrMoved: it changed since it was read; read it again.
	ErrMoved = errors.New("the subscription changed meanwhile")
)

//go:embed lua/*.lua
var luaFiles embed.FS

// StoreOptions of a Store; the zero value has the documented defaults.
type StoreOptions struct {
	// Seal seals the content; nil leaves it readable.
	Seal *seal.Ring
	// OutcomesRetention is how long an entry of the outcome stream is kept; 30 days by default.
	OutcomesRetention time.Duration
	// TestClock takes the time from the key "remesa:{provider}:clock" (ms since 1970) instead of from Redis. For tests.
	TestClock bool
}

// Store keeps subscriptions in Redis, those of a provider beside its payments, so that a change, its index and its events are one step.
// An id belongs to one provider for good.
type Store struct {
	rdb     redis.UniversalClient
	opts    StoreOptions
	scripts map[string]*redis.Script
}

// NewStore makes a store on a client that stays the caller's to close.
func NewStore(rdb redis.UniversalClient, o StoreOptions) *Store {
	if o.OutcomesRetention == 0 {
		o.OutcomesRetention = 30 * aDay
	}
	clock := read("clock")
	if o.TestClock {
		clock = "local function clock() return tonumber(redis.call('GET', KEYS[#KEYS])) end\n"
	}
	s := &Store{rdb: rdb, opts: o, scripts: map[string]*redis.Script{}}
	for _, name := range []string{"add", "commit", "heard"} {
		s.scripts[name] = redis.NewScript(read(name))
	}
	s.scripts["take"] = redis.NewScript(clock + read("take"))
	return s
}

func read(name string) string {
	b, err := luaFiles.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic("schedule: missing script " + name) // a build without its scripts
	}
	return string(b)
}

func prefix(provider string) string { return "remesa:{" + provider + "}:" }

func dueKey(provider string) string { return prefix(provider) + "subscriptions:due" }

func allKey(provider string) string { return prefix(provider) + "subscriptions" }

func newsKey(provider string) string { return prefix(provider) + "subscriptions:news" }

// PermitKey is the key that names the charge of a subscription which may be registered.
func PermitKey(provider, id string) string { return prefix(provider) + "sp:" + id }

func claimKey(id string) string { return "remesa:subscription:" + id }

func recordKey(provider, id string) string { return prefix(provider) + "s:" + id }

func contentKey(provider, id string) string { return prefix(provider) + "sc:" + id }

func frozenKey(provider, id string) string { return prefix(provider) + "sf:" + id }

func settledKey(provider, id string) string { return prefix(provider) + "sl:" + id }

// Subscription is a record with its content, and with the content that its open period was claimed with.
type Subscription struct {
	Record  Record
	Content []byte
	Open    []byte
	// Err: the content cannot be opened.
	Err error
}

// Addition is a new subscription.
type Addition struct {
	Record  Record
	Content []byte
}

// Added is the answer to one addition.
type Added struct {
	// New is false where the id is taken.
	New bool
	// Provider has the id; Record is its record, the zero Record where it has none.
	Provider string
	Record   Record
}

// Add keeps new subscriptions. The answers are in the order of the additions; an error means that none, some or all were kept, and that
// adding them again is safe.
func (s *Store) Add(ctx context.Context, as ...Addition) ([]Added, error) {
	out := make([]Added, len(as))
	if err := s.claim(ctx, as, out); err != nil {
		return nil, err
	}
	var runs []run
	var places []int
	for i, a := range as {
		if out[i].Provider != a.Record.Provider {
			continue
		}
		r, err := s.addition(a)
		if err != nil {
			return nil, err
		}
		runs, places = append(runs, r), append(places, i)
	}
	cmds, err := s.pipeline(ctx, "add", runs)
	if err != nil {
		return nil, err
	}
	for n, c := range cmds {
		i := places[n]
		if out[i].New, out[i].Record, err = added(as[i], c); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *Store) addition(a Addition) (run, error) {
	r := a.Record
	record, err := json.Marshal(r)
	if err != nil {
		return run{}, err
	}
	due := r.NextDue
	if due == 0 {
		due = r.Added
	}
	keys := []string{recordKey(r.Provider, r.ID), contentKey(r.Provider, r.ID), dueKey(r.Provider), allKey(r.Provider)}
	return run{keys, []any{r.ID, record, s.opts.Seal.Seal(a.Content, "subscription", r.ID), due, r.Added}}, nil
}

func added(a Addition, c *redis.Cmd) (bool, Record, error) {
	text, err := c.Text()
	if err != nil || text == "added" {
		return err == nil, a.Record, err
	}
	r, err := record(a.Record.Provider, a.Record.ID, text)
	return false, r, err
}

func record(provider, id, text string) (Record, error) {
	r := Record{ID: id, Provider: provider}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return r, fmt.Errorf("subscription %s: unreadable record: %w", id, err)
	}
	return r, nil
}

// claim makes each id its provider's, or finds whose it is.
func (s *Store) claim(ctx context.Context, as []Addition, out []Added) error {
	pipe := s.rdb.Pipeline()
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
	provider, err = s.rdb.Get(ctx, claimKey(id)).Result()
	if errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("%s: %w", id, ErrUnknown)
	}
	return provider, err
}

// Load reads subscriptions, in order and without those that are gone. What comes along with an error is good: the error is that of other
// subscriptions.
func (s *Store) Load(ctx context.Context, provider string, ids ...string) ([]Subscription, error) {
	pipe := s.rdb.Pipeline()
	cmds := make([][3]*redis.StringCmd, len(ids))
	for i, id := range ids {
		cmds[i] = [3]*redis.StringCmd{
			pipe.Get(ctx, recordKey(provider, id)), pipe.Get(ctx, contentKey(provider, id)), pipe.Get(ctx, frozenKey(provider, id)),
		}
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	var out []Subscription
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

// unread is the error of a text that could not be read. A text that is not there is none: without this difference, a frozen content whose
// reply was lost would be taken for one that was never frozen, and the period charged with another amount.
func unread(cmds ...*redis.StringCmd) error {
	for _, c := range cmds {
		if err := c.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
	}
	return nil
}

// open unseals the content; the open period's is the present one unless another was frozen.
func (s *Store) open(r Record, content, frozen string) Subscription {
	out := Subscription{Record: r}
	out.Content, out.Err = s.opts.Seal.Open([]byte(content), "subscription", r.ID)
	out.Open = out.Content
	if frozen != "" && out.Err == nil {
		out.Open, out.Err = s.opts.Seal.Open([]byte(frozen), "subscription", r.ID)
	}
	return out
}

// Now is the store's time.
func (s *Store) Now(ctx context.Context, provider string) (time.Time, error) {
	if s.opts.TestClock {
		ms, err := s.rdb.Get(ctx, prefix(provider)+"clock").Int64()
		return time.UnixMilli(ms), err
	}
	return s.rdb.Time(ctx).Result()
}

// Due hands out up to limit subscriptions that must be looked at, and the store's time. They are due again half a minute later, unless a
// commit says otherwise.
func (s *Store) Due(ctx context.Context, provider string, limit int) (time.Time, []string, error) {
	return s.take(ctx, provider, dueKey(provider), limit)
}

// News is what the ledger told of a charge: it ended, or has an anomaly.
type News struct {
	Subscription string
	// Charge is the ID of the charge's key.
	Charge string
	again  string
}

func (n News) member() string { return n.Subscription + "|" + n.Charge }

// News hands out up to limit pieces of news. They come again half a minute later unless Heard takes them out.
func (s *Store) News(ctx context.Context, provider string, limit int) (time.Time, []News, error) {
	now, members, err := s.take(ctx, provider, newsKey(provider), limit)
	var out []News
	for _, m := range members {
		id, charge, _ := strings.Cut(m, "|")
		out = append(out, News{id, charge, strconv.FormatInt(now.Add(unregistered).UnixMilli()-1, 10) + ".5"}) // as take gave it
	}
	return now, out, err
}

// Heard takes news out that were dealt with; newer ones of the same charge stay.
func (s *Store) Heard(ctx context.Context, provider string, news ...News) error {
	runs := make([]run, len(news))
	for i, n := range news {
		runs[i] = run{[]string{newsKey(provider)}, []any{n.member(), n.again}}
	}
	_, err := s.pipeline(ctx, "heard", runs)
	return err
}

func (s *Store) take(ctx context.Context, provider, index string, limit int) (time.Time, []string, error) {
	keys := []string{index}
	if s.opts.TestClock {
		keys = append(keys, prefix(provider)+"clock")
	}
	found, err := s.scripts["take"].Run(ctx, s.rdb, keys, limit, unregistered.Milliseconds()).StringSlice()
	if err != nil || len(found) == 0 {
		return time.Time{}, nil, err
	}
	ms, err := strconv.ParseInt(found[0], 10, 64)
	return time.UnixMilli(ms), found[1:], err
}

// Backlog is how many subscriptions must be looked at by now, and since when the first of them waits.
func (s *Store) Backlog(ctx context.Context, provider string) (int64, time.Duration, error) {
	now, err := s.Now(ctx, provider)
	if err != nil {
		return 0, 0, err
	}
	pipe := s.rdb.Pipeline()
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

// Periods lists the settled periods of a subscription, oldest first; the newest thousand are kept.
func (s *Store) Periods(ctx context.Context, provider, id string) ([]Period, error) {
	texts, err := s.rdb.LRange(ctx, settledKey(provider, id), 0, -1).Result()
	if err != nil {
		return nil, err
	}
	out := make([]Period, len(texts))
	for i, text := range texts {
		if err := json.Unmarshal([]byte(text), &out[i]); err != nil {
			return nil, fmt.Errorf("subscription %s: unreadable period: %w", id, err)
		}
	}
	return out, nil
}

const page = 500

// List calls yield for the records of a provider's subscriptions, oldest first, until it returns false.
func (s *Store) List(ctx context.Context, provider string, yield func(Record) bool) error {
	for from := int64(0); ; from += page {
		ids, err := s.rdb.ZRange(ctx, allKey(provider), from, from+page-1).Result()
		if err != nil || len(ids) == 0 {
			return err
		}
		keys := make([]string, len(ids))
		for i, id := range ids {
			keys[i] = recordKey(provider, id)
		}
		texts, err := s.rdb.MGet(ctx, keys...).Result()
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

// run is one run of a script.
type run struct {
	keys []string
	args []any
}

// pipeline runs one script many times in one round trip, and those again that a server did not take because it did not know the script:
// another process may have loaded it in the middle of them. The error is that of one of them, or of the connection.
func (s *Store) pipeline(ctx context.Context, name string, runs []run) ([]*redis.Cmd, error) {
	cmds, err := s.exec(ctx, name, runs)
	var at []int
	var untaken []run
	for i, c := range cmds {
		if redis.HasErrorPrefix(c.Err(), "NOSCRIPT") {
			at, untaken = append(at, i), append(untaken, runs[i])
		}
	}
	if len(at) == 0 {
		return cmds, err
	}
	if err := s.scripts[name].Load(ctx, s.rdb).Err(); err != nil {
		return nil, err
	}
	again, _ := s.exec(ctx, name, untaken)
	for i, c := range again {
		cmds[at[i]] = c
	}
	return cmds, firstError(cmds)
}

func (s *Store) exec(ctx context.Context, name string, runs []run) ([]*redis.Cmd, error) {
	if len(runs) == 0 {
		return nil, nil
	}
	pipe := s.rdb.Pipeline()
	cmds := make([]*redis.Cmd, len(runs))
	for i, r := range runs {
		cmds[i] = s.scripts[name].EvalSha(ctx, pipe, r.keys, r.args...)
	}
	_, err := pipe.Exec(ctx)
	return cmds, err
}

func firstError(cmds []*redis.Cmd) error {
	for _, c := range cmds {
		if c.Err() != nil {
			return c.Err()
		}
	}
	return nil
}
