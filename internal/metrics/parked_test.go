package metrics

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

type fakeParkStore map[string]map[string]int64

func (p fakeParkStore) ParkedCounts(_ context.Context, provider string) (map[string]int64, error) {
	if counts, ok := p[provider]; ok {
		return counts, nil
	}
	return nil, errors.New("not reachable")
}

// TestPaymentsThatWaitAreCountedByTheKindOfReason: what is behind the colon names an account or a
// key, and is no label.
func TestPaymentsThatWaitAreCountedByTheKindOfReason(t *testing.T) {
	t.Parallel()
	ledger := fakeParkStore{
		"virtualpos": {"account:old": 2, "account:old:payout": 3, "circuit:default": 1, "key": 4, "key:a.bcde": 5, "moon": 1},
		"etpay":      nil,
	}
	want := strings.NewReader(`
# HELP remesa_waiting_payments Payments that are parked until a reason ends.
# TYPE remesa_waiting_payments gauge
remesa_waiting_payments{provider="etpay",reason="account"} 0
remesa_waiting_payments{provider="etpay",reason="circuit"} 0
remesa_waiting_payments{provider="etpay",reason="halted"} 0
remesa_waiting_payments{provider="etpay",reason="key"} 0
remesa_waiting_payments{provider="etpay",reason="queue"} 0
remesa_waiting_payments{provider="virtualpos",reason="account"} 5
remesa_waiting_payments{provider="virtualpos",reason="circuit"} 1
remesa_waiting_payments{provider="virtualpos",reason="halted"} 0
remesa_waiting_payments{provider="virtualpos",reason="key"} 9
remesa_waiting_payments{provider="virtualpos",reason="moon"} 1
remesa_waiting_payments{provider="virtualpos",reason="queue"} 0
`)
	if err := testutil.CollectAndCompare(Parked{Ledger: ledger, Providers: []string{"pagoseguro", "virtualpos", "etpay"}}, want); err != nil {
		t.Error(err)
	}
}
