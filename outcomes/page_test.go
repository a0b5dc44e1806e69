package outcomes

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/kv"
	"github.com/remesa/remesa/internal/redistest"
)

func TestAStreamIsReadPageByPageInBothDirections(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	var all []string
	for i := range 7 { // two events at each instant
		e := kv.OutcomeEvent{
			Key: fmt.Sprintf("%s/ref-%d", virtualpos, i), Reference: fmt.Sprintf("ref-%d", i), State: "succeeded", Event: "state", Version: 1,
			Amount: "12500", Currency: "CLP", Account: "default", Message: "remesa1:sealed",
		}
		id := fmt.Sprintf("%d-%d", 1000+i/2, i%2)
		if err := rdb.XAdd(t.Context(), &redis.XAddArgs{Stream: kv.OutcomesKey(virtualpos), ID: id, Values: e.Fields()}).Err(); err != nil {
			t.Fatal(err)
		}
		all = append(all, e.Reference)
	}
	for _, row := range []struct {
		newest   bool
		from, to int64
		want     []string
	}{
		{false, 0, 0, all}, {true, 0, 0, reversed(all)}, {false, 1001, 0, all[2:]}, {false, 0, 1001, all[:2]}, {true, 1001, 1003, reversed(all[2:6])},
	} {
		q := PageQuery{Partition: idempotency.Partition{Provider: virtualpos}, Newest: row.newest, Limit: 3}
		if row.from > 0 {
			q.From = time.UnixMilli(row.from)
		}
		if row.to > 0 {
			q.To = time.UnixMilli(row.to)
		}
		var got []string
		for more := true; more; {
			page, err := Page(t.Context(), rdb, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Events {
				got = append(got, e.Reference)
			}
			q.After, more = page.Last, page.More
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%+v: got %v", row, got)
		}
	}
}

func TestAPageHasTheEventsOfOneState(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	for i, state := range []string{"queued", "succeeded", "queued", "succeeded"} {
		e := kv.OutcomeEvent{Key: fmt.Sprintf("%s/ref-%d", virtualpos, i), Reference: fmt.Sprintf("ref-%d", i), State: state, Event: "state", Version: 1}
		putEntry(t, rdb, virtualpos, e)
	}
	putEntry(t, rdb, virtualpos, kv.OutcomeEvent{Key: virtualpos + "/odd", Reference: "odd", State: "succeeded", Event: "anomaly", Version: 2})
	page, err := Page(t.Context(), rdb, PageQuery{Partition: idempotency.Partition{Provider: virtualpos}, State: idempotency.Succeeded, Limit: 5})
	if err != nil || page.Read != 5 || len(page.Events) != 2 || page.Events[0].Reference != "ref-1" || page.Events[1].Reference != "ref-3" {
		t.Errorf("%+v, %v", page, err)
	}
}

func reversed(s []string) []string {
	out := slices.Clone(s)
	slices.Reverse(out)
	return out
}
