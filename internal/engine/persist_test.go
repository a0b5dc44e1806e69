package engine

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/providers"
)

// writes is an engine with nothing but what persist needs, and its log.
func writes() (*Engine, *logBuffer) {
	log := &logBuffer{}
	return &Engine{
		Options: Options{Log: zerolog.New(log), Metrics: noMetrics{}, Random: func() float64 { return 1 }}, exiting: make(chan struct{}),
	}, log
}

// TestALostReplyCostsASecond: the store does not reply for a while, and no connection ends.
func TestALostReplyCostsASecond(t *testing.T) {
	for lost, most := range map[int]time.Duration{1: 1100 * time.Millisecond, 2: 3300 * time.Millisecond, 6: 31 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			e, _ := writes()
			begun, longest, n := time.Now(), time.Duration(0), 0
			e.persist(t.Context(), key("p"), "finish", providers.Outcome{}, func(ctx context.Context) (idempotency.Transition, error) {
				if n++; n > lost {
					return idempotency.Transition{}, nil
				}
				start := time.Now()
				<-ctx.Done()
				longest = max(longest, time.Since(start))
				return idempotency.Transition{}, ctx.Err()
			})
			if took := time.Since(begun); took > most || longest > writeTimeout {
				t.Errorf("%d lost replies: written after %s, waited for one reply %s", lost, took, longest)
			}
		})
	}
}

// TestWhichRepliesOfRedisAreFinal tests the rule with the replies of a real server: a reply about
// the script is final, because each later one would be the same; a reply about the server is not.
func TestWhichRepliesOfRedisAreFinal(t *testing.T) {
	t.Parallel()
	c := redistest.Start(t).Client()
	for sentence, script := range map[string]string{
		"a record that is no JSON":       `return cjson.decode("{")`,
		"a record that lacks a field":    `local r = {} return r.at[1]`,
		"a key of another type":          `redis.call("SET", KEYS[1], "x") return redis.call("LPUSH", KEYS[1], "x")`,
		"a command that does not exist":  `return redis.call("NOSUCH")`,
		"an error that the script makes": `error("damaged")`,
	} {
		err := c.Eval(t.Context(), script, []string{"k"}).Err()
		if err == nil || !permanent(fmt.Errorf("finish virtualpos/p: %w", err)) {
			t.Errorf("%s is tried for ever: %v", sentence, err)
		}
	}
	full := redistest.Start(t, redistest.MaxMemory("1kb")).Client().Eval(t.Context(), `return redis.call("SET", KEYS[1], "x")`, []string{"k"}).Err()
	if full == nil || permanent(full) {
		t.Errorf("a full Redis is final: %v", full)
	}
	for _, text := range []string{
		"LOADING Redis is loading the dataset in memory", "READONLY You can't write against a read only replica. script: 0f, on @user_script:3.",
		"MISCONF Errors writing to the AOF file: No space left on device", "NOREPLICAS Not enough good replicas to write.",
		"MASTERDOWN Link with MASTER is down", "CLUSTERDOWN The cluster is down", "TRYAGAIN Multiple keys request during rehashing of slot",
		"BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", "NOSCRIPT No matching script.",
		"ERR max number of clients reached", "NOPERM User remesa has no permissions to run the 'evalsha' command", "NOAUTH Authentication required.",
	} {
		if permanent(reply(text)) {
			t.Errorf("%s: final, though it may pass", text)
		}
	}
	if permanent(errors.New("read tcp 10.0.0.7:6379: connection reset by peer (script: x)")) {
		t.Error("an error of the network is final")
	}
}

// reply is an error reply of Redis.
type reply string

func (r reply) Error() string { return string(r) }
func (r reply) RedisError()   {}

// TestARecordThatCannotBeWrittenIsLogged: the payment's record was damaged while its request was
// under way.
func TestARecordThatCannotBeWrittenIsLogged(t *testing.T) {
	r := newFixture(t)
	g := newGate()
	r.provider.behave("p", scriptedReplies{pay: g.hold(outcome(providers.Succeeded))})
	r.submit(key("p"))
	r.run()
	wait(t, "the send", g.entered)
	if err := r.rdb.Set(t.Context(), "remesa:{virtualpos}:p:p", "{", 0).Err(); err != nil {
		t.Fatal(err)
	}
	close(g.leave)
	r.until("it is not logged", func() bool { return len(r.log.lines("RESULT REFUSED by the ledger")) == 1 })
}
