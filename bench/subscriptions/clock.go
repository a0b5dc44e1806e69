package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
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
	there, err := processorOf(ctx, s)
	return &clock{s, time.Now(), processor(), there}, err
}

// stop returns the time that passed, and what n pieces of work took of the processors, each.
func (c *clock) stop(ctx context.Context, n int) (time.Duration, string) {
	took, here := time.Since(c.begin), processor()-c.here
	there, err := processorOf(ctx, c.server)
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

// processorOf is how long Redis was busy so far.
func processorOf(ctx context.Context, s *redisserver.Server) (time.Duration, error) {
	info, err := s.Client.Info(ctx, "cpu").Result()
	if err != nil {
		return 0, err
	}
	total := 0.0
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_user" || name == "used_cpu_sys" {
			seconds, _ := strconv.ParseFloat(value, 64)
			total += seconds
		}
	}
	return time.Duration(total * float64(time.Second)), nil
}
