package kv

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Batcher shares round trips: what callers request while a pipeline is in flight goes out together
// in the next one, without any timer. Each owner (a provider, or an account's tokens) has its own
// queue, because its keys lie on one node.
type Batcher struct {
	db *DB
	// replicas is how many replicas must acknowledge an intent, within replicaTimeout.
	replicas       int
	replicaTimeout time.Duration

	mu     sync.Mutex
	owners map[string]*ownerQueue
}

// NewBatcher makes the batcher of a database. An intent that fewer replicas acknowledge is written,
// and its error is ErrReplicas. replicas may be 0.
func NewBatcher(db *DB, replicas int, replicaTimeout time.Duration) *Batcher {
	return &Batcher{db: db, replicas: replicas, replicaTimeout: replicaTimeout, owners: map[string]*ownerQueue{}}
}

// ownerQueue is the queue of one owner.
type ownerQueue struct {
	batcher  *Batcher
	owner    string
	mu       sync.Mutex
	ops      []*op
	inFlight int
}

const (
	// maxPipelines is how many pipelines of an owner may be in flight (measured: two are best; with
	// more, callers share less).
	maxPipelines = 2
	// maxOps is how many operations one pipeline takes.
	maxOps = 512
	// pipelineTimeout bounds a pipeline; its callers may leave earlier.
	pipelineTimeout = 15 * time.Second
)

// op is some reads, or one commit.
type op struct {
	enqueue func(pipe redis.Pipeliner)
	// keys are read together with those of a pipeline's other callers; values are theirs.
	keys   []string
	values []any
	// timed: its caller needs the store's time, which one read gives all callers of a pipeline.
	timed  bool
	now    int64
	commit *Commit
	intent bool
	// in is the group in which the commit was sent, at its place there.
	in    *group
	place int
	err   error
	call  *call
}

// call is what one caller waits for.
type call struct {
	open atomic.Int64
	done chan struct{}
}

func (b *Batcher) queue(owner string) *ownerQueue {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.owners[owner] == nil {
		b.owners[owner] = &ownerQueue{batcher: b, owner: owner}
	}
	return b.owners[owner]
}

// Read calls queue to add reads to a pipeline, and returns once Redis has replied; each command has
// its own error. It returns an error where ctx ends before: queue may still be running then, so
// nothing that it sets may be looked at.
func (b *Batcher) Read(ctx context.Context, owner string, queue func(redis.Pipeliner)) error {
	return b.do(ctx, owner, []op{{enqueue: queue}})
}

// Values returns the texts under keys, nil for each that is missing or is no text, and the store's
// time right after that was read, in Unix ms. queue adds reads that come after the texts: what it
// reads may be newer than they, and never older.
func (b *Batcher) Values(ctx context.Context, owner string, keys []string, queue func(redis.Pipeliner)) ([]any, int64, error) {
	ops := []op{{enqueue: queue, keys: keys, timed: true}}
	if err := b.do(ctx, owner, ops); err != nil {
		return nil, 0, err
	}
	return ops[0].values, ops[0].now, nil
}

// ReadTimed is Read that also returns the store's time right after the pipeline's reads, in Unix
// ms.
func (b *Batcher) ReadTimed(ctx context.Context, owner string, queue func(redis.Pipeliner)) (int64, error) {
	ops := []op{{enqueue: queue, timed: true}}
	if err := b.do(ctx, owner, ops); err != nil {
		return 0, err
	}
	return ops[0].now, nil
}

// Now returns the store's time.
func (b *Batcher) Now(ctx context.Context, owner string) (time.Time, error) {
	ms, err := b.ReadTimed(ctx, owner, func(redis.Pipeliner) {})
	return time.UnixMilli(ms), err
}

// AwaitReplicas writes a dummy key and returns once enough replicas have it, and so have all that
// was written before. If Redis refuses that write, AwaitReplicas returns the error, because WAIT
// then speaks of an older write of the connection.
func (b *Batcher) AwaitReplicas(ctx context.Context, owner string) error {
	if b.replicas == 0 {
		return nil
	}
	var written *redis.StatusCmd
	err := b.do(ctx, owner, []op{{intent: true, enqueue: func(pipe redis.Pipeliner) {
		written = pipe.Set(ctx, Prefix(owner)+"touched", 1, time.Hour)
	}}})
	if err != nil {
		return err
	}
	return written.Err()
}

// Commit writes decisions of one owner, each whole or not at all. The results are in order. An
// error beside a result means that it is unknown whether that decision was written, or, for
// ErrReplicas, that it was.
func (b *Batcher) Commit(ctx context.Context, owner string, cs ...*Commit) ([]Result, []error) {
	ops := make([]op, len(cs))
	for i, c := range cs {
		ops[i] = op{commit: c, intent: c.Intent}
	}
	err := b.do(ctx, owner, ops)
	results, errs := make([]Result, len(cs)), make([]error, len(cs))
	for i := range ops {
		if err != nil {
			errs[i] = err
			continue
		}
		results[i], errs[i] = ops[i].result()
	}
	return results, errs
}

func (o *op) result() (Result, error) {
	if o.in == nil || o.in.cmd == nil {
		return Result{}, o.err
	}
	r, err := o.in.result(o.place)
	if err == nil && r.Done {
		err = o.err // fewer replicas than required
	}
	if err == nil && o.err != nil && !errors.Is(o.err, ErrReplicas) {
		err = o.err
	}
	return r, err
}

// do queues ops and waits for them, or for ctx to end; what is in flight then may still be
// executed.
func (b *Batcher) do(ctx context.Context, owner string, ops []op) error {
	if len(ops) == 0 {
		return nil
	}
	c := &call{done: make(chan struct{})}
	c.open.Store(int64(len(ops)))
	q := b.queue(owner)
	q.mu.Lock()
	for i := range ops {
		ops[i].call = c
		q.ops = append(q.ops, &ops[i])
	}
	if q.inFlight < maxPipelines {
		q.inFlight++
		go q.drain() //nolint:contextcheck // it carries other callers' ops too, and outlives the first caller
	}
	q.mu.Unlock()
	select {
	case <-c.done:
	case <-ctx.Done():
		return fmt.Errorf("redis: %w", ctx.Err())
	}
	for i := range ops {
		if ops[i].commit == nil && ops[i].err != nil {
			return ops[i].err
		}
	}
	return nil
}

// drain sends pipelines until the queue is empty.
func (q *ownerQueue) drain() {
	for {
		q.mu.Lock()
		n := min(len(q.ops), maxOps)
		ops := q.ops[:n:n]
		q.ops = q.ops[n:]
		if n == 0 {
			q.inFlight--
			q.ops = nil
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		q.send(ops)
		for _, o := range ops {
			if o.call.open.Add(-1) == 0 {
				close(o.call.done)
			}
		}
	}
}

// ErrReplicas: it was written, but fewer replicas acknowledged than must.
var ErrReplicas = errors.New("replicas did not acknowledge")

func (q *ownerQueue) send(ops []*op) {
	ctx, cancel := context.WithTimeout(context.Background(), pipelineTimeout)
	defer cancel()
	fail := func(err error, ops []*op) {
		for _, o := range ops {
			o.err = err
		}
	}
	node, err := q.batcher.db.Node(ctx, Prefix(q.owner))
	if err != nil {
		fail(err, ops)
		return
	}
	groups := q.pipeline(ctx, node, ops)
	var again []*op
	missing := map[*Script]bool{}
	for _, g := range groups {
		if g.cmd != nil && redis.HasErrorPrefix(g.cmd.Err(), "NOSCRIPT") {
			again, missing[g.script] = append(again, g.ops...), true
		}
	}
	for script := range missing {
		src, err := q.batcher.db.source(ctx, script)
		if err == nil {
			err = node.ScriptLoad(ctx, src.text).Err()
		}
		if err != nil {
			fail(err, again)
			return
		}
	}
	if len(again) > 0 {
		q.pipeline(ctx, node, again)
	}
}

// pipeline sends ops over one connection, and waits on it for replicas where an intent is among
// them.
func (q *ownerQueue) pipeline(ctx context.Context, node redis.UniversalClient, ops []*op) []*group {
	pipe := node.Pipeline()
	values := readValues(ctx, pipe, ops)
	intent, timed := false, false
	for _, o := range ops {
		o.err = nil
		if o.enqueue != nil {
			o.enqueue(pipe)
		}
		intent, timed = intent || o.intent, timed || o.timed
	}
	groups := grouped(ops, &q.batcher.db.commits)
	for _, g := range groups {
		g.enqueue(ctx, pipe, q.batcher.db, q.owner)
	}
	var clock func() (int64, error)
	if timed {
		clock = q.batcher.db.Clock(ctx, pipe, q.owner)
	}
	var acknowledged *redis.Cmd
	if intent && q.batcher.replicas > 0 {
		acknowledged = pipe.Do(ctx, "wait", q.batcher.replicas, q.batcher.replicaTimeout.Milliseconds())
	}
	_, err := pipe.Exec(ctx)
	var replyErr redis.Error
	noReply := err != nil && !errors.As(err, &replyErr)
	if noReply || isTopologyError(err) {
		q.batcher.db.reloadTopology(ctx)
	}
	if noReply {
		for _, o := range ops {
			o.err = err
		}
		return groups
	}
	if timed {
		tell(ops, clock)
	}
	values()
	if acknowledged != nil {
		q.checkReplicas(acknowledged, ops)
	}
	return groups
}

// readValues reads the keys of all ops with one command. The returned function hands the values
// out, after the pipe was executed.
func readValues(ctx context.Context, pipe redis.Pipeliner, ops []*op) func() {
	var keys []string
	for _, o := range ops {
		keys = append(keys, o.keys...)
	}
	if len(keys) == 0 {
		return func() {}
	}
	all := pipe.MGet(ctx, keys...)
	return func() {
		values, err := all.Result()
		for _, o := range ops {
			switch n := len(o.keys); {
			case n == 0:
			case err != nil:
				o.err = err
			default:
				o.values, values = values[:n:n], values[n:]
			}
		}
	}
}

// checkReplicas fails the intents that fewer replicas acknowledged than must.
func (q *ownerQueue) checkReplicas(acknowledged *redis.Cmd, ops []*op) {
	n, err := acknowledged.Int64()
	if err == nil && n >= int64(q.batcher.replicas) {
		return
	}
	for _, o := range ops {
		if o.intent {
			o.err = fmt.Errorf("%w: %d of %d replicas acknowledged", ErrReplicas, n, q.batcher.replicas)
		}
	}
}

// tell gives the store's time to the callers that need it.
func tell(ops []*op, clock func() (int64, error)) {
	now, err := clock()
	if err != nil {
		err = fmt.Errorf("the store's time: %w", err)
	}
	for _, o := range ops {
		if o.timed {
			o.now, o.err = now, err
		}
	}
}

// Node returns a client of the node that holds a key. WAIT counts only what went over its own
// connection.
func (db *DB) Node(ctx context.Context, key string) (redis.UniversalClient, error) {
	if c, ok := db.Client.(*redis.ClusterClient); ok {
		node, err := c.MasterForKey(ctx, key)
		if err != nil {
			return nil, fmt.Errorf("redis: node of a key: %w", err)
		}
		return node, nil
	}
	return db.Client, nil
}

// isTopologyError reports whether a node refused a write because another node holds the keys.
func isTopologyError(err error) bool {
	return redis.HasErrorPrefix(err, "MOVED") || redis.HasErrorPrefix(err, "READONLY") || redis.HasErrorPrefix(err, "CLUSTERDOWN")
}

// reloadTopology makes a cluster client read again which node holds which keys. The client does so
// itself only for commands that go through it, not for those sent to one of its nodes.
func (db *DB) reloadTopology(ctx context.Context) {
	if c, ok := db.Client.(*redis.ClusterClient); ok {
		c.ReloadState(ctx)
	}
}

// Clock queues a read of the store's time. The returned function returns it, in Unix ms, after the
// pipe was executed.
func (db *DB) Clock(ctx context.Context, pipe redis.Pipeliner, owner string) func() (int64, error) {
	if db.TestClock {
		cmd := pipe.Get(ctx, clockKey(owner))
		return cmd.Int64
	}
	cmd := pipe.Time(ctx)
	return func() (int64, error) { return cmd.Val().UnixMilli(), cmd.Err() }
}
