package tasks

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestMeaningIsWhatThePaymentMeansInAFixedOrder(t *testing.T) {
	want := map[string]string{
		"virtualpos":   "type=payout amount=12500 currency=CLP document=12345678-5 bank=012 account_number=12345678",
		"coordinador":  "type=payout amount=119000 currency=CLP debtor=101 creditor=202 instruction=3456789",
		"pagoseguro":   "type=charge amount=32900 currency=COP installments=1 card=eyJpdiI6IkV4YW1wbGUiLCJ2YWx1ZSI6IkV4YW1wbGUiLCJtYWMiOiIwMTIzIn0=",
		"pagandocheck": "type=charge amount=149.5 currency=MXN card=cd_example-000001 customer=5d1c0b1e-2f6a-4a1e-9a55-0c9a3f4f7e10 agreement=CONTRATO-000812",
		"etpay":        "type=charge amount=50000 currency=CLP document=12345678-5",
		"etpay-payout": "type=payout amount=12500 currency=CLP document=12345678-5 bank=cl_estado account_number=12345678 account_type=vista",
		"status":       "",
	}
	for _, name := range examples {
		if got := strings.Join(must(t, example(t, name)).Meaning(), " "); got != want[name] {
			t.Errorf("%s means\n%s\nwant\n%s", name, got, want[name])
		}
	}
}

// Records of earlier versions hold these: a change of a line here is a new version.
func TestFingerprintsStayAsTheyAre(t *testing.T) {
	want := map[string][2]string{
		"virtualpos": {"1:2Dr0yRMz7HhGGHi0mC8YZw", "1h:Iy3geko8yKOR1-wVGB6dxQ"},
		"pagoseguro": {"1:E_iwZGbI2jnsy8JsEttx9Q", "1h:jTjsTpGXEuNq7aDT7BZGSA"},
	}
	for name, prints := range want {
		task := must(t, example(t, name))
		if got := [2]string{task.Fingerprint(nil), task.Fingerprint([]byte("key"))}; got != prints {
			t.Errorf("%s: %q, want %q", name, got, prints)
		}
	}
}

func TestWhatMakesAnotherPayment(t *testing.T) {
	rows := []struct {
		says, provider, old, new string
		differs                  bool
	}{
		{"another amount", "virtualpos", `"12500"`, `"12501"`, true},
		{"another beneficiary", "virtualpos", `12345678-5`, `11111111-1`, true},
		{"another bank", "virtualpos", `"012"`, `"001"`, true},
		{"another bank account", "virtualpos", `"account_number":"12345678"`, `"account_number":"12345679"`, true},
		{"another debtor", "coordinador", `101`, `102`, true},
		{"another creditor", "coordinador", `202`, `203`, true},
		{"another instruction", "coordinador", `3456789`, `3456780`, true},
		{"another card", "pagoseguro", `eyJpdiI6`, `eyJpdiI7`, true},
		{"other instalments", "pagoseguro", `"installments":1`, `"installments":2`, true},
		{"another customer", "pagandocheck", `5d1c`, `5d1d`, true},
		{"another agreement", "pagandocheck", `000812`, `000813`, true},
		{"another payer", "etpay", `12345678-5`, `11111111-1`, true},
		{"another beneficiary", "etpay-payout", `12345678-5`, `11111111-1`, true},
		{"another bank", "etpay-payout", `cl_estado`, `cl_bci`, true},
		{"another bank account", "etpay-payout", `"account_number":"12345678"`, `"account_number":"12345679"`, true},
		{"another type of account", "etpay-payout", `vista`, `ahorro`, true},

		{"the same with other digits after the point", "pagoseguro", `"32900"`, `"32900.00"`, false},
		{"another description", "virtualpos", `OC 1`, `OC 2`, false},
		{"another name", "virtualpos", `Ana Soto`, `Ana María Soto`, false},
		{"another e-mail address", "virtualpos", `ana@`, `soto@`, false},
		{"another way to write the RUT", "virtualpos", `12345678-5`, `12.345.678-5`, false},
		{"metadata", "virtualpos", `"currency"`, `"metadata":{"a":"b"},"currency"`, false},
		{"times", "virtualpos", `"currency"`, `"deadline":"2026-05-15T09:00:00Z","currency"`, false},
		{"another reference, which is the key's", "virtualpos", `tef-0001`, `tef-0002`, false},
		{"other DTEs", "coordinador", `[2285813]`, `[2285814]`, false},
		{"another date", "coordinador", `2026-05-15`, `2026-05-16`, false},
		{"an antifraud token", "pagandocheck", `,"agreement"`, `,"details":{"antifraud_token":"x"},"agreement"`, false},
		{"another text for the payer", "etpay", `30215`, `30216`, false},
	}
	for _, row := range rows {
		for _, key := range [][]byte{nil, []byte("key")} {
			one, two := must(t, example(t, row.provider)), must(t, example(t, row.provider, row.old, row.new))
			if differs := one.Fingerprint(key) != two.Fingerprint(key); differs != row.differs {
				t.Errorf("%s: another payment? %v", row.says, differs)
			}
		}
	}
}

func TestPartsOfAMeaningCannotFlowIntoOneAnother(t *testing.T) {
	one := must(t, example(t, "pagandocheck", `"id":"5d1c0b1e-2f6a-4a1e-9a55-0c9a3f4f7e10"`, `"id":"aagreement=b"`))
	two := must(t, example(t, "pagandocheck", `"id":"5d1c0b1e-2f6a-4a1e-9a55-0c9a3f4f7e10"`, `"id":"a"`, `"CONTRATO-000812"`, `"bagreement=CONTRATO-000812"`))
	if strings.Join(one.Meaning(), "") != strings.Join(two.Meaning(), "") {
		t.Fatalf("the two no longer read the same without frames:\n%v\n%v", one.Meaning(), two.Meaning())
	}
	if one.Fingerprint(nil) == two.Fingerprint(nil) {
		t.Error("two meanings have one fingerprint")
	}
}

func TestAFingerprintIsComparedInTheVersionOfTheRecord(t *testing.T) {
	task, key := must(t, example(t, "virtualpos")), []byte("key")
	plain, keyed := task.Fingerprint(nil), task.Fingerprint(key)
	if !strings.HasPrefix(plain, "1:") || !strings.HasPrefix(keyed, "1h:") || plain[2:] == keyed[3:] || keyed == task.Fingerprint([]byte("other")) {
		t.Errorf("plain %s, keyed %s", plain, keyed)
	}
	rows := []struct {
		existing string
		key      []byte
		want     string
		err      error
	}{
		{plain, nil, plain, nil},
		{plain, key, plain, nil},
		{keyed, key, keyed, nil},
		{keyed, nil, "", ErrFingerprintKey},
		{"2:abc", key, "", ErrFingerprintVersion},
		{"", nil, "", ErrFingerprintVersion},
	}
	for _, row := range rows {
		if got, err := task.FingerprintLike(row.existing, row.key); got != row.want || !errors.Is(err, row.err) {
			t.Errorf("like %q with key %q: %q, %v", row.existing, row.key, got, err)
		}
	}
}

func TestAStatusTaskMeansNothing(t *testing.T) {
	if task := must(t, example(t, "status")); !slices.Equal(task.Meaning(), nil) || task.Fingerprint(nil) != "" || task.Fingerprint([]byte("k")) != "" {
		t.Error("a question has a fingerprint")
	}
}
