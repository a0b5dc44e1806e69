package tasks

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/remesa/remesa/internal/strictjson"
)

// Charges that were made have these references: a change of a line here charges periods a second
// time.
func TestReferencesOfPeriodsStayAsTheyAre(t *testing.T) {
	for _, row := range []struct {
		subscription    string
		period, attempt int
		want            string
	}{
		{"sub-0001", 1, 0, "SSHQ3N5B4DPC5UOFUBK2"},
		{"sub-0001", 1, 1, "SPKXTHOVAJPISPGGXNRQ"},
		{"sub-0001", 2, 0, "SIUZZKK2R2PWOEC57P7E"},
		{"sub-0002", 1, 0, "SFVO2OYJOCPUDNFVMV74"},
	} {
		if got := TxnID(row.subscription, row.period, row.attempt); got != row.want {
			t.Errorf("%s, period %d, attempt %d: %s, want %s", row.subscription, row.period, row.attempt, got, row.want)
		}
	}
}

func TestReferencesOfPeriodsDifferAndEveryProviderTakesThem(t *testing.T) {
	form := regexp.MustCompile(`^S[A-Z2-7]{9}P[A-Z2-7]{9}$`)
	seen := map[string]string{}
	for _, id := range []string{"s", "s1", "s11", "1", "11", "sub-0001", "sub-00011"} {
		for period := 1; period <= 1000; period++ {
			for attempt := range 3 {
				got, of := TxnID(id, period, attempt), fmt.Sprint(id, " ", period, " ", attempt)
				if seen[got] != "" {
					t.Fatalf("%s has the reference of %s", of, seen[got])
				}
				seen[got] = of
				if !form.MatchString(got) || rejectCardData("txnid", node{Kind: strictjson.String, Text: got}) != nil {
					t.Fatalf("%s: %s", of, got)
				}
			}
		}
	}
	for _, name := range []string{"pagoseguro", "pagandocheck", "etpay"} {
		r, _ := rulesFor(name, typeCharge)
		f, _ := r.payment.find("txnid")
		if err := holds(&f, "txnid", node{Kind: strictjson.String, Text: TxnID("sub-0001", 1, 0)}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Nor does the name of a security code in a hash stop a period.
func TestNoReferenceOfAPeriodLooksLikeASecurityCode(t *testing.T) {
	for _, text := range []string{"S7CVC2345PAAAAAAAAAA", "SA2CVV2345PAAAAAAAAA", "SAAAAAACVCP234AAAAAA", "SAAAAAAAAAPCSC7654AA", "S234CVVAAAPAAAAACVV2"} {
		if rejectCardData("txnid", node{Kind: strictjson.String, Text: text}) != nil {
			t.Errorf("%s is refused", text)
		}
	}
}

// A reference of digits wherever the hash may have one is no card number all the same.
func TestNoReferenceOfAPeriodLooksLikeACardNumber(t *testing.T) {
	for _, digits := range []string{"4111111111111111", "4222222222222", "5555555555554444"} {
		for cut := 1; cut < 9; cut++ {
			text := "S" + digits[:9] + "P" + digits[cut:min(len(digits), cut+9)]
			if rejectCardData("txnid", node{Kind: strictjson.String, Text: text}) != nil {
				t.Errorf("%s is refused", text)
			}
		}
	}
}
