package metrics

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

type backlog map[string]int64

func (b backlog) Backlog(_ context.Context, provider string) (int64, time.Duration, error) {
	if n, ok := b[provider]; ok {
		return n, time.Duration(n) * time.Second, nil
	}
	return 0, 0, errors.New("not reachable")
}

func TestSubscriptionsThatWaitAreCountedWhereTheyCanBeRead(t *testing.T) {
	t.Parallel()
	c := Subscriptions{Store: backlog{"pagoseguro": 7}, Providers: []string{"pagoseguro", "pagandocheck"}}
	want := strings.NewReader(`
# HELP remesa_subscriptions_due Subscriptions that are due and that no sweep has processed yet.
# TYPE remesa_subscriptions_due gauge
remesa_subscriptions_due{provider="pagoseguro"} 7
# HELP remesa_subscriptions_lag_seconds How long the subscription that is due the longest has been waiting for a sweep.
# TYPE remesa_subscriptions_lag_seconds gauge
remesa_subscriptions_lag_seconds{provider="pagoseguro"} 7
`)
	if err := testutil.CollectAndCompare(c, want); err != nil {
		t.Fatal(err)
	}
}
