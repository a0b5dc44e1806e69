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

// Door lets users in, and slows down whoever guesses: after five failures from an address, or for a
// user, nothing is tried for a time that doubles with each further failure. What is refused in that
// time is not looked at, right or wrong, so that it tells nothing.
type Door struct {
	users map[string]User
	// decoy is asked for names that nobody has, so that they cost as much time as others.
	decoy User
	now   func() time.Time
	// asking lets one password be hashed at a time: guesses must not take the processors from
	// payments.
	asking chan struct{}

	mu        sync.Mutex
	addresses map[netip.Addr]failures
	names     map[string]failures // of users only
	// homes are the addresses from which a user got in lately: there, others' guesses of the name
	// do not count.
	homes map[home]time.Time
	// known are logins that were right, as keyed hashes: a page is many requests, and a hash takes
	// a while.
	known map[[sha256.Size]byte]bool
	key   []byte
}

type home struct {
	name string
	from netip.Addr
}

// Answer is what the door says.
type Answer struct {
	// In: the login is right.
	In bool
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
	freeFailures  = 5
	firstWait     = 2 * time.Second
	longestWait   = 5 * time.Minute
	forgetAfter   = 15 * time.Minute // since the last failure
	homeFor       = 30 * 24 * time.Hour
	mostAddresses = 1024
	mostHomes     = 1024
	queueFor      = 3 * time.Second // for the one hash at a time
)

// failures are those in a row, as far as time goes: a success does not end it, or a user could
// guess another's password between two.
type failures struct {
	count       int
	last, until time.Time
}

// NewDoor makes the door of these users; now is time.Now where it is nil.
func NewDoor(users []User, now func() time.Time) *Door {
	if now == nil {
		now = time.Now
	}
	d := &Door{
		users: map[string]User{}, now: now, asking: make(chan struct{}, 1), addresses: map[netip.Addr]failures{}, names: map[string]failures{},
		homes: map[home]time.Time{}, known: map[[sha256.Size]byte]bool{}, key: []byte(rand.Text()),
	}
	for _, u := range users {
		d.users[u.Name], d.decoy = u, u
	}
	return d
}

// Enter looks at a login from an address.
func (d *Door) Enter(ctx context.Context, from netip.Addr, name, password string) Answer {
	user, known := d.users[name]
	a := Answer{User: user.Name}
	if a.Wait = d.wait(from, user.Name); a.Wait > 0 {
		return a
	}
	if known && d.remembers(name, password) {
		a.In = true
		d.welcome(from, name, password)
		return a
	}
	if !d.queue(ctx) {
		a.Wait = firstWait
		return a
	}
	defer func() { <-d.asking }()
	if a.Wait = d.wait(from, user.Name); a.Wait > 0 { // others of this address failed meanwhile
		return a
	}
	if !known {
		user = d.decoy
	}
	if a.In = user.right(password) && known; a.In {
		d.welcome(from, name, password)
	} else {
		a.Failures = d.fail(from, a.User)
	}
	return a
}

// queue waits for the one place, and not for long.
func (d *Door) queue(ctx context.Context) bool {
	timer := time.NewTimer(queueFor)
	defer timer.Stop()
	select {
	case d.asking <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	case <-timer.C:
		return false
	}
}

// wait is how long nothing is tried from this address, or for this user.
func (d *Door) wait(from netip.Addr, user string) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	until := d.addresses[from].until
	if at, ok := d.homes[home{user, from}]; !ok || d.now().Sub(at) > homeFor {
		if u := d.names[user].until; u.After(until) {
			until = u
		}
	}
	return max(0, until.Sub(d.now()))
}

func (d *Door) fail(from netip.Addr, user string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	if _, ok := d.addresses[from]; !ok && len(d.addresses) >= mostAddresses {
		d.forget(now)
	}
	f := d.addresses[from].and(now)
	d.addresses[from] = f
	if user == "" {
		return f.count
	}
	u := d.names[user].and(now)
	d.names[user] = u
	return max(f.count, u.count)
}

// and is one failure more.
func (f failures) and(now time.Time) failures {
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

// forget makes room: those whose failures are long ago go, or else the one that failed the longest
// ago.
func (d *Door) forget(now time.Time) {
	var oldest netip.Addr
	var first time.Time
	for from, f := range d.addresses {
		if now.Sub(f.last) > forgetAfter {
			delete(d.addresses, from)
		} else if first.IsZero() || f.last.Before(first) {
			oldest, first = from, f.last
		}
	}
	if len(d.addresses) >= mostAddresses {
		delete(d.addresses, oldest)
	}
}

// welcome remembers a right login. Each user has one password, so that no more are known than there
// are users.
func (d *Door) welcome(from netip.Addr, name, password string) {
	sum := d.sum(name, password)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known[sum] = true
	if len(d.homes) >= mostHomes {
		clear(d.homes)
	}
	d.homes[home{name, from}] = d.now()
}

func (d *Door) remembers(name, password string) bool {
	sum := d.sum(name, password)
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.known[sum]
}

func (d *Door) sum(name, password string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, d.key)
	mac.Write([]byte(name + ":" + password))
	mac.Sum(sum[:0])
	return sum
}
