package idempotency

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
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
	// NextDue is when somebody must look next; zero where nobody must.
	NextDue time.Time
	History []Event
	// Unopened says why metadata is not there, or message or action URL still sealed; an error of package seal.
	Unopened error
}

// Event is one entry of a payment's history.
type Event struct {
	At      time.Time
	State   State
	Attempt int
	Note    string
}

// stored is the record as lib.lua describes it.
type stored struct {
	State        State    `json:"s"`
	Version      int64    `json:"v"`
	Type         string   `json:"t"`
	Amount       string   `json:"m"`
	Currency     string   `json:"c"`
	Created      int64    `json:"cr"`
	Updated      int64    `json:"up"`
	Metadata     string   `json:"md"`
	Subscription string   `json:"sb"`
	Period       string   `json:"pe"`
	Attempts     [][3]any `json:"at"`
	Count        int      `json:"n"`
	ProviderID   string   `json:"pi"`
	Code         string   `json:"co"`
	Message      string   `json:"ms"`
	Decline      string   `json:"de"`
	ActionURL    string   `json:"au"`
	History      []string `json:"h"`
	Anomaly      *struct {
		Kind string `json:"k"`
	} `json:"an"`
}

// read refuses what is no record, also where it is JSON.
func (s *stored) read(text string) error {
	if err := json.Unmarshal([]byte(text), s); err != nil {
		return err
	}
	if !slices.Contains(States(), s.State) {
		return errors.New("it has no state")
	}
	return nil
}

func (s stored) record(k Key) Record {
	r := Record{
		Key: k, Type: s.Type, State: s.State, Version: s.Version, ProviderID: s.ProviderID, Code: s.Code, Message: s.Message,
		Decline: s.Decline, Amount: s.Amount, Currency: s.Currency, Attempts: s.Count, Created: fromMS(s.Created),
		Updated: fromMS(s.Updated), ActionURL: s.ActionURL, Subscription: s.Subscription, Period: s.Period,
	}
	for _, a := range s.Attempts {
		r.MayHaveLeft = r.MayHaveLeft || a[2] == "o"
	}
	if s.Anomaly != nil {
		r.Anomaly = s.Anomaly.Kind
	}
	for _, h := range s.History {
		r.History = append(r.History, event(s.Created, h))
	}
	return r
}

// event reads "milliseconds since creation|state|attempt|note".
func event(created int64, h string) Event {
	parts := strings.SplitN(h, "|", 4)
	for len(parts) < 4 {
		parts = append(parts, "")
	}
	after, _ := strconv.ParseInt(parts[0], 10, 64)
	attempt, _ := strconv.Atoi(parts[2])
	return Event{At: fromMS(created + after), State: State(parts[1]), Attempt: attempt, Note: parts[3]}
}

// Show implements Desk.
func (l *Redis) Show(ctx context.Context, k Key) (Record, error) {
	var damage error
	rs, err := l.records(ctx, k.Provider, []string{k.id()}, func(_ Key, err error) { damage = err })
	if err = cmp.Or(err, damage); err != nil {
		return Record{}, err
	}
	if len(rs) == 0 {
		return Record{}, fmt.Errorf("%s: %w", k, ErrUnknown)
	}
	return rs[0], nil
}

// records reads the records of these ids, in order, without those that are gone, and without those
// that cannot be read: they are told.
func (l *Redis) records(ctx context.Context, provider string, ids []string, damaged func(Key, error)) ([]Record, error) {
	pipe := l.rdb.Pipeline()
	texts := make([]*redis.StringCmd, len(ids))
	dues := make([]*redis.FloatCmd, len(ids))
	for i, id := range ids {
		texts[i] = pipe.Get(ctx, recordKey(keyFromID(provider, id)))
		dues[i] = pipe.ZScore(ctx, prefix(provider)+"due", id)
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	var out []Record
	for i, id := range ids {
		k := keyFromID(provider, id)
		text, err := texts[i].Result()
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err != nil && !redis.HasErrorPrefix(err, "WRONGTYPE") {
			return nil, fmt.Errorf("read %s: %w", provider, err)
		}
		var s stored
		if err == nil {
			err = s.read(text)
		}
		if err != nil {
			damaged(k, fmt.Errorf("read %s: %w: %w", k, ErrDamaged, err))
			continue
		}
		r := s.record(k)
		l.openRecord(&r, s.Metadata)
		if due := dues[i].Val(); due > 0 {
			r.NextDue = fromMS(int64(due))
		}
		out = append(out, r)
	}
	return out, nil
}

// rank is the place of an indexed state in the states index; lib.lua has the same table.
var rank = map[State]int{Queued: 1, Sending: 2, Ready: 3, InDoubt: 4, Pending: 5, Held: 6, Blocked: 7, Failed: 8}

func bounds(s State) (low, high string) {
	return strconv.Itoa(rank[s]) + "00000000000000", "(" + strconv.Itoa(rank[s]+1) + "00000000000000"
}

const page = 500

// List implements Desk. Open states, anomalies and what failed in the last 30 days are indexed;
// other states scan all records. A record that cannot be read is skipped.
func (l *Redis) List(ctx context.Context, f Filter, yield func(Record) bool) error {
	if f.Damaged == nil {
		f.Damaged = func(Key, error) {}
	}
	switch {
	case f.Anomalies:
		return l.walk(ctx, f, prefix(f.Provider)+"anomalies", "-inf", "+inf", yield)
	case f.State == "":
		return l.walk(ctx, f, prefix(f.Provider)+"states", "-inf", "(800000000000000", yield)
	case rank[f.State] > 0:
		low, high := bounds(f.State)
		return l.walk(ctx, f, prefix(f.Provider)+"states", low, high, yield)
	default:
		return l.scan(ctx, f, yield)
	}
}

// walk reads an index at once, so that what moves meanwhile is neither missed nor seen twice, and its records by the page.
func (l *Redis) walk(ctx context.Context, f Filter, index, low, high string, yield func(Record) bool) error {
	ids, err := l.rdb.ZRangeByScore(ctx, index, &redis.ZRangeBy{Min: low, Max: high}).Result()
	if err != nil {
		return fmt.Errorf("list %s: %w", f.Provider, err)
	}
	for len(ids) > 0 {
		n := min(page, len(ids))
		more, err := l.show(ctx, f, ids[:n], yield)
		if err != nil || !more {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

func (l *Redis) show(ctx context.Context, f Filter, ids []string, yield func(Record) bool) (bool, error) {
	rs, err := l.records(ctx, f.Provider, ids, f.Damaged)
	if err != nil {
		return false, err
	}
	for _, r := range rs {
		if (f.State == "" || r.State == f.State) && !yield(r) {
			return false, nil
		}
	}
	return true, nil
}

func (l *Redis) scan(ctx context.Context, f Filter, yield func(Record) bool) error {
	var node redis.Cmdable = l.rdb
	start := recordKey(Key{Provider: f.Provider, Account: DefaultAccount})
	if c, ok := l.rdb.(*redis.ClusterClient); ok {
		master, err := c.MasterForKey(ctx, start)
		if err != nil {
			return fmt.Errorf("list %s: %w", f.Provider, err)
		}
		node = master
	}
	seen := map[string]bool{}
	it := node.Scan(ctx, 0, start+"*", page).Iterator()
	for it.Next(ctx) {
		id := strings.TrimPrefix(it.Val(), start)
		if seen[id] {
			continue
		}
		seen[id] = true
		if more, err := l.show(ctx, f, []string{id}, yield); err != nil || !more {
			return err
		}
	}
	return it.Err()
}

// Counts implements Desk.
func (l *Redis) Counts(ctx context.Context, provider string) (map[State]int64, error) {
	pipe := l.rdb.Pipeline()
	cmds := map[State]*redis.IntCmd{}
	for s := range rank {
		low, high := bounds(s)
		cmds[s] = pipe.ZCount(ctx, prefix(provider)+"states", low, high)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("count %s: %w", provider, err)
	}
	out := map[State]int64{}
	for s, c := range cmds {
		out[s] = c.Val()
	}
	return out, nil
}

// Resolve implements Desk.
func (l *Redis) Resolve(ctx context.Context, k Key, version int64, r Resolution) (Settlement, error) {
	switch r.As {
	case string(Succeeded), string(Failed), "not-received":
	default:
		return Settlement{}, fmt.Errorf("%w: as %q is not one of succeeded, failed, not-received", ErrRefused, r.As)
	}
	a := l.args(k)
	a.As, a.ProviderID, a.Decline = r.As, r.ProviderID, string(r.Decline)
	return l.person(ctx, "resolve", k, version, r.Person, a)
}

// ClearAnomaly implements Desk.
func (l *Redis) ClearAnomaly(ctx context.Context, k Key, version int64, reverse bool, p Person) (Settlement, error) {
	a := l.args(k)
	a.Reverse = reverse
	return l.person(ctx, "anomaly", k, version, p, a)
}

// Retry implements Desk.
func (l *Redis) Retry(ctx context.Context, k Key, version int64, acceptDoubleRisk bool, p Person) (Settlement, error) {
	a := l.args(k)
	a.Risk = acceptDoubleRisk
	return l.person(ctx, "retry", k, version, p, a)
}

// Unblock implements Desk.
func (l *Redis) Unblock(ctx context.Context, k Key, version int64, p Person) (Settlement, error) {
	return l.person(ctx, "unblock", k, version, p, l.args(k))
}

// Cancel implements Desk.
func (l *Redis) Cancel(ctx context.Context, k Key, version int64, p Person) (Settlement, error) {
	return l.person(ctx, "cancel", k, version, p, l.args(k))
}

const longestNote = 500

func (p Person) validate() error {
	if p.By == "" || p.Note == "" {
		return fmt.Errorf("%w: a step by hand needs a name and a note", ErrRefused)
	}
	if len(p.By)+len(p.Note) > longestNote {
		return fmt.Errorf("%w: name and note together take at most %d bytes", ErrRefused, longestNote)
	}
	return nil
}

func (l *Redis) person(ctx context.Context, step string, k Key, version int64, p Person, a args) (Settlement, error) {
	if err := p.validate(); err != nil {
		return Settlement{}, err
	}
	a.Step, a.Version, a.By, a.Note = step, version, p.By, p.Note
	return l.settle(ctx, "person", k, a)
}

// AllAccounts stands for every account of a provider in Halt and Unhalt.
const AllAccounts = "*"

// Halt implements Desk. An empty account means all.
func (l *Redis) Halt(ctx context.Context, provider, account string, p Person) error {
	return l.brake(ctx, provider, account, p, "halt")
}

// Unhalt implements Desk.
func (l *Redis) Unhalt(ctx context.Context, provider, account string, p Person) error {
	return l.brake(ctx, provider, account, p, "unhalt")
}

// brake sets or releases a halt. It works when Redis is full: a halt is never needed more.
func (l *Redis) brake(ctx context.Context, provider, account string, p Person, what string) error {
	if err := p.validate(); err != nil {
		return err
	}
	if account == "" {
		account = AllAccounts
	}
	k := Key{Provider: provider, Account: account}
	a := l.args(k)
	a.Step, a.By, a.Note = what, p.By, p.Note
	_, err := l.pipeline(ctx, "halt", []call{{k, l.keys(k, prefix(provider)+"halts"), a, nil}})
	return err
}

// Halts implements Desk.
func (l *Redis) Halts(ctx context.Context, provider string) (map[string]string, error) {
	m, err := l.rdb.HGetAll(ctx, prefix(provider)+"halted").Result()
	if err != nil {
		return nil, fmt.Errorf("halts %s: %w", provider, err)
	}
	return m, nil
}
