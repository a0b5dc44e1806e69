package idempotency

import (
	"context"
	"crypto/sha1" // #nosec G505 -- Redis names scripts by their SHA-1
	"embed"
	"encoding/hex"
	"errors"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua
var luaFiles embed.FS

// testClock replaces clock.lua where Options.TestClock is set: the time is the number under the last key.
const testClock = "local function clock() return tonumber(redis.call('GET', KEYS[#KEYS])) end\n"

// Steps that only make Redis fuller are refused when it is full; all others must work then, above all Finish.
var refusedWhenFull = map[string]bool{"register": true, "begin": true}

// script is one step's source in the two forms that a store may need.
type script struct {
	flagged, plain source
}

type source struct{ text, sha string }

func newSource(text string) source {
	sum := sha1.Sum([]byte(text)) // #nosec G401 -- Redis names scripts by their SHA-1
	return source{text, hex.EncodeToString(sum[:])}
}

// scripts holds every step. The embedded store of the demo cannot parse a shebang line: the first call finds out.
type scripts struct {
	steps   map[string]script
	dialect atomic.Int32
}

const (
	unknownDialect int32 = iota
	flaggedDialect
	plainDialect
)

func loadScripts(clock string) *scripts {
	s := &scripts{steps: map[string]script{}}
	lib := clock + read("lib")
	for _, name := range []string{"register", "begin", "note", "release", "finish", "ask", "answer", "defer", "due", "wake", "reject",
		"block", "person", "halt", "park", "unpark"} {
		text := lib + read(name)
		s.steps[name] = script{flagged: newSource(shebang(name) + text), plain: newSource(text)}
	}
	return s
}

func shebang(step string) string {
	if refusedWhenFull[step] {
		return "#!lua\n"
	}
	return "#!lua flags=allow-oom\n"
}

func read(name string) string {
	b, err := luaFiles.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic("idempotency: missing script " + name) // a build without its scripts
	}
	return string(b)
}

// source returns the step in the form that the store understands.
func (s *scripts) source(ctx context.Context, c redis.Scripter, step string) (source, error) {
	if s.dialect.Load() == unknownDialect {
		if err := s.detect(ctx, c); err != nil {
			return source{}, err
		}
	}
	if s.dialect.Load() == plainDialect {
		return s.steps[step].plain, nil
	}
	return s.steps[step].flagged, nil
}

func (s *scripts) detect(ctx context.Context, c redis.Scripter) error {
	err := c.Eval(ctx, "#!lua flags=allow-oom,no-writes\nreturn 1", nil).Err()
	var refused redis.Error
	switch {
	case err == nil:
		s.dialect.Store(flaggedDialect)
	case errors.As(err, &refused) && strings.Contains(err.Error(), "compiling script"):
		s.dialect.Store(plainDialect)
	default:
		return err
	}
	return nil
}
