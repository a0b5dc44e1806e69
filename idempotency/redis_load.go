package idempotency

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency/rules"
)

// recordReads are the queued reads of one record.
type recordReads struct {
	text, queryProof *redis.StringCmd
	due              *redis.FloatCmd
}

// Load implements Store. Records and payloads of all callers that wait at the same time are read
// with one command. That says the same of what is missing and of what is no text, so a record that
// is not there is then read by itself; so is one that is requested alone, as before a registration.
func (s *redisStore) Load(ctx context.Context, partition string, requests []LoadRequest) ([]LoadResult, error) {
	if err := s.checkOnce(ctx, partition); err != nil {
		return nil, err
	}
	p := keysOf(partition)
	alone := len(requests) == 1 && !requests[0].Payload
	var keys []string
	if !alone {
		keys = p.texts(requests)
	}
	reads := make([]recordReads, len(requests))
	values, now, err := s.batcher.Values(ctx, partition, keys, func(pipe redis.Pipeliner) {
		for i, w := range requests {
			if alone {
				reads[i].text = pipe.Get(ctx, p.record(w.ID))
			}
			p.beside(ctx, pipe, w, &reads[i])
		}
	})
	if err != nil {
		return nil, err
	}
	out := make([]LoadResult, len(requests))
	var missing []int
	for i, w := range requests {
		out[i].Now = rules.Time(now)
		if err := reads[i].into(&out[i]); err != nil {
			return nil, err
		}
		if alone {
			break
		}
		values = out[i].take(values, w.Payload)
		if out[i].Text == "" {
			missing = append(missing, i)
		}
	}
	return out, s.checkMissing(ctx, partition, requests, missing, out)
}

// texts are the keys of the records and payloads that are requested.
func (p keyspace) texts(requests []LoadRequest) []string {
	keys := make([]string, 0, 2*len(requests))
	for _, w := range requests {
		keys = append(keys, p.record(w.ID))
		if w.Payload {
			keys = append(keys, p.payload(w.ID))
		}
	}
	return keys
}

// beside queues the reads of what is requested beside a record, after it: whoever sees that a
// payment is due still must not decide from a record that another janitor has just written.
func (p keyspace) beside(ctx context.Context, pipe redis.Pipeliner, w LoadRequest, r *recordReads) {
	if w.Due {
		r.due = pipe.ZScore(ctx, p.due(), w.ID)
	}
	if w.QueryProof {
		r.queryProof = pipe.HGet(ctx, p.queryProof(), w.Account)
	}
}

// take takes the record's text from the values, and its payload where that was requested.
func (l *LoadResult) take(values []any, payload bool) (rest []any) {
	if text, ok := values[0].(string); ok {
		l.Text = text
		l.Record, l.Err = decode(text)
	}
	if !payload {
		return values[1:]
	}
	if text, ok := values[1].(string); ok {
		l.Payload = []byte(text)
	}
	return values[2:]
}

// checkMissing tells records that cannot be read from those that are not there.
func (s *redisStore) checkMissing(ctx context.Context, partition string, requests []LoadRequest, missing []int, out []LoadResult) error {
	if len(missing) == 0 {
		return nil
	}
	p, texts := keysOf(partition), make([]*redis.StringCmd, len(missing))
	err := s.batcher.Read(ctx, partition, func(pipe redis.Pipeliner) {
		for n, i := range missing {
			texts[n] = pipe.Get(ctx, p.record(requests[i].ID))
		}
	})
	for n, i := range missing {
		var now LoadResult
		if err == nil {
			err = recordReads{text: texts[n]}.into(&now)
		}
		out[i].Err = now.Err // one that was written meanwhile was missing when its payload was read
		if now.Text != "" {
			out[i].Err = nil
		}
	}
	return err
}

// into hands over what was read; with an error none of it counts. A missing key is no error, nor is
// one of another type beside the record.
func (r recordReads) into(out *LoadResult) error {
	if r.text != nil {
		text, err := r.text.Result()
		switch {
		case err == nil:
			out.Text = text
			out.Record, out.Err = decode(text)
		case redis.HasErrorPrefix(err, "WRONGTYPE"):
			out.Err = fmt.Errorf("%w: %w", ErrDamaged, err)
		case !errors.Is(err, redis.Nil):
			return err
		}
	}
	if r.due != nil {
		if err := beside(r.due.Err()); err != nil {
			return err
		}
		out.Due = rules.Time(r.due.Val())
	}
	if r.queryProof != nil {
		if err := beside(r.queryProof.Err()); err != nil {
			return err
		}
		out.QueryProof = rules.QueryProof(r.queryProof.Val())
	}
	return nil
}

func beside(err error) error {
	if errors.Is(err, redis.Nil) || redis.HasErrorPrefix(err, "WRONGTYPE") {
		return nil
	}
	return err
}
