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

// Authenticator checks logins and slows down guessing: after five failures from an address, or for
// a user, it refuses all logins for a time that doubles with each further failure. It does not
// check a password in that time, so that the refusal reveals nothing.
type Authenticator struct {
	users map[string]User
	// dummy stands in for names that nobody has, so that they cost as much time as others.
	dummy User
	now   func() time.Time
	// hashing allows one hash at a time: guesses must not take the processors from payments.
	hashing chan struct{}

	mu              sync.Mutex
	addressFailures map[netip.Addr]failures
	userFailures    map[string]failures // of users only
	// trusted are the addresses from which a user logged in lately: there, only the failures of the
	// address count, not those for the user.
	trusted map[trustedAddress]time.Time
	// verified are logins that were right, as keyed hashes: a page is many requests, and each
	// password hash would take a while.
	verified map[[sha256.Size]byte]bool
	key      []byte
}

type trustedAddress struct {
	name string
	from netip.Addr
}

// Result is the result of a login.
type Result struct {
	// OK: the login is right.
	OK bool
	// Wait, if above zero, is how long logins are refused; this one was not checked.
	Wait time.Duration
	// Failures counts those of the address, or of the user where they are more, this one included;
	// zero where the login was not checked.
	Failures int
	// User is the name if a user has it, else empty: callers log it, and a password may have been
	// typed in its place.
	User string
}

// Bounds of guessing, and of the memory for it.
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

// failures counts failures of which each followed the last within forgetAfter. A success does not
// reset it, or a user could guess another's password between two logins.
type failures struct {
	count       int
	last, until time.Time
}

// NewAuthenticator makes an authenticator of these users; now is time.Now where it is nil.
func NewAuthenticator(users []User, now func() time.Time) *Authenticator {
	if now == nil {
		now = time.Now
	}
	a := &Authenticator{
		users: map[string]User{}, now: now, hashing: make(chan struct{}, 1), addressFailures: map[netip.Addr]failures{}, userFailures: map[string]failures{},
		trusted: map[trustedAddress]time.Time{}, verified: map[[sha256.Size]byte]bool{}, key: []byte(rand.Text()),
	}
	for _, u := range users {
		a.users[u.Name], a.dummy = u, u
	}
	return a
}

// Authenticate checks a login from an address. It hashes one password at a time, and gives up when
// ctx ends.
func (a *Authenticator) Authenticate(ctx context.Context, from netip.Addr, name, password string) Result {
	user, known := a.users[name]
	r := Result{User: user.Name}
	if r.Wait = a.lockedFor(from, user.Name); r.Wait > 0 {
		return r
	}
	if known && a.isVerified(name, password) {
		r.OK = true
		a.recordSuccess(from, name, password)
		return r
	}
	if !a.acquireHash(ctx) {
		r.Wait = firstWait
		return r
	}
	defer func() { <-a.hashing }()
	if r.Wait = a.lockedFor(from, user.Name); r.Wait > 0 { // others of this address failed meanwhile
		return r
	}
	if !known {
		user = a.dummy
	}
	if r.OK = user.matches(password) && known; r.OK {
		a.recordSuccess(from, name, password)
	} else {
		r.Failures = a.recordFailure(from, r.User)
	}
	return r
}

// acquireHash waits for the right to hash, hashWait at most.
func (a *Authenticator) acquireHash(ctx context.Context) bool {
	timer := time.NewTimer(hashWait)
	defer timer.Stop()
	select {
	case a.hashing <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	case <-timer.C:
		return false
	}
}

// lockedFor is how long logins from this address, or for this user, are refused.
func (a *Authenticator) lockedFor(from netip.Addr, user string) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	until := a.addressFailures[from].until
	if at, ok := a.trusted[trustedAddress{user, from}]; !ok || a.now().Sub(at) > trustFor {
		if u := a.userFailures[user].until; u.After(until) {
			until = u
		}
	}
	return max(0, until.Sub(a.now()))
}

func (a *Authenticator) recordFailure(from netip.Addr, user string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if _, ok := a.addressFailures[from]; !ok && len(a.addressFailures) >= maxAddresses {
		a.evict(now)
	}
	f := a.addressFailures[from].next(now)
	a.addressFailures[from] = f
	if user == "" {
		return f.count
	}
	u := a.userFailures[user].next(now)
	a.userFailures[user] = u
	return max(f.count, u.count)
}

// next adds one failure.
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

// evict forgets the addresses whose failures are long ago, or else the one that failed the longest
// ago.
func (a *Authenticator) evict(now time.Time) {
	var oldest netip.Addr
	var first time.Time
	for from, f := range a.addressFailures {
		if now.Sub(f.last) > forgetAfter {
			delete(a.addressFailures, from)
		} else if first.IsZero() || f.last.Before(first) {
			oldest, first = from, f.last
		}
	}
	if len(a.addressFailures) >= maxAddresses {
		delete(a.addressFailures, oldest)
	}
}

// recordSuccess remembers a right login. Each user has one password, so there are no more of them
// than users.
func (a *Authenticator) recordSuccess(from netip.Addr, name, password string) {
	sum := a.digest(name, password)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.verified[sum] = true
	if len(a.trusted) >= maxTrusted {
		clear(a.trusted)
	}
	a.trusted[trustedAddress{name, from}] = a.now()
}

func (a *Authenticator) isVerified(name, password string) bool {
	sum := a.digest(name, password)
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.verified[sum]
}

func (a *Authenticator) digest(name, password string) (digest [sha256.Size]byte) {
	mac := hmac.New(sha256.New, a.key)
	mac.Write([]byte(name + ":" + password))
	mac.Sum(digest[:0])
	return digest
}
