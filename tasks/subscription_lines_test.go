package tasks

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/remesa/remesa/internal/strictjson"
)

func readSubscriptions(t testing.TB, in io.Reader) []string {
	t.Helper()
	var got []string
	for r := NewSubscriptionReader(in); ; {
		line, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return got
		case err != nil:
			t.Fatal(err)
		case line.Err != nil:
			got = append(got, fmt.Sprintf("%d %q: %v", line.Number, line.ID, line.Err))
		default:
			got = append(got, fmt.Sprintf("%d %q %s", line.Number, line.ID, line.Subscription.Provider()))
		}
	}
}

func TestSubscriptionsAreReadOneByOne(t *testing.T) {
	pago, gas := string(example(t, "subscription-pagoseguro")), string(example(t, "subscription-etpay"))
	file := "\xef\xbb\xbf" + pago + "\r\n\n  \n" +
		strings.Replace(gas, `"quarter"`, `"season"`, 1) + "\n" +
		strings.Replace(gas, `gas-30215`, `4111111111111111`, 1) + "\n" +
		strings.Replace(gas, `"gas-30215"`, `17`, 1) + "\n" +
		"{\n" +
		strings.Replace(pago, "Ana Ruiz", strings.Repeat("a", 3<<20), 1) + "\n" +
		strings.Replace(gas, `"gas-30215"`, `"gas/1"`, 1) + "\n" +
		gas
	compare(t, "a file", readSubscriptions(t, strings.NewReader(file)),
		`1 "sub-0001" pagoseguro`,
		`4 "gas-30215": schedule.every: must be one of day, week, month, quarter, year`,
		`5 "": id: `+noCards,
		`6 "": id: must be a text, not a number`,
		`7 "": line: not valid JSON: it ends too early`,
		`8 "": line: `+strictjson.TooLong,
		`9 "": id: must match [A-Za-z0-9._-]+ with a letter or digit, and at most 64 characters`,
		`10 "gas-30215" etpay`,
	)
	compare(t, "an empty file", readSubscriptions(t, strings.NewReader("")))
}

func TestAFileOfSubscriptionsThatBreaksIsNotAtItsEnd(t *testing.T) {
	broken := errors.New("broken")
	r := NewSubscriptionReader(io.MultiReader(strings.NewReader(string(example(t, "subscription-etpay"))+"\n"), iotest.ErrReader(broken)))
	if line, err := r.Next(); err != nil || line.Err != nil {
		t.Fatal(line, err)
	}
	if _, err := r.Next(); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

func FuzzDecodeSubscription(f *testing.F) {
	for _, name := range subscriptionExamples {
		f.Add(example(f, name))
	}
	f.Add(example(f, "subscription-etpay", `"catch_up":"35d"`, `"catch_up":"1m1ns","dunning":["1ms","1d1us"],"end":null`))
	f.Add([]byte(`{"id":"a","schedule":{"every":[]},"dunning":[{}],"end":0}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		s, err := DecodeSubscription(line)
		if err != nil {
			var field *FieldError
			if !errors.As(err, &field) || field.Path == "" || field.Problem == "" {
				t.Fatalf("%q is no error of a field", err)
			}
			return
		}
		again, err := DecodeSubscription(s.Payload())
		if err != nil {
			t.Fatalf("its own payload is refused: %v\n%s", err, s.Payload())
		}
		if string(again.Payload()) != string(s.Payload()) || again.Calendar() != s.Calendar() || again.CatchUp() != s.CatchUp() {
			t.Fatalf("decoded again:\n%s\n%s", s.Payload(), again.Payload())
		}
		if _, err := s.Charge(TxnID(s.ID(), 1, 0)); err != nil {
			t.Fatalf("its charge is refused: %v\n%s", err, s.Payload())
		}
		s.Calendar().Due(2)
		s.CardExpires()
	})
}
