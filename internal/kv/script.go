package kv

import (
	"context"
	"crypto/sha1" // #nosec G505 -- Redis names scripts by their SHA-1
	_ "embed"
	"encoding/hex"
	"errors"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

//go:embed clock.lua
var clockLua string

// unpackLua stands in for the library that Redis has and the demo's embedded store has not. It
// reads what package kv packs, and nothing else.
const unpackLua = `local cmsgpack = {unpack = function(packed)
  local values, at, list = {}, 1, false
  local function number(size)
    local n = 0
    for b = at, at + size - 1 do n = n * 256 + packed:byte(b) end
    at = at + size
    return n
  end
  while at <= #packed do
    local kind = number(1)
    if kind < 128 then values[#values + 1] = kind
    elseif kind == 205 then values[#values + 1] = number(2)
    elseif kind == 207 then values[#values + 1] = number(8)
    elseif kind == 221 then number(4) list = true
    else
      local size = kind == 219 and number(4) or kind - 160
      values[#values + 1] = packed:sub(at, at + size - 1)
      at = at + size
    end
  end
  if list then return values end
  return unpack(values)
end}
`

// testClock replaces clock.lua in tests: the time is the number under the last key.
const testClock = "local function clock() return tonumber(redis.call('GET', KEYS[#KEYS])) end\n"

// Script is a script in two forms, with and without flags in a shebang. The files carry no shebang,
// because the demo's embedded store cannot parse one. Nor has it cmsgpack.
type Script struct {
	flagged, plain source
}

type source struct{ text, sha string }

func newSource(text string) source {
	sum := sha1.Sum([]byte(text)) // #nosec G401 -- Redis names scripts by their SHA-1
	return source{text, hex.EncodeToString(sum[:])}
}

// FullPolicy says whether a script may run while Redis is full.
type FullPolicy bool

// Kinds of scripts.
const (
	// AllowWhenFull runs although Redis is full, so that what happened is always recorded.
	AllowWhenFull FullPolicy = true
	// RefuseWhenFull fails when Redis is full: see IsFull.
	RefuseWhenFull FullPolicy = false
)

// NewScript makes a script that never calls clock().
func NewScript(text string, whenFull FullPolicy) *Script {
	head := "#!lua\n"
	if whenFull == AllowWhenFull {
		head = "#!lua flags=allow-oom\n"
	}
	return &Script{flagged: newSource(head + text), plain: newSource(unpackLua + text)}
}

// DB is a Redis database and its clock.
type DB struct {
	Client redis.UniversalClient
	// TestClock takes the time from the key "remesa:{owner}:clock" (Unix ms) instead of from Redis.
	// For tests.
	TestClock bool

	dialect atomic.Int32
	commits commits
}

// NewDB makes a database on a client, which the caller closes.
func NewDB(client redis.UniversalClient, testClock bool) *DB {
	return &DB{Client: client, TestClock: testClock, commits: newCommits(clockSource(testClock))}
}

func clockSource(test bool) string {
	if test {
		return testClock
	}
	return clockLua
}

// Timed makes a script that may call clock(). The caller passes its keys through Keys.
func (db *DB) Timed(text string, whenFull FullPolicy) *Script {
	return NewScript(clockSource(db.TestClock)+text, whenFull)
}

// Keys returns the KEYS of a script that may call clock().
func (db *DB) Keys(owner string, keys ...string) []string {
	if db.TestClock {
		return append(keys, clockKey(owner))
	}
	return keys
}

const (
	unknownDialect int32 = iota
	flaggedDialect
	plainDialect
)

// source returns the script in the form that the store understands, which the first call detects.
func (db *DB) source(ctx context.Context, s *Script) (source, error) {
	if db.dialect.Load() == unknownDialect {
		if err := db.detect(ctx); err != nil {
			return source{}, err
		}
	}
	if db.dialect.Load() == plainDialect {
		return s.plain, nil
	}
	return s.flagged, nil
}

func (db *DB) detect(ctx context.Context) error {
	err := db.Client.Eval(ctx, "#!lua flags=allow-oom,no-writes\nreturn 1", nil).Err()
	var refused redis.Error
	switch {
	case err == nil:
		db.dialect.Store(flaggedDialect)
	case errors.As(err, &refused) && strings.Contains(err.Error(), "compiling script"):
		db.dialect.Store(plainDialect)
	default:
		return err
	}
	return nil
}

// Run runs a script, and loads it if Redis does not know it.
func (db *DB) Run(ctx context.Context, s *Script, keys []string, args ...any) *redis.Cmd {
	src, err := db.source(ctx, s)
	if err != nil {
		failed := redis.NewCmd(ctx)
		failed.SetErr(err)
		return failed
	}
	reply := db.Client.EvalSha(ctx, src.sha, keys, args...)
	if redis.HasErrorPrefix(reply.Err(), "NOSCRIPT") {
		reply = db.Client.Eval(ctx, src.text, keys, args...)
	}
	return reply
}

// IsFull reports whether Redis refused something because it is full.
func IsFull(err error) bool {
	return err != nil && (redis.HasErrorPrefix(err, "OOM") || strings.Contains(err.Error(), "-OOM"))
}
