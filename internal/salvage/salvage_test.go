package salvage

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/remesa/remesa/internal/redistest"
)

const queue = "virtualpos"

// fixture is a Redis with tasks that dead workers had taken.
type fixture struct {
	t   *testing.T
	rdb redis.UniversalClient
	log bytes.Buffer
}

func (y *fixture) must(err error) {
	y.t.Helper()
	if err != nil {
		y.t.Fatal(err)
	}
}

// orphan is a task whose worker died a minute ago.
func (y *fixture) orphan(id string) {
	y.t.Helper()
	ctx := y.t.Context()
	client := asynq.NewClientFromRedisClient(y.rdb)
	_, err := client.Enqueue(asynq.NewTask("wake", []byte(id)), asynq.Queue(queue), asynq.TaskID(id), asynq.MaxRetry(5))
	y.must(err)
	y.must(y.rdb.LRem(ctx, "asynq:{virtualpos}:pending", 0, id).Err())
	y.must(y.rdb.HDel(ctx, "asynq:{virtualpos}:t:"+id, "pending_since").Err())
	y.must(y.rdb.HSet(ctx, "asynq:{virtualpos}:t:"+id, "state", "active").Err())
	y.must(y.rdb.LPush(ctx, "asynq:{virtualpos}:active", id).Err())
	y.lapse(id, time.Now().Add(-time.Minute))
}

func (y *fixture) lapse(id string, at time.Time) {
	y.t.Helper()
	y.must(y.rdb.ZAdd(y.t.Context(), "asynq:{virtualpos}:lease", redis.Z{Member: id, Score: float64(at.Unix())}).Err())
}

func (y *fixture) salvager(now func() time.Time) *Salvager {
	y.t.Helper()
	s, err := New(Options{Redis: y.rdb, Queues: []string{"never-used", queue}, Log: zerolog.New(&y.log), Now: now})
	y.must(err)
	return s
}

func (y *fixture) kept() []string {
	y.t.Helper()
	names, err := y.rdb.ZRange(y.t.Context(), "remesa:{virtualpos}:damaged", 0, -1).Result()
	y.must(err)
	return names
}

func (y *fixture) leases() []string {
	y.t.Helper()
	ids, err := y.rdb.ZRange(y.t.Context(), "asynq:{virtualpos}:lease", 0, -1).Result()
	y.must(err)
	return ids
}

// damages are the ways in which a task stops asynq from handing out any other, or is handed out by
// nobody itself.
var damages = map[string]func(y *fixture, key string){
	"undecodable": func(y *fixture, key string) { y.must(y.rdb.HSet(y.t.Context(), key, "msg", "\xff\xff canary").Err()) },
	"cut off": func(y *fixture, key string) {
		text, err := y.rdb.HGet(y.t.Context(), key, "msg").Result()
		y.must(err)
		y.must(y.rdb.HSet(y.t.Context(), key, "msg", text[:len(text)/2]).Err())
	},
	"not a task": func(y *fixture, key string) {
		y.must(y.rdb.Del(y.t.Context(), key).Err())
		y.must(y.rdb.Set(y.t.Context(), key, "canary", 0).Err())
	},
	"no message":   func(y *fixture, key string) { y.must(y.rdb.HDel(y.t.Context(), key, "msg").Err()) },
	"an empty one": func(y *fixture, key string) { y.must(y.rdb.HSet(y.t.Context(), key, "msg", "").Err()) },
	"another task's": func(y *fixture, key string) {
		text, err := y.rdb.HGet(y.t.Context(), key, "msg").Result()
		y.must(err)
		y.must(y.rdb.HSet(y.t.Context(), key, "msg", strings.Replace(text, "damaged", "another", 2)).Err())
	},
}

// TestADamagedTaskIsPutAsideWithItsBytes: and a sound one beside it is left to asynq.
func TestADamagedTaskIsPutAsideWithItsBytes(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]func(t *testing.T) redis.UniversalClient{
		"Redis": func(t *testing.T) redis.UniversalClient { return redistest.Start(t).Client() },
		"the demo's store": func(t *testing.T) redis.UniversalClient {
			rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
			t.Cleanup(func() { _ = rdb.Close() })
			return rdb
		},
	} {
		for damage, harm := range damages {
			t.Run(name+", "+damage, func(t *testing.T) {
				t.Parallel()
				y := &fixture{t: t, rdb: server(t)}
				y.orphan("damaged")
				y.orphan("sound")
				harm(y, "asynq:{virtualpos}:t:damaged")
				was, _ := y.rdb.Dump(t.Context(), "asynq:{virtualpos}:t:damaged").Result() // the demo's store may not know it
				y.must(y.salvager(nil).Scan(t.Context()))
				names := y.kept()
				if len(names) != 1 || !strings.HasPrefix(names[0], "damaged@") {
					t.Fatalf("put aside: %q", names)
				}
				key := "remesa:{virtualpos}:damaged:" + names[0]
				if is, _ := y.rdb.Dump(t.Context(), key).Result(); is != was {
					t.Errorf("kept as %q, was %q", is, was)
				}
				if ttl := y.rdb.TTL(t.Context(), key).Val(); ttl < 89*24*time.Hour || ttl > 90*24*time.Hour {
					t.Errorf("kept for %s", ttl)
				}
				active := y.rdb.LRange(t.Context(), "asynq:{virtualpos}:active", 0, -1).Val()
				if !slices.Equal(active, []string{"sound"}) || !slices.Equal(y.leases(), []string{"sound"}) {
					t.Errorf("asynq has %q active, and leases of %q", active, y.leases())
				}
				if n, err := (PutAside{y.rdb}).Damaged(t.Context(), queue); n != 1 || err != nil {
					t.Errorf("%d counted, %v", n, err)
				}
				line := y.log.String()
				if !strings.Contains(line, `"task":"damaged"`) || !strings.Contains(line, key) || strings.Contains(line, "canary") {
					t.Errorf("the log has %s", line)
				}
			})
		}
	}
}

// TestAsynqHandsOutADeadWorkersTasksAgain: a damaged task beside them stops it, until it is put
// aside.
func TestAsynqHandsOutADeadWorkersTasksAgain(t *testing.T) {
	t.Parallel()
	for damage, stops := range map[string]bool{"undecodable": true, "cut off": true, "not a task": true} {
		t.Run(damage, func(t *testing.T) {
			t.Parallel()
			y := &fixture{t: t, rdb: redistest.Start(t).Client()}
			y.orphan("sound")
			y.orphan("damaged")
			damages[damage](y, "asynq:{virtualpos}:t:damaged")
			if got := y.recovered(3 * time.Second); got == stops {
				t.Fatalf("beside the damaged task it is handed out: %t", got)
			}
			y.must(y.salvager(nil).Scan(t.Context()))
			if !y.recovered(time.Minute) {
				t.Error("it is not handed out, though the damaged task is out of the way")
			}
		})
	}
}

// recovered starts asynq, which looks for dead workers' tasks at once, and reports whether the
// sound one is handed out in time.
func (y *fixture) recovered(within time.Duration) bool {
	y.t.Helper()
	server := asynq.NewServerFromRedisClient(y.rdb, asynq.Config{
		Queues: map[string]int{queue: 1}, Concurrency: 1, DelayedTaskCheckInterval: 50 * time.Millisecond, TaskCheckInterval: 50 * time.Millisecond,
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return 0 },
		LogLevel:       asynq.FatalLevel,
	})
	handed := make(chan struct{}, 1)
	y.must(server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { handed <- struct{}{}; return nil })))
	defer server.Shutdown()
	select {
	case <-handed:
		return true
	case <-time.After(within):
		return false
	}
}

func TestWhatIsNotDamagedOrNotLapsedIsLeftAlone(t *testing.T) {
	t.Parallel()
	y := &fixture{t: t, rdb: redistest.Start(t).Client()}
	y.orphan("sound")
	y.orphan("held")
	y.orphan("lost")
	y.must(y.rdb.HSet(t.Context(), "asynq:{virtualpos}:t:held", "msg", "\xff").Err())
	y.lapse("held", time.Now().Add(20*time.Second))
	y.must(y.rdb.Del(t.Context(), "asynq:{virtualpos}:t:lost").Err()) // nothing is left of it to be kept; asynq skips it
	s := y.salvager(nil)
	y.must(s.Scan(t.Context()))
	if len(y.kept()) != 0 || len(y.leases()) != 3 {
		t.Errorf("put aside: %q; leases of %q", y.kept(), y.leases())
	}
	y.must(s.putAside(t.Context(), queue, "held", "undecodable"))
	if len(y.kept()) != 0 || len(y.leases()) != 3 {
		t.Errorf("taken again meanwhile, put aside: %q", y.kept())
	}
}

// TestTheSameIDDamagedAgainReplacesNothing: what was put aside before stays.
func TestTheSameIDDamagedAgainReplacesNothing(t *testing.T) {
	t.Parallel()
	y := &fixture{t: t, rdb: redistest.Start(t).Client()}
	now := time.Now()
	s := y.salvager(func() time.Time { return now })
	for n := range 2 {
		y.orphan("damaged")
		y.must(y.rdb.HSet(t.Context(), "asynq:{virtualpos}:t:damaged", "msg", fmt.Sprintf("\xff%d", n)).Err())
		y.must(s.Scan(t.Context()))
		now = now.Add(time.Minute)
	}
	names := y.kept()
	if len(names) != 2 {
		t.Fatalf("put aside: %q", names)
	}
	for n, name := range names {
		if text := y.rdb.HGet(t.Context(), "remesa:{virtualpos}:damaged:"+name, "msg").Val(); text != fmt.Sprintf("\xff%d", n) {
			t.Errorf("%s has %q", name, text)
		}
	}
}

// TestNothingIsDroppedWhereTooManyArePutAside: the rest stays where it is, but holds nobody up.
func TestNothingIsDroppedWhereTooManyArePutAside(t *testing.T) {
	t.Parallel()
	y := &fixture{t: t, rdb: redistest.Start(t).Client()}
	now := float64(time.Now().Unix())
	var full []redis.Z
	for n := range maxKept {
		full = append(full, redis.Z{Member: fmt.Sprint(n), Score: now})
	}
	y.must(y.rdb.ZAdd(t.Context(), "remesa:{virtualpos}:damaged", full...).Err())
	y.orphan("damaged")
	y.must(y.rdb.HSet(t.Context(), "asynq:{virtualpos}:t:damaged", "msg", "\xff").Err())
	y.must(y.salvager(nil).Scan(t.Context()))
	text := y.rdb.HGet(t.Context(), "asynq:{virtualpos}:t:damaged", "msg").Val()
	if len(y.kept()) != maxKept || len(y.leases()) != 0 || text != "\xff" || !strings.Contains(y.log.String(), "too many") {
		t.Errorf("%d put aside, leases of %q, its message %q, the log %s", len(y.kept()), y.leases(), text, y.log.String())
	}
	later := y.salvager(func() time.Time { return time.Now().Add(retention + time.Hour) })
	y.lapse("damaged", time.Now())
	y.must(later.Scan(t.Context()))
	if names := y.kept(); len(names) != 1 || !strings.HasPrefix(names[0], "damaged@") {
		t.Errorf("when the others have gone: %q", names)
	}
}

func TestAFullRedisKeepsNoDamagedTaskInTheWay(t *testing.T) {
	t.Parallel()
	y := &fixture{t: t, rdb: redistest.Start(t, redistest.MaxMemory("64mb")).Client()}
	y.orphan("damaged")
	y.must(y.rdb.HSet(t.Context(), "asynq:{virtualpos}:t:damaged", "msg", "\xff").Err())
	y.must(y.salvager(nil).Scan(t.Context())) // loads the script
	y.orphan("damaged")
	y.must(y.rdb.HSet(t.Context(), "asynq:{virtualpos}:t:damaged", "msg", "\xff").Err())
	y.must(y.rdb.ConfigSet(t.Context(), "maxmemory", "1").Err())
	y.must(y.salvager(func() time.Time { return time.Now().Add(time.Minute) }).Scan(t.Context()))
	if len(y.kept()) != 2 || len(y.leases()) != 0 {
		t.Errorf("put aside: %q; leases of %q", y.kept(), y.leases())
	}
}
