package dashboard

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/crypto/bcrypt"

	"github.com/remesa/remesa/internal/login"
)

// TestTheLoginStandsBesideTheNameThatIsClaimed: in the history and in the log, with the address.
func TestTheLoginStandsBesideTheNameThatIsClaimed(t *testing.T) {
	var log bytes.Buffer
	o := options(t)
	o.Log = zerolog.New(&log)
	o.Users = append(o.Users, login.Plain("ops", "another-password"))
	for name, row := range map[string]struct{ remote, want string }{
		"an address":          {"10.0.0.7:4711", "resolve virtualpos/p 7 by Eva Soto (login ops, 10.0.0.7): seen in the bank[succeeded id-9 ]"},
		"an address of IPv6":  {"[2001:db8::7]:4711", "resolve virtualpos/p 7 by Eva Soto (login ops, 2001:db8::7): seen in the bank[succeeded id-9 ]"},
		"an address in IPv6":  {"[::ffff:10.0.0.7]:1", "resolve virtualpos/p 7 by Eva Soto (login ops, 10.0.0.7): seen in the bank[succeeded id-9 ]"},
		"no address, perhaps": {"@", "resolve virtualpos/p 7 by Eva Soto (login ops, an unknown address): seen in the bank[succeeded id-9 ]"},
	} {
		log.Reset()
		d := newFakeLedger()
		o.Ledger = d
		r := post("/payments/apply", fields("by", "Eva Soto", "provider_id", "id-9").Encode())
		r.RemoteAddr = row.remote
		r.SetBasicAuth("ops", "another-password")
		if w := ask(t, New(o), r); w.Code != http.StatusSeeOther || len(d.calls) != 1 || d.calls[0] != row.want {
			t.Errorf("%s: %d, the ledger was told %q", name, w.Code, d.calls)
		}
		var line struct{ Key, By, Login, From string }
		_, from, _ := strings.Cut(strings.TrimSuffix(row.want, "): seen in the bank[succeeded id-9 ]"), "login ops, ")
		if err := json.Unmarshal(log.Bytes(), &line); err != nil || line.Key != "virtualpos/p" || line.By != "Eva Soto" || line.Login != "ops" || line.From != from {
			t.Errorf("%s: the log has %s", name, log.String())
		}
	}
}

// TestWhoPressesAButtonOnTheQueuesPageIsLogged: the buttons decide about no money, but they can
// delay payments.
func TestWhoPressesAButtonOnTheQueuesPageIsLogged(t *testing.T) {
	var log bytes.Buffer
	o := options(t)
	o.Log = zerolog.New(&log)
	ask(t, New(o), post("/dashboard/api/queues/virtualpos:pause", ""))
	for _, part := range []string{`"login":"ana"`, `"from":"192.0.2.1"`, `"path":"/dashboard/api/queues/virtualpos:pause"`} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("the log lacks %s: %s", part, log.String())
		}
	}
}

func TestEachUserHasAPasswordOfTheirOwn(t *testing.T) {
	// The cheapest hash that a file may have: package login tests what `worker password` makes.
	hash, err := bcrypt.GenerateFromPassword([]byte("evas-own-password"), 10)
	if err != nil {
		t.Fatal(err)
	}
	users, err := login.ParseUsers("eva:" + string(hash))
	if err != nil {
		t.Fatal(err)
	}
	o := options(t)
	o.Users = append(o.Users, users...)
	h := New(o)
	for _, row := range []struct {
		user, password string
		want           int
	}{
		{"ana", testPassword, 200}, {"eva", "evas-own-password", 200}, {"eva", testPassword, 401}, {"ana", "evas-own-password", 401},
	} {
		r := get("/payments")
		r.SetBasicAuth(row.user, row.password)
		if w := ask(t, h, r); w.Code != row.want {
			t.Errorf("%s: %d", row.user, w.Code)
		}
	}
}

// TestWhoeverGuessesIsSlowedDown: whoever mistypes a login gets in after a while.
func TestWhoeverGuessesIsSlowedDown(t *testing.T) {
	o := options(t)
	now := testNow
	o.Now = func() time.Time { return now }
	h := New(o)
	try := func(password string) *httptest.ResponseRecorder {
		r := get("/payments")
		r.SetBasicAuth(testUser, password)
		return ask(t, h, r)
	}
	for n := range 5 {
		if w := try("wrong-password"); w.Code != http.StatusUnauthorized {
			t.Fatalf("failure %d: %d", n+1, w.Code)
		}
	}
	for _, password := range []string{"wrong-password", testPassword} {
		w := try(password)
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "2" || w.Header().Get("WWW-Authenticate") != "" {
			t.Errorf("after five failures: %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
		}
	}
	now = now.Add(2 * time.Second)
	if w := try("wrong-password"); w.Code != http.StatusUnauthorized {
		t.Errorf("after the wait: %d", w.Code)
	}
	if w := try(testPassword); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "4" {
		t.Errorf("after the sixth: %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	now = now.Add(4 * time.Second)
	if w := try(testPassword); w.Code != http.StatusOK {
		t.Errorf("the right one, after the wait: %d", w.Code)
	}
}
