package billing

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/redistest"
	"github.com/remesa/remesa/schedule"
)

// forgetful answers NOSCRIPT to the first command of the first pipeline: as if another process
// loaded the script right behind it.
type forgetful struct{ done bool }

func (*forgetful) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (*forgetful) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (f *forgetful) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if f.done || len(cmds) < 2 || cmds[0].Name() != "evalsha" {
			return next(ctx, cmds)
		}
		f.done = true
		err := next(ctx, cmds[1:])
		cmds[0].SetErr(noScript{})
		return errors.Join(noScript{}, err)
	}
}

type noScript struct{}

func (noScript) Error() string { return "NOSCRIPT No matching script." }
func (noScript) RedisError()   {}

func TestOnlyWhatWasNotTakenIsRunAgain(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	store := NewStore(rdb, StoreOptions{})
	now := time.Now()
	var additions []Addition
	for _, id := range []string{"a", "b"} {
		additions = append(additions, Addition{Record: newRecord(id, dailyFrom2020, now), Content: []byte("{}")})
	}
	added, err := store.Add(t.Context(), additions...)
	if err != nil {
		t.Fatal(err)
	}
	var changes []Update
	for _, a := range added {
		decision, err := a.Record.Pause(now, Actor{By: "ana", Note: "x"})
		if err != nil {
			t.Fatal(err)
		}
		changes = append(changes, Update{Decision: decision})
	}
	rdb.AddHook(&forgetful{})
	answers, err := store.Commit(t.Context(), changes...)
	if err != nil || answers[0] != nil || answers[1] != nil {
		t.Fatalf("got %v %v: the second was taken the first time", answers, err)
	}
}

// unloadable refuses to load scripts, as a server does that became a replica.
type unloadable struct{ forgetful }

func (u *unloadable) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "script" {
			cmd.SetErr(noScript{})
			return noScript{}
		}
		return next(ctx, cmd)
	}
}

func TestNothingCountsAsWrittenWhereTheScriptCannotBeLoaded(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	store := NewStore(rdb, StoreOptions{})
	record := newRecord("a", dailyFrom2020, time.Now())
	added, err := store.Add(t.Context(), Addition{Record: record, Content: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	rdb.ScriptFlush(t.Context())
	rdb.AddHook(&unloadable{})
	decision, err := added[0].Record.Pause(time.Now(), Actor{By: "ana", Note: "x"})
	if err != nil {
		t.Fatal(err)
	}
	answers, err := store.Commit(t.Context(), Update{Decision: decision})
	if err == nil && (answers[0] == nil || errors.Is(answers[0], ErrVersionChanged)) {
		t.Fatalf("got %v and no error", answers)
	}
}

var dailyFrom2020 = Terms{Calendar: schedule.Calendar{Every: schedule.Day, Start: date(2020, 1, 1), Zone: time.UTC}}
