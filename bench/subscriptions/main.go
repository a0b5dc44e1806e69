// Command subscriptions measures what a million subscriptions cost: adding them in bulk, their
// memory in Redis, a sweep that finds the few that are due, and a billing day on which many fall
// due at one minute.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/remesa/remesa/bench/redisserver"
)

// What is aimed at.
const (
	leastAdds  = 10_000 // a second
	mostMemory = 1024   // bytes for each subscription
)

func main() {
	n := flag.Int("n", 100_000, "how many subscriptions are added")
	due := flag.Int("due", 1000, "how many of them are due in the small sweep")
	day := flag.Int("day", 20_000, "how many fall due at one minute of the billing day")
	sweepers := flag.String("sweepers", "1,2", "how many sweepers share a billing day, one measurement each")
	flag.Parse()
	if err := run(context.Background(), *n, *due, *day, *sweepers); err != nil {
		fmt.Fprintln(os.Stderr, "subscriptions:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, n, due, day int, sweepers string) error {
	if err := bulk(ctx, n); err != nil {
		return err
	}
	for _, many := range []int{due, n / 10} {
		if err := oneSweep(ctx, n, many); err != nil {
			return err
		}
	}
	for text := range strings.SplitSeq(sweepers, ",") {
		workers, err := strconv.Atoi(text)
		if err != nil || workers < 1 {
			return errors.New("-sweepers: must be numbers such as 1,2")
		}
		if err := billingDay(ctx, day, workers); err != nil {
			return err
		}
	}
	return nil
}

// bulk adds n subscriptions, and measures the memory of each.
func bulk(ctx context.Context, n int) error {
	took, busy, withCard, err := added(ctx, provider, n)
	if err != nil {
		return err
	}
	speed := float64(n) / took.Seconds()
	fmt.Printf("add: %d subscriptions in %s, %.0f a second, decoding included (aim: %d)%s\n", n, took.Round(time.Millisecond), speed, leastAdds, busy)
	_, _, without, err := added(ctx, cardless, n)
	if err != nil {
		return err
	}
	fmt.Printf("memory: %.0f bytes for each without customer and card (aim: at most %d), %.0f with them\n", without, mostMemory, withCard)
	return nil
}

// added adds n subscriptions of a provider.
func added(ctx context.Context, provider string, n int) (took time.Duration, busy string, each float64, _ error) {
	s, err := redisserver.Start(ctx)
	if err != nil {
		return 0, "", 0, err
	}
	defer s.Stop()
	f := newFixture(s)
	// One first, so that scripts and empty indexes are not counted.
	if err := f.add(ctx, lines("warm-up", provider, 1, far)); err != nil {
		return 0, "", 0, err
	}
	before, err := used(ctx, s)
	if err != nil {
		return 0, "", 0, err
	}
	input := lines("sub", provider, n, far)
	clock, err := startClock(ctx, s)
	if err != nil {
		return 0, "", 0, err
	}
	if err := f.add(ctx, input); err != nil {
		return 0, "", 0, err
	}
	took, busy = clock.stop(ctx, n)
	after, err := used(ctx, s)
	return took, busy, float64(after-before) / float64(n), err
}

// oneSweep has many of n subscriptions due, and times the sweep that finds and charges them.
func oneSweep(ctx context.Context, n, many int) error {
	s, err := redisserver.Start(ctx)
	if err != nil {
		return err
	}
	defer s.Stop()
	f := newFixture(s)
	if err := f.add(ctx, lines("idle", provider, n-many, far)); err != nil {
		return err
	}
	if err := f.add(ctx, lines("due", provider, many, past)); err != nil {
		return err
	}
	clock, err := startClock(ctx, s)
	if err != nil {
		return err
	}
	if err := f.sweep(ctx, 1, many); err != nil {
		return err
	}
	took, busy := clock.stop(ctx, many)
	fmt.Printf("sweep: %d of %d due, %s, %.2f ms for each that is due%s\n", many, n, took.Round(time.Millisecond),
		float64(took.Microseconds())/1000/float64(many), busy)
	return nil
}

// billingDay has all fall due at one minute.
func billingDay(ctx context.Context, day, sweepers int) error {
	s, err := redisserver.Start(ctx)
	if err != nil {
		return err
	}
	defer s.Stop()
	f := newFixture(s)
	// One before the others, so that Redis has the scripts.
	if err := errors.Join(f.add(ctx, lines("warm-up", provider, 1, past)), f.sweep(ctx, 1, 1)); err != nil {
		return err
	}
	if err := f.add(ctx, lines("day", provider, day, past)); err != nil {
		return err
	}
	clock, err := startClock(ctx, s)
	if err != nil {
		return err
	}
	if err := f.sweep(ctx, sweepers, day+1); err != nil {
		return err
	}
	took, busy := clock.stop(ctx, day)
	fmt.Printf("billing day: %d due at one minute, %d sweepers: all registered after %s, %.0f a second%s\n",
		day, sweepers, took.Round(time.Millisecond), float64(day)/took.Seconds(), busy)
	return nil
}
