package idempotency

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/providers"
)

// Register records payments in one pipeline.
func (l *Redis) Register(ctx context.Context, rs ...Registration) ([]Registered, error) {
	calls := make([]call, len(rs))
	for i, r := range rs {
		calls[i] = l.registration(r)
	}
	answers, err := l.pipeline(ctx, "register", calls)
	if err != nil {
		return nil, err
	}
	out := make([]Registered, len(rs))
	for i, r := range rs {
		a := answers[i]
		out[i] = Registered{Result: Result(a.Result), State: a.State, Generation: a.Generation, Conflict: conflict(a, r),
			Existing: a.Existing}
	}
	return out, nil
}

func (l *Redis) registration(r Registration) call {
	a := l.args(r.Key)
	a.Type, a.Fingerprint, a.Amount, a.Currency = r.Type, r.Fingerprint, r.Amount, r.Currency
	a.NotBefore, a.Deadline, a.Metadata = unixMS(r.NotBefore), unixMS(r.Deadline), l.sealed(r.Key, fieldMetadata, r.Metadata)
	a.Subscription, a.Period, a.Object, a.First = r.Subscription, r.Period, r.Object, ms(l.opts.FirstWake)
	object := recordKey(r.Key)
	if r.Object != "" {
		object = prefix(r.Key.Provider) + "object:" + r.Key.Account + ":" + r.Object
	}
	permit := recordKey(r.Key)
	if r.Permit != "" {
		permit, a.Permit = r.Permit, true
	}
	return call{r.Key, l.keys(r.Key, object, permit), a, []any{l.sealedPayload(r)}}
}

func conflict(a answer, r Registration) string {
	switch {
	case a.Result != string(Conflict):
		return ""
	case a.Text == "object":
		return fmt.Sprintf("%s is claimed by %s", r.Object, keyFromID(r.Key.Provider, a.Existing))
	case a.Text == "permit":
		return "permit: withdrawn"
	case a.Text != "":
		return a.Text + ": differs from the registered payment's"
	default:
		return fmt.Sprintf("fingerprint: %s, registered as %s", r.Fingerprint, a.Existing)
	}
}

// call is one step of a pipeline.
type call struct {
	key  Key
	keys []string
	args args
	more []any
}

// pipeline runs one step on many payments in one round trip. On an error none, some or all of them took it.
func (l *Redis) pipeline(ctx context.Context, step string, calls []call) ([]answer, error) {
	answers, errs, err := l.each(ctx, step, calls)
	for i := 0; err == nil && i < len(errs); i++ {
		err = errs[i]
	}
	return answers, err
}

// each is a pipeline whose steps fail each for itself.
func (l *Redis) each(ctx context.Context, step string, calls []call) ([]answer, []error, error) {
	if len(calls) == 0 {
		return nil, nil, nil
	}
	src, err := l.scripts.source(ctx, l.rdb, step)
	if err != nil {
		return nil, nil, storeError(step, calls[0].key, err)
	}
	cmds, err := l.exec(ctx, src, calls)
	if err == nil {
		err = l.again(ctx, src, calls, cmds)
	}
	if err != nil {
		return nil, nil, storeError(step, calls[0].key, err)
	}
	out := make([]answer, len(cmds))
	errs := make([]error, len(cmds))
	for i, c := range cmds {
		reply, err := c.Result()
		if err == nil {
			out[i], errs[i] = parse(reply)
		} else {
			errs[i] = storeError(step, calls[i].key, err)
		}
	}
	return out, errs, nil
}

func (l *Redis) exec(ctx context.Context, src source, calls []call) ([]*redis.Cmd, error) {
	cmds := make([]*redis.Cmd, len(calls))
	pipe := l.rdb.Pipeline()
	for i, c := range calls {
		argv, err := argv(c.args, c.more...)
		if err != nil {
			return nil, err
		}
		cmds[i] = pipe.EvalSha(ctx, src.sha, c.keys, argv...)
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	return cmds, nil
}

// again repeats exactly the steps that Redis did not take because it no longer knew the script: those before them were taken.
func (l *Redis) again(ctx context.Context, src source, calls []call, cmds []*redis.Cmd) error {
	var at []int
	var untaken []call
	for i, c := range cmds {
		if redis.HasErrorPrefix(c.Err(), "NOSCRIPT") {
			at, untaken = append(at, i), append(untaken, calls[i])
		}
	}
	if len(at) == 0 {
		return nil
	}
	if err := l.rdb.ScriptLoad(ctx, src.text).Err(); err != nil {
		return err
	}
	more, err := l.exec(ctx, src, untaken)
	for i := range more {
		cmds[at[i]] = more[i]
	}
	return err
}

// Begin implements Engine. Where replicas must acknowledge and do not, the attempt is released and the error returned.
func (l *Redis) Begin(ctx context.Context, k Key, r BeginRequest) (Begun, error) {
	a := l.args(k)
	a.Attempt, a.Lease, a.Late, a.Askable = r.Attempt, ms(r.Lease), r.OpensLate, r.Askable
	a.Seals, a.Only = l.opts.Seal.Prefixes(), r.Only
	ans, err := l.begin(ctx, k, a)
	if err != nil {
		return Begun{}, err
	}
	content := l.open(k, ans)
	return Begun{
		Verdict: Verdict(ans.Verdict), Own: ans.Own, State: ans.State, Number: ans.Number, LeaseEnd: fromMS(ans.LeaseEnd),
		Until: fromMS(ans.Until), Now: fromMS(ans.Now), Payload: content.payload, Handles: content.handles,
		Unopened: content.err, Waits: cmp.Or(ans.Waits, l.keyReason(content.err, []byte(ans.Unopened), nil)),
	}, nil
}

func (l *Redis) begin(ctx context.Context, k Key, a args) (answer, error) {
	if l.opts.Replicas == 0 {
		return l.call(ctx, "begin", k, a)
	}
	conn, err := l.conn(ctx, recordKey(k))
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = conn.Close() }()
	ans, err := l.callOn(ctx, conn, "begin", k, a)
	if err != nil || Verdict(ans.Verdict) != Send {
		return ans, err
	}
	n, err := conn.Wait(ctx, l.opts.Replicas, l.opts.ReplicaTimeout).Result()
	if err == nil && n >= int64(l.opts.Replicas) {
		return ans, nil
	}
	short := fmt.Errorf("begin %s: %d of %d replicas acknowledged", k, n, l.opts.Replicas)
	_, releaseErr := l.Release(ctx, k, a.Attempt, "replicas", time.Second)
	return answer{}, errors.Join(short, err, releaseErr)
}

// conn is one connection to the node that holds the key: WAIT counts what went over its own connection.
func (l *Redis) conn(ctx context.Context, key string) (*redis.Conn, error) {
	switch c := l.rdb.(type) {
	case *redis.Client:
		return c.Conn(), nil
	case *redis.ClusterClient:
		node, err := c.MasterForKey(ctx, key)
		if err != nil {
			return nil, fmt.Errorf("ledger: node of a key: %w", err)
		}
		return node.Conn(), nil
	default:
		return nil, fmt.Errorf("ledger: replicas cannot be waited for on a %T", l.rdb)
	}
}

// Note implements Engine.
func (l *Redis) Note(ctx context.Context, k Key, attempt string, handles map[string]string, moves bool) error {
	a := l.args(k)
	a.Attempt, a.Handles, a.Moves = attempt, l.sealedHandles(k, handles), moves
	_, err := l.call(ctx, "note", k, a)
	return err
}

// aliasKey holds no alias in clear: a session token opens a payment page.
func aliasKey(provider, alias string) string {
	sum := sha256.Sum256([]byte(alias))
	return prefix(provider) + "alias:" + hex.EncodeToString(sum[:16])
}

// Alias implements Engine.
func (l *Redis) Alias(ctx context.Context, k Key, alias string) error {
	ttl := l.policy(k.Provider).OutcomesRetention
	if err := l.rdb.Set(ctx, aliasKey(k.Provider, alias), k.id(), ttl).Err(); err != nil {
		return storeError("alias", k, err)
	}
	return nil
}

// Find implements Engine.
func (l *Redis) Find(ctx context.Context, provider, alias string) (Key, error) {
	id, err := l.rdb.Get(ctx, aliasKey(provider, alias)).Result()
	if errors.Is(err, redis.Nil) {
		return Key{}, ErrUnknown
	}
	if err != nil {
		return Key{}, storeError("find", Key{Provider: provider}, err)
	}
	return keyFromID(provider, id), nil
}

// Release implements Engine.
func (l *Redis) Release(ctx context.Context, k Key, attempt, reason string, after time.Duration) (Settlement, error) {
	a := l.args(k)
	a.Attempt, a.Reason, a.After = attempt, reason, ms(after)
	return l.settle(ctx, "release", k, a)
}

const longestDefer = 30 * time.Second

// Defer implements Engine.
func (l *Redis) Defer(ctx context.Context, k Key, after time.Duration) error {
	a := l.args(k)
	a.After = ms(min(after, longestDefer))
	_, err := l.call(ctx, "defer", k, a)
	return err
}

// Finish implements Engine.
func (l *Redis) Finish(ctx context.Context, k Key, attempt string, o providers.Outcome, next time.Duration) (Settlement, error) {
	switch o.Class {
	case providers.Succeeded, providers.Pending, providers.Refused, providers.InDoubt, providers.Mismatch:
	default:
		return Settlement{}, fmt.Errorf("finish %s: an attempt cannot end as %q", k, o.Class)
	}
	a := l.args(k)
	a.Attempt, a.Outcome, a.After = attempt, l.outcome(k, o), ms(next)
	return l.settle(ctx, "finish", k, a)
}

// Ask implements Engine.
func (l *Redis) Ask(ctx context.Context, k Key) (Question, error) {
	ans, err := l.call(ctx, "ask", k, l.args(k))
	if err != nil {
		return Question{}, err
	}
	content := l.open(k, ans)
	return Question{
		Ask: ans.Ask, State: ans.State, Version: ans.Version, AskedAt: fromMS(ans.Now), ProviderID: ans.ProviderID,
		Amount: ans.Amount, Currency: ans.Text, Type: ans.Type, Handles: content.handles, Payload: content.payload,
		Unopened: content.err, Waits: l.keyReason(content.err, ans.Payload, ans.Handles), Polls: ans.Polls,
	}, nil
}

// Answer implements Engine. An outcome of class providers.Mismatch holds the payment.
func (l *Redis) Answer(ctx context.Context, k Key, version int64, askedAt time.Time, o providers.Outcome,
	next time.Duration,
) (Settlement, error) {
	a := l.args(k)
	a.Version, a.Asked, a.Outcome, a.After = version, unixMS(askedAt), l.outcome(k, o), ms(next)
	return l.settle(ctx, "answer", k, a)
}

// Reject implements Engine.
func (l *Redis) Reject(ctx context.Context, k Key, code, message string) (Settlement, error) {
	a := l.args(k)
	a.Code, a.Message = code, l.sealed(k, fieldMessage, message)
	return l.settle(ctx, "reject", k, a)
}

// Block implements Engine.
func (l *Redis) Block(ctx context.Context, k Key, code, message string) (Settlement, error) {
	a := l.args(k)
	a.Code, a.Message = code, l.sealed(k, fieldMessage, message)
	return l.settle(ctx, "block", k, a)
}

// Due implements Engine: the ids that are due in one read, then one atomic step for each, all in one pipeline.
func (l *Redis) Due(ctx context.Context, provider string, limit int, askFor time.Duration) ([]Wakeup, error) {
	if limit <= 0 {
		return nil, nil
	}
	none := Key{Provider: provider, Account: DefaultAccount}
	ids, err := l.dueIDs(ctx, none, limit)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	calls := make([]call, len(ids))
	for i, id := range ids {
		k := keyFromID(provider, id)
		a := l.args(k)
		a.Ask = ms(askFor)
		calls[i] = call{k, l.keys(k), a, nil}
	}
	answers, errs, err := l.each(ctx, "wake", calls)
	var out []Wakeup
	for i, a := range answers {
		switch {
		case errs[i] != nil:
			err = errors.Join(err, errs[i], l.postpone(ctx, calls[i].key, errs[i]))
		case a.Wake != "none":
			out = append(out, Wakeup{Key: calls[i].key, Generation: a.Generation, Ask: a.Wake == "ask"})
		}
	}
	return out, err
}

// postpone puts a record that its script cannot read behind the others, which it would else keep from being woken.
func (l *Redis) postpone(ctx context.Context, k Key, why error) error {
	if !redis.HasErrorPrefix(why, "ERR") {
		return nil
	}
	const later = 5 * time.Minute
	return l.rdb.ZIncrBy(ctx, prefix(k.Provider)+"due", float64(later.Milliseconds()), k.id()).Err()
}

func (l *Redis) dueIDs(ctx context.Context, none Key, limit int) ([]string, error) {
	src, err := l.scripts.source(ctx, l.rdb, "due")
	if err != nil {
		return nil, storeError("due", none, err)
	}
	a := l.args(none)
	a.Limit = limit
	argv, err := argv(a)
	if err != nil {
		return nil, err
	}
	ids, err := l.rdb.EvalSha(ctx, src.sha, l.keys(none), argv...).StringSlice()
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		ids, err = l.rdb.Eval(ctx, src.text, l.keys(none), argv...).StringSlice()
	}
	if err != nil {
		return nil, storeError("due", none, err)
	}
	return ids, nil
}

func (l *Redis) settle(ctx context.Context, step string, k Key, a args) (Settlement, error) {
	ans, err := l.call(ctx, step, k, a)
	if err != nil {
		return Settlement{}, err
	}
	return Settlement{
		State: ans.State, Type: ans.Type, Applied: ans.Applied, Moved: ans.Moved, Anomaly: ans.Anomaly, Created: fromMS(ans.Created), Now: fromMS(ans.Now),
	}, nil
}

func (l *Redis) outcome(k Key, o providers.Outcome) *outcomeArg {
	class := o.Class
	if class == providers.Duplicate {
		class = providers.InDoubt
	}
	return &outcomeArg{
		Class: string(class), ProviderID: o.ProviderID, Code: o.Code, Decline: string(o.Decline), Second: o.SecondID,
		Message: l.sealed(k, fieldMessage, o.Message), ActionURL: l.sealed(k, fieldActionURL, o.ActionURL),
		Handles: l.sealedHandles(k, o.Handles),
	}
}
