package login

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"
)

// Authenticator lets users in, and slows down whoever guesses: after five failures from an address, or for a
// user, nothing is tried for a time that doubles with each further failure. What is refused in that
// time is not looked at, right or wrong, so that it tells nothing.
type Authenticator struct {
	users map[string]User
	// dummy is asked for names that nobody has, so that they cost as much time as others.
	dummy User
	now   func() time.Time
	// hashing lets one password be hashed at a time: guesses must not take the processors from
	// payments.
	hashing chan struct{}

	mu              sync.Mutex
	addressFailures map[netip.Addr]failures
	userFailures    map[string]failures // of users only
	// trusted are the addresses from which a user got in lately: there, others' guesses of the name
	// do not count.
	trusted map[trustedAddress]time.Time
	// verified are logins that were right, as keyed hashes: a page is many requests, and a hash takes
	// a while.
	verified map[[sha256.Size]byte]bool
	key      []byte
}

type trustedAddress struct {
	name string
	from netip.Addr
}

// Result is what the door says.
type Result struct {
	// OK: the login is right.
	OK bool
	// Wait, if above zero, is how long nothing is tried; the login was not looked at.
	Wait time.Duration
	// Failures are those of the address, or of the user where they are more, with this one; zero
	// where nothing was tried.
	Failures int
	// User is the name where somebody has it, so that no password typed in its place is written
	// down.
	User string
}

// Bounds of guessing, and of what is remembered of it.
const (
	freeFailures = 5
	firstWait    = 2 * time.Second
	longestWait  = 5 * time.Minute
	forgetAfter  = 15 * time.Minute // since the last failure
	trustFor     = 30 * 24 * time.Hour
	maxAddresses = 1024
	maxTrusted   = 1024
	hashWait     = 3 * time.Second // for the one hash at a time
)

// failures are those in a row, as far as time goes: a success does not end it, or a user could
// guess another's password between two.
type failures struct {
	count       int
	last, until time.Time
}

// NewAuthenticator makes the door of these users; now is time.Now where it is nil.
func NewAuthenticator(users []User, now func() time.Time) *Authenticator {
	if now == nil {
		now = time.Now
	}
	d := &Authenticator{
		users: map[string]User{}, now: now, hashing: make(chan struct{}, 1), addressFailures: map[netip.Addr]failures{}, userFailures: map[string]failures{},
		trusted: map[trustedAddress]time.Time{}, verified: map[[sha256.Size]byte]bool{}, key: []byte(rand.Text()),
	}
	for _, u := range users {
		d.users[u.Name], d.dummy = u, u
	}
	return d
}

// Authenticate looks at a login from an address.
func (d *Authenticator) Authenticate(ctx context.Context, from netip.Addr, name, password string) Result {
	user, known := d.users[name]
	a := Result{User: user.Name}
	if a.Wait = d.lockedFor(from, user.Name); a.Wait > 0 {
		return a
	}
	if known && d.isVerified(name, password) {
		a.OK = true
		d.recordSuccess(from, name, password)
		return a
	}
	if !d.acquireHash(ctx) {
		a.Wait = firstWait
		return a
	}
	defer func() { <-d.hashing }()
	if a.Wait = d.lockedFor(from, user.Name); a.Wait > 0 { // others of this address failed meanwhile
		return a
	}
	if !known {
		user = d.dummy
	}
	if a.OK = user.matches(password) && known; a.OK {
		d.recordSuccess(from, name, password)
	} else {
		a.Failures = d.recordFailure(from, a.User)
	}
	return a
}

// acquireHash waits for the one place, and not for long.
func (d *Authenticator) acquireHash(ctx context.Context) bool {
	timer := time.NewTimer(hashWait)
	defer timer.Stop()
	select {
	case d.hashing <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	case <-timer.C:
		return false
	}
}

// lockedFor is how long nothing is tried from this address, or for this user.
func (d *Authenticator) lockedFor(from netip.Addr, user string) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	until := d.addressFailures[from].until
	if at, ok := d.trusted[trustedAddress{user, from}]; !ok || d.now().Sub(at) > trustFor {
		if u := d.userFailures[user].until; u.After(until) {
			until = u
		}
	}
	return max(0, until.Sub(d.now()))
}

func (d *Authenticator) recordFailure(from netip.Addr, user string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	if _, ok := d.addressFailures[from]; !ok && len(d.addressFailures) >= maxAddresses {
		d.evict(now)
	}
	f := d.addressFailures[from].next(now)
	d.addressFailures[from] = f
	if user == "" {
		return f.count
	}
	u := d.userFailures[user].next(now)
	d.userFailures[user] = u
	return max(f.count, u.count)
}

// next is one failure more.
func (f failures) next(now time.Time) failures {
	if now.Sub(f.last) > forgetAfter {
		f.count = 0
	}
	f.count++
	f.last = now
	if more := f.count - freeFailures; more >= 0 {
		f.until = now.Add(min(longestWait, firstWait<<min(more, 10)))
	}
	return f
}

// evict makes room: those whose failures are long ago go, or else the one that failed the longest
// ago.
func (d *Authenticator) evict(now time.Time) {
	var oldest netip.Addr
	var first time.Time
	for from, f := range d.addressFailures {
		if now.Sub(f.last) > forgetAfter {
			delete(d.addressFailures, from)
		} else if first.IsZero() || f.last.Before(first) {
			oldest, first = from, f.last
		}
	}
	if len(d.addressFailures) >= maxAddresses {
		delete(d.addressFailures, oldest)
	}
}

// recordSuccess remembers a right login. Each user has one password, so that no more are known than there
// are users.
func (d *Authenticator) recordSuccess(from netip.Addr, name, password string) {
	sum := d.digest(name, password)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.verified[sum] = true
	if len(d.trusted) >= maxTrusted {
		clear(d.trusted)
	}
	d.trusted[trustedAddress{name, from}] = d.now()
}

func (d *Authenticator) isVerified(name, password string) bool {
	sum := d.digest(name, password)
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.verified[sum]
}

func (d *Authenticator) digest(name, password string) (digest [sha256.Size]byte) {
	mac := hmac.New(sha256.New, d.key)
	mac.Write([]byte(name + ":" + password))
	mac.Sum(digest[:0])
	return digest
}
