package login

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

const password = "correct-horse-battery"

func bcryptLine(t *testing.T, name string, cost int) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		t.Fatal(err)
	}
	return name + ":" + string(hash)
}

// argonLine is as the argon2 command prints it.
func argonLine(name string, memory, passes uint32, salt string, length uint32) string {
	hash := argon2.IDKey([]byte(password), []byte(salt), passes, min(memory, 64<<10), 1, length)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("%s:$argon2id$v=19$m=%d,t=%d,p=1$%s$%s", name, memory, passes, b64([]byte(salt)), b64(hash))
}

func TestUsersOfAFile(t *testing.T) {
	t.Parallel()
	line, err := Line("worker", password)
	if err != nil {
		t.Fatal(err)
	}
	htpasswd := strings.Replace(bcryptLine(t, "apache", 10), "$2a$", "$2y$", 1)
	users, err := ParseUsers("# who decides\n\n" + line + "\r\n" + htpasswd + "\n" + argonLine("a.r_g+o@n-2", 8<<10, 1, "saltsalt", 32))
	if err != nil {
		t.Fatal(err)
	}
	if len(users) != 3 || users[0].Name != "worker" || users[1].Name != "apache" || users[2].Name != "a.r_g+o@n-2" {
		t.Fatalf("%d users", len(users))
	}
	for _, u := range append(users, Plain("plain", password)) {
		if !u.matches(password) {
			t.Errorf("%s: the right password is wrong", u.Name)
		}
		if u.Name == "worker" {
			continue // bcrypt's as well, and four times as slow
		}
		for _, wrong := range []string{password[:20], password + "x"} {
			if u.matches(wrong) {
				t.Errorf("%s: %q is right", u.Name, wrong)
			}
		}
	}
}

func TestAFileThatIsNoneIsRefusedWithoutRepeatingIt(t *testing.T) {
	t.Parallel()
	good := bcryptLine(t, "ana", 10)
	for name, row := range map[string]struct{ text, says string }{
		"no hash":            {"ana\n", "line 1: is not NAME:HASH"},
		"a plain password":   {"# x\nana:" + password + "\n", "line 2: the hash is neither bcrypt's nor argon2id's"},
		"an MD5 hash":        {"ana:$apr1$abc$canary", "line 1: the hash is neither"},
		"no name":            {strings.TrimPrefix(good, "ana"), "line 1: the user's name"},
		"a name with spaces": {"a b" + strings.TrimPrefix(good, "ana"), "line 1: the user's name"},
		"a name in brackets": {"a(b" + strings.TrimPrefix(good, "ana"), "line 1: the user's name"},
		"a name twice":       {good + "\n" + good, "line 2: this name stands on an earlier line"},
		"too cheap":          {bcryptLine(t, "ana", 5), "line 1: the hash has the cost 5"},
		"too dear":           {strings.Replace(good, "$10$", "$31$", 1), "line 1: the hash has the cost 31"},
		"argon without salt": {argonLine("ana", 8<<10, 1, "", 32), "salt of 8 bytes"},
		"argon too short":    {argonLine("ana", 8<<10, 1, "saltsalt", 8), "16 to 64 bytes"},
		"argon too large":    {argonLine("ana", 1<<20, 1, "saltsalt", 32), "m from"},
		"argon too cheap":    {argonLine("ana", 8, 1, "saltsalt", 32), "m from"},
		"argon cut off":      {"ana:$argon2id$v=19$m=65536,t=3,p=4$canary", "line 1: the hash is not $argon2id$"},
		"another argon":      {"ana:$argon2i$v=19$m=65536,t=3,p=4$canary$canary", "line 1: the hash is neither"},
	} {
		_, err := ParseUsers(row.text)
		if err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if text := err.Error(); strings.Contains(text, "canary") || strings.Contains(text, password) {
			t.Errorf("%s: it repeats %q", name, text)
		}
	}
}

func TestPasswordsThatCanBeGuessed(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"": "has 0 characters", "elevenchars": "has 11 characters, needs at least 12", "ññññññññññ": "has 10 characters",
		"CHANGE-ME": "placeholder", "please-change-me-now": "placeholder", "twelve-chars": "", password: "",
	} {
		err := CheckPassword(text)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
		if says == "" {
			continue
		}
		if _, err := Line("ana", text); err == nil {
			t.Errorf("%q: a line was made", text)
		}
	}
	if _, err := Line("ana", strings.Repeat("x", 73)); err == nil || !strings.Contains(err.Error(), "72 bytes") {
		t.Errorf("longer than bcrypt looks: %v", err)
	}
}

// clock is the authenticator's time.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func at(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}) }

func newDoor(names ...string) (*Authenticator, *clock) {
	c := &clock{time.Unix(1_000_000, 0)}
	var users []User
	for _, name := range names {
		users = append(users, Plain(name, password))
	}
	return NewAuthenticator(users, c.now), c
}

func (d *Authenticator) failing(t *testing.T, from netip.Addr, name string, times int) {
	t.Helper()
	for n := range times {
		if a := d.Authenticate(t.Context(), from, name, "wrong"); a.OK || a.Wait > 0 {
			t.Fatalf("failure %d: %+v", n+1, a)
		}
	}
}

// TestWaitsGrow: each failure after the fifth doubles the wait, to five minutes; a quarter of an
// hour without one ends it.
func TestWaitsGrow(t *testing.T) {
	t.Parallel()
	d, c := newDoor("ana")
	d.failing(t, at(1), "ana", 5)
	for _, want := range []time.Duration{2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300} {
		a := d.Authenticate(t.Context(), at(1), "ana", password)
		if a.OK || a.Wait != want*time.Second {
			t.Fatalf("%+v, want a wait of %ds", a, want)
		}
		c.at = c.at.Add(a.Wait)
		d.failing(t, at(1), "ana", 1)
	}
	c.at = c.at.Add(forgetAfter + time.Second)
	d.failing(t, at(1), "ana", 4)
	if a := d.Authenticate(t.Context(), at(1), "ana", password); !a.OK {
		t.Errorf("after a quarter of an hour: %+v", a)
	}
}

// TestASuccessDoesNotEndAGuessersFailures: a user could guess another's password between two logins
// of their own.
func TestASuccessDoesNotEndAGuessersFailures(t *testing.T) {
	t.Parallel()
	d, _ := newDoor("ana", "eva")
	for range 5 {
		d.failing(t, at(1), "eva", 1)
		d.Authenticate(t.Context(), at(1), "ana", password)
	}
	if a := d.Authenticate(t.Context(), at(1), "eva", password); a.Wait == 0 {
		t.Errorf("five guesses between logins: %+v", a)
	}
}

// TestGuessesFromManyAddressesSlowTheUserDown: except from where the user is known, or anybody
// could lock anybody out.
func TestGuessesFromManyAddressesSlowTheUserDown(t *testing.T) {
	t.Parallel()
	d, _ := newDoor("ana", "eva")
	if a := d.Authenticate(t.Context(), at(1000), "ana", password); !a.OK {
		t.Fatalf("%+v", a)
	}
	for n := range 5 {
		d.failing(t, at(n), "ana", 1)
	}
	if a := d.Authenticate(t.Context(), at(500), "ana", password); a.OK || a.Wait == 0 {
		t.Errorf("from a new address: %+v", a)
	}
	if a := d.Authenticate(t.Context(), at(1000), "ana", password); !a.OK {
		t.Errorf("from where ana is known: %+v", a)
	}
	if a := d.Authenticate(t.Context(), at(1000), "ana", "wrong"); a.OK || a.Wait > 0 {
		t.Errorf("a mistake there: %+v", a)
	}
	if a := d.Authenticate(t.Context(), at(500), "eva", password); !a.OK {
		t.Errorf("another user: %+v", a)
	}
}

func TestANameThatNobodyHasIsNotRepeated(t *testing.T) {
	t.Parallel()
	d, _ := newDoor("ana")
	if a := d.Authenticate(t.Context(), at(1), password, ""); a.User != "" || a.Failures != 1 {
		t.Errorf("%+v", a)
	}
	if a := d.Authenticate(t.Context(), at(1), "ana", "wrong"); a.User != "ana" || a.Failures != 2 {
		t.Errorf("%+v", a)
	}
	if a := d.Authenticate(t.Context(), at(2), "nobody", password); a.OK {
		t.Error("nobody got in with somebody's password")
	}
}

func TestTheDoorRemembersNoMoreThanSoMany(t *testing.T) {
	t.Parallel()
	d, _ := newDoor("ana")
	for n := range 3 * maxAddresses {
		d.recordFailure(at(n), "")
		d.recordSuccess(at(n), "ana", password)
	}
	if len(d.addressFailures) > maxAddresses || len(d.trusted) > maxTrusted || len(d.verified) != 1 || len(d.userFailures) != 0 {
		t.Errorf("%d addresses, %d homes, %d logins, %d names", len(d.addressFailures), len(d.trusted), len(d.verified), len(d.userFailures))
	}
	if d.addressFailures[at(3*maxAddresses-1)].count != 1 {
		t.Error("the newest failure was forgotten")
	}
}

// TestGuessesAtTheSameTimeAreCountedLikeOthers: and hashed one at a time.
func TestGuessesAtTheSameTimeAreCountedLikeOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		asked, under := 0, 0
		slow := User{"ana", func(string) bool {
			mu.Lock()
			asked++
			under++
			if under > 1 {
				t.Error("two passwords are hashed at a time")
			}
			mu.Unlock()
			time.Sleep(100 * time.Millisecond)
			mu.Lock()
			under--
			mu.Unlock()
			return false
		}}
		d := NewAuthenticator([]User{slow}, nil)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { d.Authenticate(t.Context(), at(1), "ana", "wrong") })
		}
		wg.Wait()
		if asked != 5 {
			t.Errorf("%d of 50 guesses were tried", asked)
		}
	})
}
