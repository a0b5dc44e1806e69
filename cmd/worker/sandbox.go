package main

import (
	"context"
	"fmt"
	"net"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/providers/sandbox/all"
)

type sandboxCmd struct {
	Addr string `default:"127.0.0.1:9090" placeholder:"HOST:PORT" help:"Where the simulators listen."`
}

// Run serves the provider simulators until a signal.
func (cmd sandboxCmd) Run(ctx context.Context, _ *config.Config) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", cmd.Addr)
	if err != nil {
		return fmt.Errorf("--addr: %w", err)
	}
	url := "http://" + l.Addr().String()
	fmt.Printf("simulated providers on %s\n\n", url)
	simulators := all.New(all.Options{})
	for _, p := range simulators.Providers() {
		for _, s := range p.Settings(url) {
			fmt.Printf("  %s=%s\n", s.Name, s.Value)
		}
		fmt.Println()
	}
	fmt.Println("GET PREFIX/_book shows what was executed; POST PREFIX/_faults makes it fail (see README.md)")
	return simulators.Serve(ctx, l)
}
