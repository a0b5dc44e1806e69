package tasks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/redisurl"
	"github.com/remesa/remesa/outcomes"
	"github.com/remesa/remesa/seal"
)

// Options of Open and OpenRedis. What the workers have set must be the same here.
type Options struct {
	// FingerprintKey makes fingerprints an HMAC (REMESA_FINGERPRINT_KEY).
	FingerprintKey []byte
	// Keys seal payloads, and open what is sealed (REMESA_PAYLOAD_KEYS); they need a
	// FingerprintKey.
	Keys *seal.Ring
	// Replicas must acknowledge a payment before it is reported (REMESA_LEDGER_REPLICAS).
	Replicas int
	// OutcomesRetention is the age at which outcome events are trimmed (REMESA_OUTCOMES_RETENTION):
	// whoever writes one trims. 30 days by default.
	OutcomesRetention time.Duration
}

// Open makes a client from a Redis URL as in REMESA_REDIS_URL:
// redis://[user:password@]host:port/db, rediss://…, redis-sentinel://h1,h2/0?master=m or
// redis-cluster://h1,h2; empty for redis://127.0.0.1:6379/0. It dials nothing yet. Close the client
// after use. The error never repeats the URL.
func Open(url string, o Options) (*Client, error) {
	if url == "" {
		url = redisurl.Default
	}
	options, err := redisurl.Parse(url, redisurl.ProducerProfile())
	if err != nil {
		return nil, fmt.Errorf("redis URL: %w", err)
	}
	rdb := redis.NewUniversalClient(options)
	c, err := OpenRedis(rdb, o)
	if err != nil {
		return nil, errors.Join(err, rdb.Close())
	}
	c.owned = true
	return c, nil
}

// OpenRedis makes a client on a Redis client that stays the caller's to close.
func OpenRedis(rdb redis.UniversalClient, o Options) (*Client, error) {
	if o.Keys != nil && len(o.FingerprintKey) == 0 {
		return nil, errors.New("options: Keys need a FingerprintKey: a plain fingerprint tells what is sealed to whoever tries values")
	}
	policy := idempotency.DefaultPolicy()
	if o.OutcomesRetention > 0 {
		policy.OutcomesRetention = o.OutcomesRetention
	}
	ledger := idempotency.NewRedis(rdb, idempotency.Options{Default: policy, Replicas: o.Replicas, Seal: o.Keys})
	c := NewClient(ledger, rdb, ClientOptions{FingerprintKey: o.FingerprintKey})
	c.keys = o.Keys
	return c, nil
}

// Close closes the Redis client that Open made; the client of another origin has nothing to close.
func (c *Client) Close() error {
	if !c.owned {
		return nil
	}
	return c.rdb.Close()
}

// ErrConflict: another payment has this reference; nothing was changed.
var ErrConflict = errors.New("another payment has this reference")

// Pay submits one payout. It returns nil where the payment is Enqueued or, being known with the
// same content, a Duplicate that pays nothing: paying again after an error is safe. A payout that
// the provider would refuse, or that is too late, is a *FieldError; another payment under its
// reference ErrConflict. After any other error the payout may have been registered or not.
func (c *Client) Pay(ctx context.Context, p Payout) (Receipt, error) { return c.submitOne(ctx, p) }

// Charge submits one charge, see Pay.
func (c *Client) Charge(ctx context.Context, ch Charge) (Receipt, error) { return c.submitOne(ctx, ch) }

func (c *Client) submitOne(ctx context.Context, d Definition) (Receipt, error) {
	t, err := d.Task()
	if err != nil {
		return Receipt{}, err
	}
	receipts, err := c.Submit(ctx, t)
	if err != nil {
		return Receipt{}, err
	}
	switch r := receipts[0]; r.Result {
	case Conflict:
		return r, fmt.Errorf("%s: %w: %s", r.Key, ErrConflict, r.Problem)
	case Invalid:
		return r, at(errors.New(r.Problem))
	default:
		return r, nil
	}
}

// Show is what the ledger knows of a payment, its history included; ErrUnknown where it knows none.
func (c *Client) Show(ctx context.Context, k Key) (Record, error) { return c.ledger.Show(ctx, k) }

// Outcomes makes a reader of what becomes of payments, on the client's Redis and with its keys.
func (c *Client) Outcomes(o OutcomesOptions) (*outcomes.Reader, error) {
	if o.Keys == nil {
		o.Keys = c.keys
	}
	return outcomes.New(c.rdb, o)
}
