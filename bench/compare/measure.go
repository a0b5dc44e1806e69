package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/remesa/remesa/bench/process"
)

// What is measured; the store is Redis or PostgreSQL with all of its processes.
const (
	rowRate     = "payouts a second"
	rowWorker   = "worker: processor, µs"
	rowStore    = "store: processor, µs"
	rowScripts  = "scripts run"
	rowCommands = "commands, those inside scripts included"
	rowReads    = "reads of a socket at Redis"
	rowMemory   = "worker: most memory, MB"
	// of the process that enqueues
	rowEnqueueMemory = "most memory, MB"
	rowDuplicates    = "payouts that arrived twice"

	rowP50   = "p50, ms"
	rowP99   = "p99, ms"
	rowShare = "share of in flight / latency"
	rowLines = "lines a second"

	rowIdleCommands = "commands a second"
	rowIdleScripts  = "scripts a second"
	rowIdleWorker   = "worker: % of a core"
	rowIdleStore    = "Redis: % of a core"
)

// sample is what workers and store have done so far.
type sample struct {
	at                       time.Time
	arrived                  int
	worker, store            time.Duration
	reads, scripts, commands float64
}

func (s *stage) sample(ctx context.Context, workers []*process.Process) (m sample, err error) {
	m.at = time.Now()
	if m.worker, err = process.CPU(pids(workers)...); err != nil {
		return m, err
	}
	if s.redis == nil {
		ids, err := s.postgres.PIDs()
		if err != nil {
			return m, err
		}
		if m.store, err = process.CPU(ids...); err != nil {
			return m, err
		}
	} else if err := s.sampleRedis(ctx, &m); err != nil {
		return m, err
	}
	a, err := s.Report(ctx)
	m.arrived = a.Arrivals - a.Duplicates
	return m, err
}

func pids(workers []*process.Process) []int {
	var ids []int
	for _, w := range workers {
		ids = append(ids, w.PID())
	}
	return ids
}

// sampleRedis reads INFO; its own commands are some three among thousands.
func (s *stage) sampleRedis(ctx context.Context, m *sample) error {
	text, err := s.redis.Client.Info(ctx, "cpu", "stats", "commandstats").Result()
	if err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if command, ok := strings.CutPrefix(name, "cmdstat_"); ok {
			calls, _, _ := strings.Cut(strings.TrimPrefix(value, "calls="), ",")
			n, err := strconv.ParseFloat(calls, 64)
			if err != nil {
				return err
			}
			m.commands += n
			if strings.HasPrefix(command, "eval") || strings.HasPrefix(command, "fcall") {
				m.scripts += n
			}
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		switch {
		case name == "used_cpu_sys" || name == "used_cpu_user":
			m.store += time.Duration(n * float64(time.Second))
		case name == "total_reads_processed":
			m.reads = n
		default:
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// inTurns calls measure for each contender and mode, beginning with another one in each repetition:
// whoever comes first may find a colder machine.
func (b *bench) inTurns(rep int, wanted func(contender) bool, measure func(c contender, mode string) error) error {
	for _, mode := range b.modes {
		for i := range b.contenders {
			c := b.contenders[(i+rep)%len(b.contenders)]
			if !wanted(c) {
				continue
			}
			if err := measure(c, mode); err != nil {
				return fmt.Errorf("%s, %s: %w", c.name, mode, err)
			}
		}
	}
	return nil
}

// throughput has each contender pay what is queued already. The first tenth warms up.
func (b *bench) throughput(ctx context.Context, rep int) error {
	return b.inTurns(rep, func(c contender) bool { return !c.unmeasured }, func(c contender, mode string) error {
		values, err := b.pay(ctx, c, mode, b.n, b.inFlight, 0)
		if err != nil {
			return err
		}
		for row, v := range values {
			b.results.add(key{partThroughput, mode, c.name, row}, v)
		}
		b.say("%-10s %-8s %-14s %6.0f payouts/s", partThroughput, mode, c.name, values[rowRate])
		return nil
	})
}

// pay is one case: n payouts are queued, then the workers start.
func (b *bench) pay(ctx context.Context, c contender, mode string, n, inFlight int, delay time.Duration) (map[string]float64, error) {
	s, err := b.open(ctx, c, mode, delay)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := c.load(ctx, s, n); err != nil {
		return nil, err
	}
	workers, err := c.work(ctx, s, inFlight)
	defer stopAll(workers)
	if err != nil {
		return nil, err
	}
	warm, err := s.Await(ctx, n/10)
	if err != nil {
		return nil, fail(workers, err)
	}
	from, err := s.sample(ctx, workers)
	if err != nil {
		return nil, fail(workers, err)
	}
	if _, err := s.Await(ctx, n); err != nil {
		return nil, fail(workers, err)
	}
	end, err := s.settle(ctx, c)
	if err != nil {
		return nil, fail(workers, err)
	}
	to, err := s.sample(ctx, workers)
	if err != nil {
		return nil, err
	}
	_, memory, err := process.Memory(pids(workers)...)
	if err != nil {
		return nil, err
	}
	last, err := s.Report(ctx)
	if err != nil {
		return nil, err
	}
	values := each(from, to)
	values[rowRate] = float64(n-(warm.Arrivals-warm.Duplicates)) / end.Sub(time.Unix(0, warm.Last)).Seconds()
	values[rowMemory], values[rowDuplicates] = float64(memory)/1e6, float64(last.Duplicates)
	return values, nil
}

// each is what happened between two samples, for each payout.
func each(from, to sample) map[string]float64 {
	n := float64(to.arrived - from.arrived)
	values := map[string]float64{rowWorker: micros(to.worker-from.worker) / n, rowStore: micros(to.store-from.store) / n}
	if to.reads > 0 {
		values[rowScripts], values[rowCommands] = (to.scripts-from.scripts)/n, (to.commands-from.commands)/n
		values[rowReads] = (to.reads - from.reads) / n
	}
	return values
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func stopAll(workers []*process.Process) {
	for _, w := range workers {
		w.Stop()
	}
}

// fail adds to an error what the workers wrote last.
func fail(workers []*process.Process, err error) error {
	for _, w := range workers {
		err = fmt.Errorf("%w\n%s", err, w.Output())
	}
	return err
}

// latency has payouts come one by one at a steady rate; a payout's latency is the time from when it
// was due until it arrived at the simulator. It is measured in the first mode.
func (b *bench) latency(ctx context.Context, rep int) error {
	for i := range b.contenders {
		c := b.contenders[(i+rep)%len(b.contenders)]
		if !c.steady {
			continue
		}
		for _, rate := range b.rates {
			values, err := b.steadily(ctx, c, b.modes[0], rate)
			if err != nil {
				return fmt.Errorf("%s at %d a second: %w", c.name, rate, err)
			}
			of := strconv.Itoa(rate) + " a second"
			b.results.add(key{partLatency, of, c.name, rowP50}, values[0])
			b.results.add(key{partLatency, of, c.name, rowP99}, values[1])
			b.say("%-10s %-8d %-14s p50 %.1f ms, p99 %.1f ms", partLatency, rate, c.name, values[0], values[1])
		}
	}
	return nil
}

// warmUp is how many payouts a worker pays before its latency is measured.
const warmUp = 200

func (b *bench) steadily(ctx context.Context, c contender, mode string, rate int) (p [2]float64, err error) {
	s, err := b.open(ctx, c, mode, 0)
	if err != nil {
		return p, err
	}
	defer s.close()
	if err := c.load(ctx, s, warmUp); err != nil {
		return p, err
	}
	workers, err := c.work(ctx, s, b.inFlight)
	defer stopAll(workers)
	if err != nil {
		return p, err
	}
	if _, err := s.Await(ctx, warmUp); err != nil {
		return p, fail(workers, err)
	}
	if _, err := s.settle(ctx, c); err != nil {
		return p, fail(workers, err)
	}
	s.run += "s"
	n := int(float64(rate) * b.steady.Seconds())
	due, err := c.produce(ctx, s, rate, n)
	if err != nil {
		return p, fail(workers, err)
	}
	if _, err := s.Await(ctx, warmUp+n+1); err != nil { // one more warmed up the producer
		return p, fail(workers, err)
	}
	took, err := s.latencies(ctx, due)
	if err != nil {
		return p, err
	}
	return [2]float64{took[len(took)/2], took[len(took)*99/100]}, nil
}

// latencies are the times between due and arrival, in ms, sorted.
func (s *stage) latencies(ctx context.Context, due map[string]int64) ([]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/_arrivals", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var took []float64
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		reference, text, _ := strings.Cut(lines.Text(), " ")
		at, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, err
		}
		if was, ok := due[reference]; ok {
			took = append(took, float64(at-was)/1e6)
		}
	}
	if len(took) != len(due) {
		return nil, fmt.Errorf("%d of %d payouts arrived", len(took), len(due))
	}
	slices.Sort(took)
	return took, nil
}

// delayedProvider measures how much of what is possible is reached at a slow provider: as many in
// flight as there may be, all the time.
func (b *bench) delayedProvider(ctx context.Context) error {
	ideal := float64(b.delayed) / b.delay.Seconds()
	for _, c := range b.contenders {
		if !slices.Contains(b.delayedOnes, c.name) {
			continue
		}
		n := 3 * b.n / 2
		values, err := b.pay(ctx, c, b.modes[0], n, b.delayed, b.delay)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		b.results.add(key{partInFlight, b.modes[0], c.name, rowShare}, values[rowRate]/ideal)
		b.results.add(key{partInFlight, b.modes[0], c.name, rowMemory}, values[rowMemory])
		b.say("%-10s %-8s %-14s %.3f of %.0f payouts/s", partInFlight, b.modes[0], c.name, values[rowRate]/ideal, ideal)
	}
	return nil
}

// enqueueing measures one process that enqueues: remesa's command on a file, asynq's Client with 32
// callers.
func (b *bench) enqueueing(ctx context.Context, rep int) error {
	wanted := func(c contender) bool { return c.name == nameRemesa || c.name == nameAsynq || c.name == b.before }
	return b.inTurns(rep, wanted, func(c contender, mode string) error {
		s, err := b.open(ctx, c, mode, 0)
		if err != nil {
			return err
		}
		defer s.close()
		var p *process.Process
		start := time.Now()
		if r, ok := c.system.(remesa); ok {
			p, start, err = r.submit(ctx, s, b.enqueue)
		} else if p, err = enqueueAsynq(ctx, s, b.enqueue); err == nil {
			err = p.Wait()
		}
		if err != nil {
			return err
		}
		rate := float64(b.enqueue) / time.Since(start).Seconds()
		b.results.add(key{partEnqueue, mode, c.name, rowLines}, rate)
		b.results.add(key{partEnqueue, mode, c.name, rowEnqueueMemory}, float64(p.MaxMemory())/1e6)
		b.say("%-10s %-8s %-14s %6.0f lines/s", partEnqueue, mode, c.name, rate)
		return nil
	})
}

// idling watches workers that have nothing to do: once is enough.
func (b *bench) idling(ctx context.Context, rep int) error {
	if rep > 0 {
		return nil
	}
	for _, c := range b.contenders {
		if !slices.Contains(b.idlers, c.name) {
			continue
		}
		cases := []string{"one provider"}
		if c.name == nameRemesa {
			cases = append(cases, "five providers")
		}
		for _, of := range cases {
			if err := b.watchIdle(ctx, c, of); err != nil {
				return fmt.Errorf("%s, %s: %w", c.name, of, err)
			}
		}
	}
	return nil
}

// monitor counts what clients send to Redis for a while; what scripts call is not sent.
func (s *stage) monitor(ctx context.Context, d time.Duration) (commands int, err error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", s.redis.Addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("MONITOR\r\n")); err != nil {
		return 0, err
	}
	if err := conn.SetReadDeadline(time.Now().Add(d)); err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if line := lines.Text(); line != "+OK" && !strings.Contains(line, " lua] ") {
			commands++
		}
	}
	return commands, nil
}

func (b *bench) watchIdle(ctx context.Context, c contender, of string) error {
	s, err := b.open(ctx, c, b.modes[0], 0)
	if err != nil {
		return err
	}
	defer s.close()
	var workers []*process.Process
	if r, ok := c.system.(remesa); ok && of == "five providers" {
		env, err := r.fiveProviders(ctx, s)
		if err != nil {
			return err
		}
		workers, err = r.workWith(ctx, s, b.inFlight, env)
		defer stopAll(workers)
		if err != nil {
			return err
		}
	} else {
		workers, err = c.work(ctx, s, b.inFlight)
		defer stopAll(workers)
		if err != nil {
			return err
		}
	}
	time.Sleep(b.idle / 2) // what the start does is not what an idle worker does
	from, err := s.sample(ctx, workers)
	if err != nil {
		return err
	}
	commands, err := s.monitor(ctx, b.idle)
	if err != nil {
		return err
	}
	to, err := s.sample(ctx, workers)
	if err != nil {
		return err
	}
	seconds := to.at.Sub(from.at).Seconds()
	for row, v := range map[string]float64{
		rowIdleCommands: float64(commands) / seconds, rowIdleScripts: (to.scripts - from.scripts) / seconds,
		rowIdleWorker: 100 * (to.worker - from.worker).Seconds() / seconds, rowIdleStore: 100 * (to.store - from.store).Seconds() / seconds,
	} {
		b.results.add(key{partIdle, of, c.name, row}, v)
	}
	b.say("%-10s %-14s %-14s %.1f scripts/s", partIdle, of, c.name, (to.scripts-from.scripts)/seconds)
	return nil
}
