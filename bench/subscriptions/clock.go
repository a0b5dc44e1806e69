package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/remesa/remesa/bench/redisserver"
)

// clock takes the time, and how long this process and Redis kept a processor busy meanwhile: what
// says something on a machine that has other work to do, too.
type clock struct {
	server      *redisserver.Server
	begin       time.Time
	here, redis time.Duration
}

func startClock(ctx context.Context, s *redisserver.Server) (*clock, error) {
	there, err := s.CPU(ctx)
	return &clock{s, time.Now(), processor(), there}, err
}

// stop returns the time that passed, and what n pieces of work took of the processors, each.
func (c *clock) stop(ctx context.Context, n int) (time.Duration, string) {
	took, here := time.Since(c.begin), processor()-c.here
	there, err := c.server.CPU(ctx)
	if err != nil {
		return took, ""
	}
	return took, fmt.Sprintf("; each took %d µs of a processor here and %d µs in Redis", here.Microseconds()/int64(n),
		(there-c.redis).Microseconds()/int64(n))
}

// processor is how long this process was busy so far.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
