package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/remesa/remesa/bench/payment"
	"github.com/remesa/remesa/bench/process"
	"github.com/remesa/remesa/bench/rig"
	"github.com/remesa/remesa/tasks"
)

// remesa is the two real commands, of this checkout or of the commit it names.
type remesa struct{ commit string }

func (r remesa) rig(s *stage) rig.Remesa {
	tree := "remesa"
	if r.commit != "" {
		tree = r.commit
	}
	return rig.Remesa{Bin: s.bench.path(tree), Redis: s.redis, Fsync: s.mode, Simulator: s.URL}
}

func (r remesa) load(ctx context.Context, s *stage, n int) error {
	_, _, err := r.submit(ctx, s, n)
	return err
}

// submit runs enqueue submit on a file, and returns the process once it has ended, and when it
// began.
func (r remesa) submit(ctx context.Context, s *stage, n int) (*process.Process, time.Time, error) {
	file := s.bench.path("payouts.jsonl")
	if err := payment.WriteLines(file, s.run, n); err != nil {
		return nil, time.Time{}, err
	}
	start := time.Now()
	p, err := r.rig(s).Submit(ctx, file)
	if err != nil {
		return nil, start, err
	}
	return p, start, p.Wait()
}

func (r remesa) work(ctx context.Context, s *stage, inFlight int) ([]*process.Process, error) {
	return r.workWith(ctx, s, inFlight, r.rig(s).Environment())
}

func (r remesa) workWith(ctx context.Context, s *stage, inFlight int, env []string) ([]*process.Process, error) {
	p, err := r.rig(s).Work(ctx, inFlight, env)
	if err != nil {
		return nil, err
	}
	return []*process.Process{p}, nil
}

func (r remesa) settled(ctx context.Context, s *stage) (bool, error) { return r.rig(s).Settled(ctx) }

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
	p, err := process.Start(ctx, nil, r.rig(s).Bin+"/worker", "sandbox", "--addr", address)
	if err != nil {
		return nil, err
	}
	s.stop = append(s.stop, p.Stop)
	if err := p.Ready(ctx, func() error { return rig.Get(ctx, "http://"+address+"/virtualpos/_book", nil) }); err != nil {
		return nil, err
	}
	env := r.rig(s).Environment()[:2]
	for line := range strings.Lines(p.Output()) {
		if setting := strings.TrimSpace(line); strings.HasPrefix(setting, "REMESA_") {
			env = append(env, setting)
		}
	}
	return env, nil
}
