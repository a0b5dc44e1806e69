package metrics

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// fakeBacklog fails for one receiver.
type fakeBacklog struct{}

func (fakeBacklog) Backlog(_ context.Context, receiver string) (open, parked int64, lag time.Duration, err error) {
	if receiver == "away" {
		return 0, 0, 0, errors.New("away")
	}
	return 3, 2, 1500 * time.Millisecond, nil
}

func TestWhatWaitsForReceiversIsToldWhereItCanBeRead(t *testing.T) {
	t.Parallel()
	const want = `
# HELP remesa_webhooks_lag_seconds How long the oldest event has been waiting that is neither delivered to the receiver nor parked.
# TYPE remesa_webhooks_lag_seconds gauge
remesa_webhooks_lag_seconds{receiver="billing"} 1.5
# HELP remesa_webhooks_open Events that are being delivered to the receiver, or wait to be tried again.
# TYPE remesa_webhooks_open gauge
remesa_webhooks_open{receiver="billing"} 3
# HELP remesa_webhooks_parked Events that the receiver did not take for three days, given up until a person has them sent again.
# TYPE remesa_webhooks_parked gauge
remesa_webhooks_parked{receiver="billing"} 2
`
	if err := testutil.CollectAndCompare(Webhooks{Store: fakeBacklog{}, Receivers: []string{"away", "billing"}}, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

// TestResultsOfDeliveriesAreZeroFromTheStart: an alert on the first missed event needs the zero
// before it.
func TestResultsOfDeliveriesAreZeroFromTheStart(t *testing.T) {
	t.Parallel()
	m := New(prometheus.NewRegistry())
	m.Deliver([]string{"billing", "erp"}, []string{"delivered", "missed"})
	m.Delivered("erp", "missed", 3)
	if n := testutil.CollectAndCount(m.deliveries); n != 4 {
		t.Errorf("%d series", n)
	}
	if n := testutil.ToFloat64(m.deliveries.WithLabelValues("erp", "missed")); n != 3 {
		t.Errorf("missed: %g", n)
	}
}
