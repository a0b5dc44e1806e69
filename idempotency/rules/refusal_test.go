package rules_test

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/remesa/remesa/idempotency/rules"
)

// TestARefusalIsErrRefusedWithAReason: callers that know only the sentinel go on working.
func TestARefusalIsErrRefusedWithAReason(t *testing.T) {
	t.Parallel()
	_, err := rules.Unblock(rules.Record{State: rules.Held}, rules.DefaultPolicy(), rules.Facts{}, 1, rules.Intervention{})
	r, is := errors.AsType[rules.Refusal](err)
	if !is || !errors.Is(err, rules.ErrRefused) || r.Reason != rules.RefusedNotBlocked || r.State != rules.Held {
		t.Errorf("%#v", err)
	}
	if got := err.Error(); got != "refused: only a blocked payment can be released; this one is held" {
		t.Error(got)
	}
}

// TestAllReasonsAreListed reads the constants.
func TestAllReasonsAreListed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("refusal.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`RefusalReason = "([a-z_]+)"`).FindAllSubmatch(text, -1)
	if len(declared) == 0 || len(declared) != len(rules.RefusalReasons()) {
		t.Errorf("%d reasons are declared, %d listed", len(declared), len(rules.RefusalReasons()))
	}
	for _, m := range declared {
		if !slices.Contains(rules.RefusalReasons(), rules.RefusalReason(m[1])) {
			t.Errorf("%s is not listed", m[1])
		}
	}
}
