package kv

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Batcher shares round trips: what is asked for while a pipeline is under way goes out together
// with the next one. No timer waits for company. Each owner's keys lie on one node, so that each
// owner has flights of its own.
type Batcher struct {
	db *DB
	// Replicas must acknowledge an intent, within ReplicaTimeout.
	replicas       int
	replicaTimeout time.Duration

	mu     sync.Mutex
	owners map[string]*ownerQueue
}

// NewBatcher makes the flights of a database. Where replicas are asked for, an intent that fewer
// acknowledged is an error, though it is written.
func NewBatcher(db *DB, replicas int, replicaTimeout time.Duration) *Batcher {
	return &Batcher{db: db, replicas: replicas, replicaTimeout: replicaTimeout, owners: map[string]*ownerQueue{}}
}

// ownerQueue is the queue of one owner.
type ownerQueue struct {
	f        *Batcher
	owner    string
	mu       sync.Mutex
	ops      []*op
	inFlight int
}

const (
	// maxPipelines of an owner under way at a time; more shared less (measured: two are best).
	maxPipelines = 2
	// maxOps of one pipeline.
	maxOps = 512
	// pipelineTimeout bounds a pipeline; whoever asked may leave before.
	pipelineTimeout = 15 * time.Second
)

// op is what one caller wants of a pipeline: some reads, or one commit.
type op struct {
	enqueue func(pipe redis.Pipeliner)
	script  *Script
	cmd     *redis.Cmd
	commit  *Commit
	intent  bool
	err     error
	done    chan struct{}
}

func (f *Batcher) queue(owner string) *ownerQueue {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.owners[owner] == nil {
		f.owners[owner] = &ownerQueue{f: f, owner: owner}
	}
	return f.owners[owner]
}

// Read has reads queued, and returns once they were answered; each command has its own error.
func (f *Batcher) Read(ctx context.Context, owner string, queue func(redis.Pipeliner)) error {
	return f.do(ctx, owner, []*op{{enqueue: queue}})
}

// Now is the store's time.
func (f *Batcher) Now(ctx context.Context, owner string) (time.Time, error) {
	var clock func() (int64, error)
	err := f.Read(ctx, owner, func(pipe redis.Pipeliner) { clock = f.db.Clock(ctx, pipe, owner) })
	if err != nil {
		return time.Time{}, err
	}
	ms, err := clock()
	return time.UnixMilli(ms), err
}

// AwaitReplicas writes nothing that matters and returns once replicas have it, and so all that was written
// before it. Where it is refused, they may have nothing of the kind: WAIT then answers for an older
// write of its connection.
func (f *Batcher) AwaitReplicas(ctx context.Context, owner string) error {
	if f.replicas == 0 {
		return nil
	}
	var written *redis.StatusCmd
	err := f.do(ctx, owner, []*op{{intent: true, enqueue: func(pipe redis.Pipeliner) {
		written = pipe.Set(ctx, Prefix(owner)+"touched", 1, time.Hour)
	}}})
	if err != nil {
		return err
	}
	return written.Err()
}

// Commit writes decisions of one owner, each for itself. The results are in order; the error of a
// result says that nobody knows whether it was written, or, for ErrReplicas, that it was.
func (f *Batcher) Commit(ctx context.Context, owner string, cs ...*Commit) ([]Result, []error) {
	ops := make([]*op, len(cs))
	for i, c := range cs {
		script := f.db.commits.allowWhenFull
		if c.WhenFull == RefuseWhenFull {
			script = f.db.commits.refuseWhenFull
		}
		ops[i] = &op{commit: c, script: script, intent: c.Intent}
	}
	err := f.do(ctx, owner, ops)
	results, errs := make([]Result, len(cs)), make([]error, len(cs))
	for i, o := range ops {
		if err != nil {
			errs[i] = err
			continue
		}
		results[i], errs[i] = o.result()
	}
	return results, errs
}

func (o *op) result() (Result, error) {
	if o.cmd == nil {
		return Result{}, o.err
	}
	r, err := parse(o.cmd)
	if err == nil && r.Done {
		err = o.err // fewer replicas than asked for
	}
	if err == nil && o.err != nil && !errors.Is(o.err, ErrReplicas) {
		err = o.err
	}
	return r, err
}

// do queues ops and waits for them, or for the caller's end; what is under way then may still be
// carried out.
func (f *Batcher) do(ctx context.Context, owner string, ops []*op) error {
	if len(ops) == 0 {
		return nil
	}
	l := f.queue(owner)
	l.mu.Lock()
	for _, o := range ops {
		o.done = make(chan struct{})
		l.ops = append(l.ops, o)
	}
	if l.inFlight < maxPipelines {
		l.inFlight++
		go l.drain() //nolint:contextcheck // it carries what others ask for too, and outlives whoever asked first
	}
	l.mu.Unlock()
	var err error
	for _, o := range ops {
		select {
		case <-o.done:
			if o.commit == nil && err == nil {
				err = o.err
			}
		case <-ctx.Done():
			return fmt.Errorf("redis: %w", ctx.Err())
		}
	}
	return err
}

// drain sends pipelines until nothing waits.
func (l *ownerQueue) drain() {
	for {
		l.mu.Lock()
		n := min(len(l.ops), maxOps)
		ops := l.ops[:n:n]
		l.ops = l.ops[n:]
		if n == 0 {
			l.inFlight--
			l.ops = nil
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		l.send(ops)
		for _, o := range ops {
			close(o.done)
		}
	}
}

// ErrReplicas: written, but not by as many replicas as must have it.
var ErrReplicas = errors.New("replicas did not acknowledge")

func (l *ownerQueue) send(ops []*op) {
	ctx, cancel := context.WithTimeout(context.Background(), pipelineTimeout)
	defer cancel()
	fail := func(err error, ops []*op) {
		for _, o := range ops {
			o.err = err
		}
	}
	node, err := l.f.db.Node(ctx, Prefix(l.owner))
	if err != nil {
		fail(err, ops)
		return
	}
	l.pipeline(ctx, node, ops)
	var again []*op
	missing := map[*Script]bool{}
	for _, o := range ops {
		if o.cmd != nil && redis.HasErrorPrefix(o.cmd.Err(), "NOSCRIPT") {
			again, missing[o.script] = append(again, o), true
		}
	}
	for script := range missing {
		src, err := l.f.db.source(ctx, script)
		if err == nil {
			err = node.ScriptLoad(ctx, src.text).Err()
		}
		if err != nil {
			fail(err, again)
			return
		}
	}
	if len(again) > 0 {
		l.pipeline(ctx, node, again)
	}
}

// pipeline sends ops over one connection, and waits on it for replicas where an intent is among
// them.
func (l *ownerQueue) pipeline(ctx context.Context, node redis.UniversalClient, ops []*op) {
	pipe := node.Pipeline()
	intent := false
	for _, o := range ops {
		o.err = nil
		intent = intent || o.intent
		if o.commit == nil {
			o.enqueue(pipe)
			continue
		}
		src, err := l.f.db.source(ctx, o.script)
		if err != nil {
			o.err = err
			continue
		}
		o.cmd = pipe.EvalSha(ctx, src.sha, l.f.db.Keys(l.owner, o.commit.keys...), o.commit.argv()...)
	}
	var acknowledged *redis.Cmd
	if intent && l.f.replicas > 0 {
		acknowledged = pipe.Do(ctx, "wait", l.f.replicas, l.f.replicaTimeout.Milliseconds())
	}
	_, err := pipe.Exec(ctx)
	var answered redis.Error
	unanswered := err != nil && !errors.As(err, &answered)
	if unanswered || isTopologyError(err) {
		l.f.db.reloadTopology(ctx)
	}
	if unanswered {
		for _, o := range ops {
			o.err = err
		}
		return
	}
	if acknowledged == nil {
		return
	}
	if n, err := acknowledged.Int64(); err != nil || n < int64(l.f.replicas) {
		for _, o := range ops {
			if o.intent {
				o.err = fmt.Errorf("%w: %d of %d replicas acknowledged", ErrReplicas, n, l.f.replicas)
			}
		}
	}
}

// Node is the node that holds the owner's keys: WAIT counts what went over its own connection.
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

// isTopologyError reports whether a node says that the keys are another's to write.
func isTopologyError(err error) bool {
	return redis.HasErrorPrefix(err, "MOVED") || redis.HasErrorPrefix(err, "READONLY") || redis.HasErrorPrefix(err, "CLUSTERDOWN")
}

// reloadTopology has a cluster's client find out anew which node holds what: it does so by itself only for
// what goes through it, and not to a node that was asked for.
func (db *DB) reloadTopology(ctx context.Context) {
	if c, ok := db.Client.(*redis.ClusterClient); ok {
		c.ReloadState(ctx)
	}
}

// Clock queues a read of the store's time; the returned function tells it, in ms, once the pipe was
// sent.
func (db *DB) Clock(ctx context.Context, pipe redis.Pipeliner, owner string) func() (int64, error) {
	if db.TestClock {
		cmd := pipe.Get(ctx, clockKey(owner))
		return cmd.Int64
	}
	cmd := pipe.Time(ctx)
	return func() (int64, error) { return cmd.Val().UnixMilli(), cmd.Err() }
}
