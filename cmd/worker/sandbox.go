package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/i18n"
	"github.com/remesa/remesa/providers/sandbox/all"
)

// sandboxCmd is the simulated providers: serving them, and making them fail.
type sandboxCmd struct {
	Serve   sandboxServeCmd   `cmd:"" default:"withargs" help:"Serve the provider simulators (the default)."`
	Trigger sandboxTriggerCmd `cmd:"" help:"Make the simulated providers of a running sandbox fail; docs/sandbox.md has the kinds."`
}

type sandboxServeCmd struct {
	Addr string `default:"127.0.0.1:9090" placeholder:"HOST:PORT" help:"Where the simulators listen."`
}

// Run serves the provider simulators until a signal.
func (cmd sandboxServeCmd) Run(ctx context.Context, _ *config.Config, l i18n.Locale) error {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", cmd.Addr)
	if err != nil {
		return fmt.Errorf("--addr: %w", err)
	}
	url := "http://" + listener.Addr().String()
	words := onStdout(l).CLI.Sandbox
	fmt.Printf("%s\n\n", words.Serving(url))
	simulators := all.New(all.Options{})
	for _, p := range simulators.Providers() {
		for _, s := range p.Settings(url) {
			fmt.Printf("  %s=%s\n", s.Name, s.Value)
		}
		fmt.Println()
	}
	fmt.Println(words.Book)
	return simulators.Serve(ctx, listener)
}

// sandboxTriggerCmd has the fields of a fault.
type sandboxTriggerCmd struct {
	Kind       string `arg:"" help:"What goes wrong, such as hang_up_after."`
	Addr       string `default:"127.0.0.1:9090" placeholder:"HOST:PORT" help:"Where the sandbox listens."`
	Provider   string `placeholder:"P" help:"Only this provider; without it all."`
	Operation  string `placeholder:"send|step|ask|login|any" help:"Which requests; without it what the kind is made for."`
	Reference  string `placeholder:"PREFIX" help:"Only payments whose reference begins so."`
	Amount     string `placeholder:"TEXT" help:"Only payments of exactly this amount."`
	Next       int    `placeholder:"N" help:"How many matching requests; without it all."`
	Delay      string `placeholder:"TIME" help:"How long, such as 1.5s, where the kind waits."`
	Polls      int    `placeholder:"N" help:"How many status queries a payment stays pending for."`
	RetryAfter string `placeholder:"TEXT" help:"Text of the header Retry-After."`
	Code       string `placeholder:"TEXT" help:"Code of a refusal."`
	Status     int    `placeholder:"N" help:"HTTP status of a refused login or token."`
}

// Run adds the fault and prints, for each provider, the faults that apply from now on.
func (cmd sandboxTriggerCmd) Run(ctx context.Context, _ *config.Config) error {
	names := []string{cmd.Provider}
	if cmd.Provider == "" {
		names = nil
		for _, p := range all.New(all.Options{}).Providers() {
			names = append(names, p.Name)
		}
	}
	body, err := json.Marshal(cmd.fault())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for _, name := range names {
		faults, err := cmd.post(ctx, name, body)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Printf("%s %s", name, faults)
	}
	return nil
}

// fault is what was set.
func (cmd sandboxTriggerCmd) fault() map[string]any {
	fault := map[string]any{"kind": cmd.Kind}
	for name, text := range map[string]string{
		"operation": cmd.Operation, "reference": cmd.Reference, "amount": cmd.Amount, "delay": cmd.Delay, "retry_after": cmd.RetryAfter, "code": cmd.Code,
	} {
		if text != "" {
			fault[name] = text
		}
	}
	for name, n := range map[string]int{"next": cmd.Next, "polls": cmd.Polls, "status": cmd.Status} {
		if n != 0 {
			fault[name] = n
		}
	}
	return fault
}

func (cmd sandboxTriggerCmd) post(ctx context.Context, provider string, body []byte) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+cmd.Addr+"/"+provider+"/_faults", bytes.NewReader(body))
	if err != nil {
		return "", errors.New("--addr or --provider: no part of an address")
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", fmt.Errorf("no sandbox at --addr: %w", err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(io.LimitReader(reply.Body, 1<<20))
	if err != nil {
		return "", err
	}
	if reply.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", reply.Status, bytes.TrimSpace(text))
	}
	return string(text), nil
}
