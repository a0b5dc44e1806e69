package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/bench/payment"
	"github.com/remesa/remesa/bench/process"
	"github.com/remesa/remesa/tasks"
)

// remesa is the two real commands, of this checkout or of the commit it names.
type remesa struct{ commit string }

func (r remesa) binary(s *stage, name string) string {
	tree := "remesa"
	if r.commit != "" {
		tree = r.commit
	}
	return s.bench.path(tree + "/" + name)
}

func (remesa) environment(s *stage) []string {
	return []string{
		"REMESA_REDIS_URL=redis://" + s.redis.Addr + "/0", "REMESA_REDIS_DURABILITY=" + s.mode, "REMESA_VIRTUALPOS_BASE_URL=" + s.simulator,
		"REMESA_VIRTUALPOS_API_KEY=sandbox-api-key", "REMESA_VIRTUALPOS_SECRET_KEY=sandbox-secret-key",
	}
}

func (r remesa) load(ctx context.Context, s *stage, n int) error {
	_, _, err := r.submit(ctx, s, n)
	return err
}

// submit runs enqueue submit on a file, and returns the process once it has ended, and when it
// began. Result lines go to a file, too, as they would.
func (r remesa) submit(ctx context.Context, s *stage, n int) (*process.Process, time.Time, error) {
	file := s.bench.path("payouts.jsonl")
	if err := payment.WriteLines(file, s.run, n); err != nil {
		return nil, time.Time{}, err
	}
	start := time.Now()
	p, err := process.StartInto(ctx, file+".results", r.environment(s), r.binary(s, "enqueue"), "submit", file)
	if err != nil {
		return nil, start, err
	}
	return p, start, p.Wait()
}

func (r remesa) work(ctx context.Context, s *stage, inFlight int) ([]*process.Process, error) {
	return r.workWith(ctx, s, inFlight, r.environment(s))
}

func (r remesa) workWith(ctx context.Context, s *stage, inFlight int, env []string) ([]*process.Process, error) {
	address, err := process.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	p, err := process.Start(ctx, env, r.binary(s, "worker"), "run", "--http-addr", address, "--concurrency", fmt.Sprint(inFlight))
	if err != nil {
		return nil, err
	}
	return []*process.Process{p}, p.Ready(ctx, func() error { return get(ctx, "http://"+address+"/readyz", nil) })
}

func (remesa) settled(ctx context.Context, s *stage) (bool, error) {
	return empty(ctx, s.redis.Client, []string{"asynq:{virtualpos}:pending", "asynq:{virtualpos}:active"}, []string{"remesa:{virtualpos}:states"})
}

// empty reports whether lists and sorted sets are empty.
func empty(ctx context.Context, rdb *redis.Client, lists, sets []string) (bool, error) {
	pipe := rdb.Pipeline()
	var lengths []*redis.IntCmd
	for _, key := range lists {
		lengths = append(lengths, pipe.LLen(ctx, key))
	}
	for _, key := range sets {
		lengths = append(lengths, pipe.ZCard(ctx, key))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return false, err
	}
	for _, l := range lengths {
		if l.Val() > 0 {
			return false, nil
		}
	}
	return true, nil
}

// produce pays through the library, as a program that makes payouts one by one does.
func (remesa) produce(ctx context.Context, s *stage, rate, n int) (map[string]int64, error) {
	client, err := tasks.Open("redis://"+s.redis.Addr+"/0", tasks.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Close() }()
	return pace(s.run, rate, n, func(i int) error {
		_, err := client.Pay(ctx, tasks.Payout{
			Provider: "virtualpos", MerchantID: payment.Reference(s.run, i), Amount: "12500", Currency: "CLP",
			Description: fmt.Sprintf("Devolución OC %08d, cuota 2 de 3", i),
			Recipient:   tasks.Recipient{Document: "12345678-5", Name: "Ana María Soto Valenzuela", Email: "ana.soto.valenzuela@correo.example"},
			Bank:        tasks.Bank{Code: "012", AccountNumber: "000012345678"},
			Common: tasks.Common{Metadata: map[string]string{
				"invoice": fmt.Sprintf("F-2026-%08d", i), "cost_center": "4410-tesoreria", "batch": "nomina-2026-11",
				"order": "OC-2026-00042177", "note": "aprobado por finanzas el 2026-11-26, segunda cuota del convenio",
			}},
		})
		return err
	})
}

// fiveProviders starts the sandbox of all providers and returns the settings for them.
func (r remesa) fiveProviders(ctx context.Context, s *stage) ([]string, error) {
	address, err := process.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	p, err := process.Start(ctx, nil, r.binary(s, "worker"), "sandbox", "--addr", address)
	if err != nil {
		return nil, err
	}
	s.stop = append(s.stop, p.Stop)
	if err := p.Ready(ctx, func() error { return get(ctx, "http://"+address+"/virtualpos/_book", nil) }); err != nil {
		return nil, err
	}
	env := r.environment(s)[:2]
	for line := range strings.Lines(p.Output()) {
		if setting := strings.TrimSpace(line); strings.HasPrefix(setting, "REMESA_") {
			env = append(env, setting)
		}
	}
	return env, nil
}
