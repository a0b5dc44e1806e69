package etpay

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"hash"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
)

const hs256 = `{"alg":"HS256","typ":"JWT"}`

// forge makes a JWT by hand, with nothing of the adapter or of a JWT library.
func forge(header, payload, key string) string { return sign(header, payload, key, sha256.New) }

func sign(header, payload, key string, h func() hash.Hash) string {
	segment := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	text := segment(header) + "." + segment(payload)
	mac := hmac.New(h, []byte(key))
	mac.Write([]byte(text))
	return text + "." + segment(string(mac.Sum(nil)))
}

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

const claim = `{"session_token":"ses-1","payment_token":"p1","payment_status":"success","user_rut":"123456785"}`

func TestMessages(t *testing.T) {
	t.Parallel()
	amount, err := providers.ParseMoney("50000", "CLP")
	if err != nil {
		t.Fatal(err)
	}
	with := func(more string) string { return strings.TrimSuffix(claim, "}") + "," + more + "}" }
	good := forge(hs256, claim, "key-1")
	for _, row := range []struct {
		name, token string
		taken       bool
	}{
		{"signed with the session's key", good, true},
		{"with our order and amount", forge(hs256, with(`"merchant_order_id":"OC1","order_amount":50000,"amount":"50000"`), "key-1"), true},
		{"with times that hold", forge(hs256, with(`"iat":1,"exp":9999999999`), "key-1"), true},
		{"signed with another key", forge(hs256, claim, "key-2"), false},
		{"signed with no key", forge(hs256, claim, ""), false},
		{"without a signature", good[:strings.LastIndex(good, ".")+1], false},
		{"by no algorithm", forge(`{"alg":"none","typ":"JWT"}`, claim, "")[:strings.LastIndex(forge(`{"alg":"none","typ":"JWT"}`, claim, ""), ".")+1], false},
		{"by HS512 with the right key", sign(`{"alg":"HS512","typ":"JWT"}`, claim, "key-1", sha512.New), false},
		{"by HS256, called RS256", forge(`{"alg":"RS256","typ":"JWT"}`, claim, "key-1"), false},
		{"of another session", forge(hs256, strings.Replace(claim, "ses-1", "ses-2", 1), "key-1"), false},
		{"of no session", forge(hs256, strings.Replace(claim, "ses-1", "", 1), "key-1"), false},
		{"of another order", forge(hs256, with(`"merchant_order_id":"OC2"`), "key-1"), false},
		{"of another amount", forge(hs256, with(`"order_amount":50001`), "key-1"), false},
		{"of another amount, as text", forge(hs256, with(`"amount":"5"`), "key-1"), false},
		{"of an amount that is none", forge(hs256, with(`"amount":{}`), "key-1"), false},
		{"that has ended", forge(hs256, with(`"exp":1000000000`), "key-1"), false},
		{"with other claims under the signature", strings.Replace(good, strings.Split(good, ".")[1], base64.RawURLEncoding.EncodeToString([]byte(with(`"a":1`))), 1), false},
		{"that is no JWT", "abc", false},
		{"that is nothing", "", false},
	} {
		m, err := Verify(row.token, Expected{
			ProviderRefs: map[string]string{SessionTokenRef: "ses-1", SignatureTokenRef: "key-1"}, Reference: "OC1", Amount: amount, Now: at(now),
		})
		if (err == nil) != row.taken || err != nil && !errors.Is(err, ErrMessage) {
			t.Errorf("a message %s: %v, taken should be %t", row.name, err, row.taken)
		}
		if row.taken && (m != Message{SessionToken: "ses-1", PaymentToken: "p1", PaymentStatus: "success"}) {
			t.Errorf("a message %s says %+v", row.name, m)
		}
	}
}

func TestAPaymentWithoutTokensTakesNoMessage(t *testing.T) {
	t.Parallel()
	for name, refs := range map[string]map[string]string{
		"no handles": nil, "no key": {SessionTokenRef: "ses-1"}, "an empty key": {SessionTokenRef: "ses-1", SignatureTokenRef: ""}, "no session": {SignatureTokenRef: "key-1"},
	} {
		key := refs[SignatureTokenRef]
		for _, payload := range []string{claim, strings.Replace(claim, "ses-1", "", 1)} {
			if _, err := Verify(forge(hs256, payload, key), Expected{ProviderRefs: refs, Now: at(now)}); !errors.Is(err, ErrMessage) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestTheSessionOfAMessageIsReadWithoutProof(t *testing.T) {
	t.Parallel()
	if s, err := MessageSession(forge(hs256, claim, "whatever")); err != nil || s != "ses-1" {
		t.Errorf("got %q, %v", s, err)
	}
	for name, token := range map[string]string{
		"no session": forge(hs256, `{}`, "k"), "a session that is a number": forge(hs256, `{"session_token":7}`, "k"),
		"a session with a blank": forge(hs256, `{"session_token":"a b"}`, "k"), "no JWT": "x.y", "claims that are a list": forge(hs256, `[]`, "k"),
	} {
		if s, err := MessageSession(token); !errors.Is(err, ErrMessage) {
			t.Errorf("%s: got %q, %v", name, s, err)
		}
	}
}
