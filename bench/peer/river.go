package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/remesa/remesa/bench/payment"
)

func read(line []byte) (*payment.Payout, error) {
	var p payment.Payout
	return &p, json.Unmarshal(line, &p)
}

// riverWorker pays with a payments table: the intent before the request, the outcome after it. tx
// writes the outcome and completes the job in one transaction, which River offers.
type riverWorker struct {
	river.WorkerDefaults[payment.Job]
	payer *payment.Client
	pool  *pgxpool.Pool
	tx    bool
}

var errTaken = errors.New("started before, with an unknown end")

func (w *riverWorker) Work(ctx context.Context, job *river.Job[payment.Job]) error {
	p := &job.Args.Payout
	begun, err := w.pool.Exec(ctx, `insert into payments (reference, state) values ($1, 'sending') on conflict (reference) do nothing`, p.MerchantID)
	if err != nil {
		return err
	}
	if begun.RowsAffected() == 0 {
		var state string
		if err := w.pool.QueryRow(ctx, `select state from payments where reference = $1`, p.MerchantID).Scan(&state); err != nil {
			return err
		}
		if state != "succeeded" {
			return errTaken
		}
		return nil
	}
	id, err := w.payer.Send(ctx, p)
	if err != nil {
		return err
	}
	const done = `update payments set state = 'succeeded', provider_id = $2, updated_at = now() where reference = $1`
	if !w.tx {
		_, err = w.pool.Exec(ctx, done, p.MerchantID, id)
		return err
	}
	return pgx.BeginFunc(ctx, w.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, done, p.MerchantID, id); err != nil {
			return err
		}
		_, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job)
		return err
	})
}

func serveRiver(ctx context.Context, o options) error {
	if o.complete != "batch" && o.complete != "tx" {
		return errors.New("-complete: must be batch or tx")
	}
	config, err := pgxpool.ParseConfig(o.dsn)
	if err != nil {
		return err
	}
	config.MaxConns = int32(o.concurrency) + 10 // #nosec G115 -- a flag of the measurement
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	workers := river.NewWorkers()
	river.AddWorker(workers, &riverWorker{payer: o.payer(), pool: pool, tx: o.complete == "tx"})
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Queues:        map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: o.concurrency}},
		FetchCooldown: time.Millisecond, FetchPollInterval: 100 * time.Millisecond,
		Workers: workers, Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	<-ctx.Done()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return client.Stop(stopping)
}
