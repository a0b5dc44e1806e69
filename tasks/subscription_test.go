package tasks

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/pagandocheck"
	"github.com/remesa/remesa/providers/pagoseguro"
	"github.com/remesa/remesa/schedule"
)

var subscriptionExamples = []string{"subscription-pagoseguro", "subscription-pagandocheck", "subscription-etpay"}

func mustSubscription(t testing.TB, line []byte) Subscription {
	t.Helper()
	s, err := DecodeSubscription(line)
	if err != nil {
		t.Fatalf("%v\n%s", err, line)
	}
	return s
}

func TestTheWireFormatOfSubscriptionsStaysAsItIs(t *testing.T) {
	for _, name := range subscriptionExamples {
		line := example(t, name)
		s := mustSubscription(t, line)
		if got := string(s.Payload()); got != string(line) {
			t.Errorf("decoded and written again:\n%s\nwant\n%s", got, line)
		}
		if again := mustSubscription(t, s.Payload()); !reflect.DeepEqual(again, s) {
			t.Errorf("%s: decoded again it is another", name)
		}
		if without := len(line) - len(`"card":`) - strings.Index(string(line), `"card"`); without > 1000 {
			t.Errorf("%s takes %d bytes", name, without)
		}
	}
}

func TestASubscriptionSaysWhatIsChargedAndWhen(t *testing.T) {
	day := 24 * time.Hour
	s := mustSubscription(t, example(t, "subscription-pagoseguro"))
	bogota, _ := schedule.LoadZone("America/Bogota")
	wantEqual(t, "id", s.ID(), "sub-0001")
	wantEqual(t, "provider", s.Provider(), "pagoseguro")
	wantEqual(t, "account", s.Account(), "default")
	wantEqual(t, "amount", s.Amount().String(), "32900 COP")
	wantEqual(t, "end", s.End(), schedule.Date{})
	wantEqual(t, "backfill", s.Backfill(), false)
	wantEqual(t, "catch-up", s.CatchUp(), 35*day)
	wantEqual(t, "dunning", s.Dunning(), []time.Duration{day, 3 * day, 5 * day})
	wantEqual(t, "calendar", s.Calendar(), schedule.Calendar{
		Every: schedule.Month, Interval: 1, Start: schedule.Date{Year: 2026, Month: time.August, Day: 31},
		At: schedule.TimeOfDay{Hour: 9}, Zone: bogota,
	})

	s = mustSubscription(t, example(t, "subscription-pagandocheck"))
	wantEqual(t, "account", s.Account(), "mx")
	wantEqual(t, "amount", s.Amount().String(), "149.50 MXN")
	wantEqual(t, "end", s.End(), schedule.Date{Year: 2040, Month: time.December, Day: 31})
	wantEqual(t, "backfill", s.Backfill(), true)
	wantEqual(t, "catch-up", s.CatchUp(), 36*time.Hour)
	wantEqual(t, "dunning", len(s.Dunning()), 0)
	wantEqual(t, "interval", s.Calendar().Interval, 2)
	wantEqual(t, "metadata", s.Metadata(), map[string]string{"order": "A-7"})
}

func wantEqual(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestEveryBadSubscriptionIsRefusedByItsFieldWithoutRepeatingIt(t *testing.T) {
	const pago, pagando, gas = "subscription-pagoseguro", "subscription-pagandocheck", "subscription-etpay"
	const canary = "Zq9Canary"
	rows := []struct{ says, from, old, new, want string }{
		{"no id", pago, `"id":"sub-0001",`, ``, "id: required"},
		{"an empty id", pago, `sub-0001`, ``, "id: required, must not be empty"},
		{"an id with a slash", pago, `sub-0001`, `sub/0001`, "id: must match"},
		{"an id without letter or digit", pago, `sub-0001`, `-._`, "id: must match"},
		{"an id of 65 characters", pago, `sub-0001`, strings.Repeat("a", 65), "id: must match"},
		{"an id that is a number", pago, `"sub-0001"`, `1`, "id: must be a text, not a number"},
		{"no provider", pago, `"provider":"pagoseguro",`, ``, "provider: required"},
		{"a provider of payouts", pago, `"pagoseguro"`, `"virtualpos"`, "provider: must be one of etpay, pagandocheck, pagoseguro"},
		{"an account in upper case", pagando, `"account":"mx"`, `"account":"MX"`, "account: must be 1 to 32"},

		{"decimals that the currency lacks", gas, `"50000"`, `"50000.5"`, "amount: CLP takes 0 decimals, not 1"},
		{"decimals missing", pagando, `"149.50"`, `"149.5"`, "amount: MXN takes 2 decimals, not 1"},
		{"nothing to charge", pago, `"32900"`, `"0"`, "amount: must be above zero"},
		{"an amount that is a number", pago, `"32900"`, `32900`, "amount: must be a text, not a number"},
		{"an amount above the provider's", pago, `"32900"`, `"99999999999.99"`, "amount: must have at most 13 characters"},
		{"another provider's currency", pago, `"COP"`, `"CLP"`, "currency: must be COP"},
		{"no description for the hash", pago, `"description":"Suscripción Canal",`, ``, "description: required"},

		{"no start", pago, `"start":"2026-08-31",`, ``, "start: required"},
		{"day 32", pago, `2026-08-31`, `2026-08-32`, "start: must be a date"},
		{"a day that the month lacks", pago, `2026-08-31`, `2026-06-31`, "start: must be a date"},
		{"29 February in a common year", pago, `2026-08-31`, `2026-02-29`, "start: must be a date"},
		{"a start before 1970", pago, `2026-08-31`, `1969-12-31`, "start: must be a date from 1970"},
		{"a start in a far future", pago, `2026-08-31`, `2200-01-01`, "start: must be a date from 1970 to 2199"},
		{"a start with a time", pago, `2026-08-31`, `2026-08-31T09:00:00Z`, "start: must be a date"},
		{"a start that is null", pago, `"2026-08-31"`, `null`, "start: must be a text, not null"},

		{"no schedule", pago, `"schedule":{"every":"month","at":"09:00","timezone":"America/Bogota"},`, ``, "schedule.every: required"},
		{"a schedule that is a text", pago, `{"every":"month","at":"09:00","timezone":"America/Bogota"}`, `"monthly"`, "schedule: must be an object"},
		{"an unknown unit", pago, `"month"`, `"fortnight"`, "schedule.every: must be one of day, week, month, quarter, year"},
		{"a unit in upper case", pago, `"month"`, `"Month"`, "schedule.every: must be one of"},
		{"interval 0", pagando, `"interval":2`, `"interval":0`, "schedule.interval: must be a whole number from 1 to 1000"},
		{"interval 1001", pagando, `"interval":2`, `"interval":1001`, "schedule.interval: must be a whole number from 1 to 1000"},
		{"an interval of half", pagando, `"interval":2`, `"interval":0.5`, "schedule.interval: must be a whole number"},
		{"an interval that is a text", pagando, `"interval":2`, `"interval":"2"`, "schedule.interval: must be a number, not a text"},
		{"no time of day", pago, `"at":"09:00",`, ``, "schedule.at: required"},
		{"midnight as the end of the day", pago, `09:00`, `24:00`, "schedule.at: must be a time of day"},
		{"a time of day with seconds", pago, `09:00`, `09:00:00`, "schedule.at: must be a time of day"},
		{"no zone", pago, `,"timezone":"America/Bogota"`, ``, "schedule.timezone: required"},
		{"an unknown zone", pago, `America/Bogota`, `America/Atlantis`, "schedule.timezone: must be a time zone of the IANA database"},
		{"the machine's own zone", pago, `America/Bogota`, `Local`, "schedule.timezone: must be a time zone"},
		{"an offset for a zone", pago, `America/Bogota`, `-05:00`, "schedule.timezone: must be a time zone"},
		{"a day of the month beside start", pago, `"every":"month"`, `"every":"month","day":31`, "schedule.day: unknown field"},

		{"end before start", pagando, `2040-12-31`, `2028-02-28`, "end: must not be before start"},
		{"an end that is no date", pagando, `2040-12-31`, `never`, "end: must be a date such as 2027-08-31, or null"},
		{"an empty end", pagando, `2040-12-31`, ``, "end: must be a date"},
		{"backfill as a text", pagando, `"backfill":true`, `"backfill":"true"`, "backfill: must be true or false, not a text"},
		{"backfill null", pagando, `"backfill":true`, `"backfill":null`, "backfill: must be true or false, not null"},
		{"a catch-up without unit", pago, `"35d"`, `"35"`, "catch_up: must be a duration from 1m"},
		{"no catch-up at all", pago, `"35d"`, `"0s"`, "catch_up: must be a duration from 1m"},
		{"a negative catch-up", pago, `"35d"`, `"-35d"`, "catch_up: must be a duration from 1m"},
		{"a catch-up of decades", pago, `"35d"`, `"3661d"`, "catch_up: must be a duration from 1m to 3660d"},
		{"dunning as a text", pago, `["1d","3d","5d"]`, `"1d"`, "dunning: must be a list, not a text"},
		{"dunning at once", pago, `"3d"`, `"0s"`, "dunning[1]: must be a duration above zero"},
		{"dunning in the past", pago, `"3d"`, `"-3h"`, "dunning[1]: must be a duration above zero"},
		{"dunning after years", pago, `"3d"`, `"367d"`, "dunning[1]: must be a duration above zero and up to 366d"},
		{"dunning with a number", pago, `"3d"`, `3`, "dunning[1]: must be a text, not a number"},
		{"21 dunnings", pago, `["1d","3d","5d"]`, `["1h"` + strings.Repeat(`,"1h"`, 20) + `]`, "dunning: more than 20 elements"},

		{"a reference", pago, `"id"`, `"txnid":"` + canary + `","id"`, "txnid: unknown field"},
		{"a type", pago, `"id"`, `"type":"charge","id"`, "type: unknown field"},
		{"an earliest time", pago, `"id"`, `"not_before":"2026-05-15T09:00:00Z","id"`, "not_before: unknown field"},
		{"a deadline", pago, `"id"`, `"deadline":"2026-05-15T09:00:00Z","id"`, "deadline: unknown field"},
		{"an unknown field", pago, `"id"`, `"` + canary + `":1,"id"`, canary + ": unknown field"},
		{"a field in upper case", pago, `"id"`, `"Backfill":true,"id"`, "Backfill: unknown field"},
		{"a nested name as one name", pago, `"id"`, `"schedule.interval":2,"id"`, "schedule.interval: unknown field"},
		{"a field of another provider", gas, `"customer":`, `"card":{"token":"a"},"customer":`, "card: unknown field"},
		{"a key twice", pago, `"id"`, `"start":"2026-08-31","id"`, "start: given twice in one object"},
		{"no customer", pago, `"document":"100000000",`, ``, "customer.document: required"},
		{"a wrong RUT", gas, `12345678-5`, `12345678-4`, "customer.document: must be a RUT"},
		{"a card without token", pagando, `"card":{"token":"cd_example-000001"},`, ``, "card.token: required"},
		{"a card of another century", pago, `"expiry_year":31`, `"expiry_year":2031`, "card.expiry_year: must be a whole number from 1 to 99"},
		{"metadata of two KiB", pagando, `A-7`, strings.Repeat("a", 2048), "metadata: longer than 1 KiB"},

		{"half a line", pago, `}}`, `}`, "line: not valid JSON"},
		{"two on a line", pago, `}}`, `}}{}`, "line: more than one JSON value"},
		{"a NUL", pago, `sub-0001`, `sub\u0000`, "id: contains a NUL"},
		{"a NUL as a byte", pago, `sub-0001`, "sub\x00", "line: contains a NUL"},
		{"no UTF-8", pago, `Ana Ruiz`, "\xff", "line: not valid UTF-8"},
		{"a line over one MiB", pago, `Ana Ruiz`, strings.Repeat("a", 1<<20), "line: longer than"},
	}
	for _, row := range rows {
		t.Run(row.says, func(t *testing.T) {
			_, err := DecodeSubscription(example(t, row.from, row.old, row.new))
			var field *FieldError
			switch {
			case !errors.As(err, &field):
				t.Fatalf("%v is no error of a field", err)
			case !strings.HasPrefix(err.Error(), row.want):
				t.Errorf("%s\nwant %s", err, row.want)
			case strings.Contains(field.Problem, canary):
				t.Errorf("it repeats the value: %s", err)
			}
		})
	}
}

func TestCardDataAnywhereInASubscriptionIsRefusedAndNotRepeated(t *testing.T) {
	const pan = "4111111111111111"
	for _, row := range []struct{ old, new, want string }{
		{`sub-0001`, pan, "id"},
		{`2026-08-31`, pan, "start"},
		{`America/Bogota`, pan, "schedule.timezone"},
		{`"35d"`, `"` + pan + `"`, "catch_up"},
		{`"3d"`, `"4111 1111 1111 1111"`, "dunning[1]"},
		{`Suscripción Canal`, "Tarjeta " + pan, "description"},
		{`eyJpdiI6IkV4YW1wbGUiLCJ2YWx1ZSI6IkV4YW1wbGUiLCJtYWMiOiIwMTIzIn0=`, pan, "card.token"},
		{`"id"`, `"metadata":{"note":"cvv 123"},"id"`, "metadata.note"},
		{`"id"`, `"` + pan + `":1,"id"`, "?"},
		{`"installments":1`, `"installments":1,"cvv":"123"`, "card.cvv"},
	} {
		_, err := DecodeSubscription(example(t, "subscription-pagoseguro", row.old, row.new))
		if err == nil || err.Error() != row.want+": "+noCards {
			t.Errorf("%s: %v", row.want, err)
		}
	}
}

func TestWhatMakesAnotherSubscription(t *testing.T) {
	const pago, pagando, gas = "subscription-pagoseguro", "subscription-pagandocheck", "subscription-etpay"
	for _, row := range []struct {
		says, from, old, new string
		differs              bool
	}{
		{"another amount", pago, `"32900"`, `"32901"`, true},
		{"another description", pago, `Canal`, `Canal 2`, true},
		{"another start", pago, `2026-08-31`, `2026-08-30`, true},
		{"another unit", pago, `"month"`, `"week"`, true},
		{"another interval", pagando, `"interval":2`, `"interval":3`, true},
		{"another time of day", pago, `09:00`, `09:01`, true},
		{"another zone", pago, `America/Bogota`, `America/Lima`, true},
		{"another end", pagando, `2040-12-31`, `2040-12-30`, true},
		{"no end", pagando, `"end":"2040-12-31",`, ``, true},
		{"no backfill", pagando, `"backfill":true`, `"backfill":false`, true},
		{"another catch-up", pago, `"35d"`, `"34d"`, true},
		{"another dunning", pago, `"3d"`, `"4d"`, true},
		{"no dunning", pago, `"dunning":["1d","3d","5d"],`, ``, true},
		{"another name", pago, `Ana Ruiz`, `Ana María Ruiz`, true},
		{"another card", pago, `eyJpdiI6`, `eyJpdiI7`, true},
		{"other metadata", pagando, `A-7`, `A-8`, true},
		{"another account", pagando, `"account":"mx"`, `"account":"mx2"`, true},

		{"the default account by name", pago, `"id"`, `"account":"default","id"`, false},
		{"an amount with zeros behind the point", pago, `"32900"`, `"32900.00"`, false},
		{"interval 1 written out", pago, `"every":"month"`, `"every":"month","interval":1`, false},
		{"no end, written as null", pago, `"id"`, `"end":null,"id"`, false},
		{"no backfill written out", pago, `"id"`, `"backfill":false,"id"`, false},
		{"the default catch-up left out", pago, `"catch_up":"35d",`, ``, false},
		{"hours for days", pago, `["1d","3d","5d"]`, `["24h","72h","4d24h"]`, false},
		{"an empty dunning", gas, `"catch_up"`, `"dunning":[],"catch_up"`, false},
		{"a RUT with dots", gas, `12345678-5`, `12.345.678-5`, false},
		{"another order and white space", pago, `{"every":"month","at":"09:00",`, `{ "at" : "09:00", "every":"month",`, false},
		{"a name written with escapes", pago, `Ana Ruiz`, `\u0041na Ruiz`, false},
	} {
		one := mustSubscription(t, example(t, row.from))
		other := mustSubscription(t, example(t, row.from, row.old, row.new))
		for _, key := range [][]byte{nil, []byte("key")} {
			if got := one.Fingerprint(key) != other.Fingerprint(key); got != row.differs {
				t.Errorf("%s: another fingerprint %t\n%s\n%s", row.says, got, one.Payload(), other.Payload())
			}
		}
	}
}

// Records of earlier versions hold these: a change of a line here is a new version.
func TestFingerprintsOfSubscriptionsStayAsTheyAre(t *testing.T) {
	s := mustSubscription(t, example(t, "subscription-pagoseguro"))
	const plain, keyed = "1:BoREGXM5SYrfBFizYEhC8g", "1h:AqtYKd-mNFdbYKfMX2q-TA"
	wantEqual(t, "plain", s.Fingerprint(nil), plain)
	wantEqual(t, "keyed", s.Fingerprint([]byte("key")), keyed)
	for _, row := range []struct {
		existing, key, want string
		err                 error
	}{
		{plain, "", plain, nil},
		{plain, "key", plain, nil},
		{keyed, "key", keyed, nil},
		{keyed, "", "", ErrFingerprintKey},
		{"2:abc", "key", "", ErrFingerprintVersion},
	} {
		if got, err := s.FingerprintLike(row.existing, []byte(row.key)); got != row.want || !errors.Is(err, row.err) {
			t.Errorf("like %s with key %q: %s, %v", row.existing, row.key, got, err)
		}
	}
}

func TestThePeriodsChargeIsThatOfATask(t *testing.T) {
	for _, name := range []string{"pagoseguro", "pagandocheck", "etpay"} {
		s := mustSubscription(t, example(t, "subscription-"+name))
		task, err := s.Charge(TxnID(s.ID(), 1, 0))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, _ := task.Charge()
		want, _ := must(t, example(t, name)).Charge()
		want.Reference, want.Account = TxnID(s.ID(), 1, 0), s.Account()
		if name == "pagandocheck" {
			want.Details = &pagandocheck.Details{AntifraudToken: "af-1"}
		}
		wantEqual(t, name, got, want)
		wantEqual(t, "metadata of "+name, task.Metadata(), s.Metadata())
		wantEqual(t, "times of "+name, task.NotBefore().IsZero() && task.Deadline().IsZero(), true)
	}
	s := mustSubscription(t, example(t, "subscription-etpay"))
	if _, err := s.Charge("-begins-with-a-dash"); err == nil || !strings.HasPrefix(err.Error(), "txnid: ") {
		t.Errorf("a reference that the provider refuses: %v", err)
	}
}

func TestASubscriptionChangesItsAmountAndItsCard(t *testing.T) {
	pago, gas := mustSubscription(t, example(t, "subscription-pagoseguro")), mustSubscription(t, example(t, "subscription-etpay"))
	text := func(s string) *string { return &s }
	const card = `{"token":"new","brand":"Visa","expiry_month":1,"expiry_year":40,"installments":1}`

	changed, err := pago.With(Change{Amount: text("35900"), Card: []byte(card)})
	if err != nil {
		t.Fatal(err)
	}
	line := string(example(t, "subscription-pagoseguro", `"32900"`, `"35900"`))
	want := line[:strings.Index(line, `"card":`)] + `"card":` + card + "}"
	wantEqual(t, "changed", string(changed.Payload()), want)
	wantEqual(t, "amount", changed.Amount().Text(), "35900")
	wantEqual(t, "what it was made from", string(pago.Payload()), string(example(t, "subscription-pagoseguro")))
	same, err := pago.With(Change{})
	wantEqual(t, "no change", fmt.Sprint(string(same.Payload()), err), string(pago.Payload())+"<nil>")

	for sentence, row := range map[string]struct {
		of     Subscription
		change Change
		want   string
	}{
		"decimals that the currency lacks": {gas, Change{Amount: text("50000.5")}, "amount: CLP takes 0 decimals"},
		"no amount":                        {pago, Change{Amount: text("")}, "amount: required, must not be empty"},
		"an amount with another field":     {pago, Change{Amount: text(`1","currency":"MXN`)}, "amount: not a decimal text"},
		"a card where there is none":       {gas, Change{Card: []byte(card)}, "card: unknown field"},
		"a card that is a text":            {pago, Change{Card: []byte(`"new"`)}, "card: must be a JSON object"},
		"a card that is null":              {pago, Change{Card: []byte(`null`)}, "card: must be a JSON object"},
		"an empty card":                    {pago, Change{Card: []byte{}}, "card: must be a JSON object"},
		"half a card":                      {pago, Change{Card: []byte(card[:20])}, "card: must be a JSON object"},
		"a card and more":                  {pago, Change{Card: []byte(card + `,"amount":"1"`)}, "card: must be a JSON object"},
		"a card without expiry":            {pago, Change{Card: []byte(`{"token":"new","brand":"Visa","installments":1}`)}, "card.expiry_month: required"},
		"a card with an unknown field":     {pago, Change{Card: []byte(`{"number":1}`)}, "card.number: unknown field"},
		"a token twice":                    {pago, Change{Card: []byte(`{"token":"a","token":"b"}`)}, "card: must be a JSON object"},
		"a card number for a token":        {pago, Change{Card: []byte(strings.Replace(card, "new", "4111111111111111", 1))}, "card.token: " + noCards},
	} {
		if _, err := row.of.With(row.change); err == nil || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("%s: %v, want %s", sentence, err, row.want)
		}
	}
}

func TestACardIsGoodUntilTheEndOfItsMonthWhereTheSubscriptionLives(t *testing.T) {
	for _, row := range []struct{ month, year, zone, want string }{
		{"6", "31", "America/Bogota", "2031-07-01T00:00:00-05:00"},
		{"12", "26", "America/Santiago", "2027-01-01T00:00:00-03:00"},
		{"2", "28", "UTC", "2028-03-01T00:00:00Z"},
		{"9", "23", "America/Asuncion", "2023-10-01T01:00:00-03:00"}, // midnight was skipped
	} {
		s := mustSubscription(t, example(t, "subscription-pagoseguro", `"expiry_month":6`, `"expiry_month":`+row.month,
			`"expiry_year":31`, `"expiry_year":`+row.year, `America/Bogota`, row.zone))
		if got, ok := s.CardExpires(); !ok || got.Format(time.RFC3339) != row.want {
			t.Errorf("%s/%s in %s: %s (%t), want %s", row.month, row.year, row.zone, got, ok, row.want)
		}
	}
	for _, name := range []string{"subscription-pagandocheck", "subscription-etpay"} {
		if got, ok := mustSubscription(t, example(t, name)).CardExpires(); ok {
			t.Errorf("%s: a card without expiry expires at %s", name, got)
		}
	}
}

func TestNothingOfASubscriptionIsPrinted(t *testing.T) {
	s := mustSubscription(t, example(t, "subscription-pagoseguro"))
	var log bytes.Buffer
	logger := zerolog.New(&log)
	logger.Info().EmbedObject(s).Interface("s", s).Msg("")
	printed := fmt.Sprintf("%v %+v %#v %s %s", s, s, s, s, log.String())
	for _, secret := range []string{"eyJpdiI6", "100000000", "Ana", "3100000000", "32900"} {
		if strings.Contains(printed, secret) {
			t.Errorf("%s is in %s", secret, printed)
		}
	}
	if !strings.Contains(printed, "subscription pagoseguro/sub-0001") {
		t.Errorf("printed as %s", printed)
	}
}

func TestTheDocumentationHasEveryFieldOfASubscription(t *testing.T) {
	page, err := os.ReadFile("../docs/tasks.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range terms() {
		if !bytes.Contains(page, []byte("| `"+f.Path+"`")) {
			t.Errorf("no row for %s", f.Path)
		}
	}
}

func TestEveryProviderOfChargesTakesSubscriptions(t *testing.T) {
	wantEqual(t, "providers", charging(), []string{etpay.Name, pagandocheck.Name, pagoseguro.Name})
}
