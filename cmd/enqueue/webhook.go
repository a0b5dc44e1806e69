package main

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/internal/delivery"
	"github.com/remesa/remesa/internal/receiver"
	"github.com/remesa/remesa/providers/catalog"
)

// webhookCmd is everything about the webhooks to billing systems.
type webhookCmd struct {
	List   webhookListCmd   `cmd:"" help:"List the receivers and what waits for them, or what is parked."`
	Resend webhookResendCmd `cmd:"" help:"Have events sent again: one, all of a payment, or all that are parked."`
	Test   webhookTestCmd   `cmd:"" help:"Send an event that is about no payment to a receiver, signed as all are, and print what it answers."`
}

// receivers are those of REMESA_WEBHOOKS_FILE: all, or the one of that name.
func (a *app) receivers(name string) ([]receiver.Receiver, error) {
	if err := config.Complete(&a.config.Webhooks); err != nil {
		return nil, usageError{err}
	}
	all := a.config.Receivers()
	if len(all) == 0 {
		return nil, usage("REMESA_WEBHOOKS_FILE: names no receiver; see docs/webhooks.md")
	}
	if name == "" {
		return all, nil
	}
	for _, r := range all {
		if r.Name == name {
			return []receiver.Receiver{r}, nil
		}
	}
	return nil, usage("REMESA_WEBHOOKS_FILE: names no receiver of that name; enqueue webhook list shows them")
}

type webhookListCmd struct {
	Receiver string `arg:"" optional:"" help:"Only this one."`
	Parked   bool   `help:"The deliveries that were given up, the oldest first."`
	Limit    int64  `default:"1000" placeholder:"N" help:"At most so many of a receiver's parked deliveries."`
	JSON     bool   `name:"json" help:"JSON Lines."`
}

// listedReceiver is a line of list.
type listedReceiver struct {
	Receiver string `json:"receiver"`
	// URL is without the path, which may hold a secret.
	URL    string  `json:"url"`
	Open   int64   `json:"open"`
	Parked int64   `json:"parked"`
	Lag    float64 `json:"lag_seconds"`
	// Steps are what people did last.
	Steps []delivery.Step `json:"steps"`
}

const (
	receiverRow = "%-32s  %8v  %8v  %12v  %s\n"
	parkedRow   = "%-24s  %-20s  %s\n"
	shownSteps  = 10
)

// Run prints receivers, or parked deliveries.
func (c *webhookListCmd) Run(a *app) error {
	all, err := a.receivers(c.Receiver)
	if err != nil {
		return err
	}
	if !c.JSON && c.Parked {
		_, _ = fmt.Fprintf(a.out, parkedRow, "RECEIVER", "PARKED", "EVENT")
	} else if !c.JSON {
		_, _ = fmt.Fprintf(a.out, receiverRow, "RECEIVER", "OPEN", "PARKED", "LAG", "URL")
	}
	store := delivery.NewStore(a.rdb, catalog.Names()...)
	for _, to := range all {
		show := c.show
		if c.Parked {
			show = c.showParked
		}
		if err := show(a, store, to); err != nil {
			return err
		}
	}
	return a.flush()
}

func (c *webhookListCmd) show(a *app, store *delivery.Store, to receiver.Receiver) error {
	open, parked, lag, err := store.Backlog(a.ctx, to.Name)
	if err != nil {
		return a.failed(err)
	}
	if !c.JSON {
		_, err := fmt.Fprintf(a.out, receiverRow, to.Name, open, parked, lag.Round(time.Second), to.Where())
		return err
	}
	steps, err := store.Steps(a.ctx, to.Name, shownSteps)
	if err != nil {
		return a.failed(err)
	}
	return a.print(listedReceiver{to.Name, to.Where(), open, parked, lag.Seconds(), steps})
}

func (c *webhookListCmd) showParked(a *app, store *delivery.Store, to receiver.Receiver) error {
	all, err := store.Parked(a.ctx, to.Name, c.Limit)
	if err != nil {
		return a.failed(err)
	}
	for _, d := range all {
		if c.JSON {
			err = a.print(d)
		} else {
			_, err = fmt.Fprintf(a.out, parkedRow, d.Receiver, d.ParkedAt, d.EventID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

type webhookResendCmd struct {
	What     string     `arg:"" optional:"" name:"event-or-key" help:"An event's id, or the KEY of a payment: all its events that the streams still have, in order."`
	Receiver string     `placeholder:"NAME" help:"Only to this one; without it to all that get such an event."`
	Parked   bool       `help:"All that are parked, of the receiver or of all."`
	Limit    int        `default:"10000" placeholder:"N" help:"At most so many parked deliveries of a receiver."`
	Actor    actorFlags `embed:""`
}

// Validate wants one thing to send again.
func (c *webhookResendCmd) Validate() error {
	if (c.What == "") != c.Parked {
		return usage("name an event or a payment, or give --parked")
	}
	if c.Limit < 1 {
		return usage("--limit: must be 1 or more")
	}
	return nil
}

// resent is a line of resend.
type resent struct {
	Receiver string `json:"receiver"`
	EventID  string `json:"event_id"`
	Result   string `json:"result"`
}

// Run opens the deliveries again; workers then deliver them.
func (c *webhookResendCmd) Run(a *app) error {
	all, err := a.receivers(c.Receiver)
	if err != nil {
		return err
	}
	r := delivery.NewResender(a.rdb, a.config.Notices(), catalog.Names()...)
	by, found := delivery.By{Name: c.Actor.By, Note: c.Actor.Note}, 0
	tell := func(d delivery.Delivery) error {
		found++
		return a.print(resent{d.Receiver, d.EventID, "queued"})
	}
	for _, to := range all {
		if c.Parked {
			err = r.Parked(a.ctx, to, c.Limit, by, tell)
		} else {
			err = r.Events(a.ctx, to, c.What, by, tell)
		}
		if err != nil {
			return a.failed(err)
		}
	}
	if err := a.flush(); err != nil {
		return err
	}
	if found == 0 && !c.Parked {
		a.notice("no stream has such an event that a receiver gets")
		return exitError(exitUnknown)
	}
	return nil
}

type webhookTestCmd struct {
	Receiver string `arg:"" optional:"" help:"Only this one."`
}

// tested is a line of test.
type tested struct {
	Receiver string `json:"receiver"`
	EventID  string `json:"event_id"`
	Result   string `json:"result"`
	Problem  string `json:"problem,omitempty"`
	Millis   int64  `json:"took_ms"`
}

// Run sends one event to each receiver from here, past the queues.
func (c *webhookTestCmd) Run(a *app) error {
	all, err := a.receivers(c.Receiver)
	if err != nil {
		return err
	}
	var worst error
	for _, to := range all {
		line, err := testReceiver(a, to)
		if err != nil {
			return err
		}
		if line.Result != delivery.Delivered {
			worst = exitError(exitRefused)
		}
		if err := a.print(line); err != nil {
			return err
		}
		if err := a.flush(); err != nil {
			return err
		}
	}
	return worst
}

func testReceiver(a *app, to receiver.Receiver) (tested, error) {
	p, err := delivery.NewPoster(to)
	if err != nil {
		return tested{}, err
	}
	defer p.Close()
	begun := time.Now()
	id, body := delivery.TestEvent(begun, rand.Text())
	result, problem := delivery.Result(p.Post(a.ctx, id, body, begun))
	return tested{to.Name, id, result, problem, time.Since(begun).Milliseconds()}, nil
}
