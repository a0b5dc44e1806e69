// Package login checks who may open the pages for operators, and slows down guessing. It knows a
// user's password by a hash, or as the setting that it is; it never prints either.
package login

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
)

// User is somebody who may log in.
type User struct {
	Name string
	// matches reports whether a password is the user's, in a time that does not depend on how much
	// of it is right.
	matches func(password string) bool
}

// Plain is a user whose password stands in the settings.
func Plain(name, password string) User {
	salt := rand.Text()
	hash := func(text string) [sha256.Size]byte { return sha256.Sum256([]byte(salt + text)) }
	want := hash(password)
	return User{name, func(password string) bool {
		got := hash(password)
		return subtle.ConstantTimeCompare(got[:], want[:]) == 1
	}}
}

// Bounds of bcrypt's cost: below, a stolen file gives its passwords away; above, a login takes
// seconds.
const (
	leastCost = 10
	mostCost  = 14
	ownCost   = 12
)

// ParseUsers reads lines of NAME:HASH, as Line, htpasswd -B -C 12 and argon2 -e make them. It skips
// blank lines and those that begin with #. The error names the line and repeats nothing of it.
func ParseUsers(text string) ([]User, error) {
	var users []User
	seen := map[string]bool{}
	scanner := bufio.NewScanner(strings.NewReader(text))
	for n := 1; scanner.Scan(); n++ {
		line := strings.TrimSpace(scanner.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		user, err := parseUser(line)
		if err == nil && seen[user.Name] {
			err = errors.New("this name stands on an earlier line, too")
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		seen[user.Name] = true
		users = append(users, user)
	}
	if scanner.Err() != nil {
		return nil, errors.New("a line is too long")
	}
	return users, nil
}

func parseUser(line string) (User, error) {
	name, hash, found := strings.Cut(line, ":")
	if !found {
		return User{}, errors.New("is not NAME:HASH; `worker password NAME` makes such a line")
	}
	if err := CheckName(name); err != nil {
		return User{}, err
	}
	if strings.HasPrefix(hash, argonPrefix) {
		a, err := parseArgon(hash)
		return User{name, a.matches}, err
	}
	cost, err := bcrypt.Cost([]byte(hash))
	switch {
	case err != nil:
		return User{}, errors.New("the hash is neither bcrypt's nor argon2id's; `worker password NAME` makes such a line")
	case cost < leastCost || cost > mostCost:
		return User{}, fmt.Errorf("the hash has the cost %d, needs %d to %d", cost, leastCost, mostCost)
	}
	return User{name, func(password string) bool {
		return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
	}}, nil
}

// Line makes a user's line of the file, NAME:HASH with a bcrypt hash.
func Line(name, password string) (string, error) {
	if err := CheckName(name); err != nil {
		return "", err
	}
	if err := CheckPassword(password); err != nil {
		return "", fmt.Errorf("the password %w", err)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), ownCost)
	if errors.Is(err, bcrypt.ErrPasswordTooLong) {
		return "", errors.New("the password has more than 72 bytes, and bcrypt would look at no more")
	}
	return name + ":" + string(hash), err
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9._@+-]{1,64}$`)

// CheckName says what is wrong with a user's name. Histories show it beside the name that the
// operator gives, so it has no space, no comma and no bracket: nobody can give a name that reads as
// another's login.
func CheckName(name string) error {
	if !nameForm.MatchString(name) {
		return errors.New("the user's name must be 1 to 64 letters, digits and . _ @ + -")
	}
	return nil
}

// leastPassword is how many characters a password has at least.
const leastPassword = 12

// placeholder stands in files that are to be copied.
const placeholder = "CHANGE-ME"

// CheckPassword says what is wrong with a password, without repeating any of it.
func CheckPassword(password string) error {
	n := utf8.RuneCountInString(password)
	switch {
	case strings.Contains(strings.ToUpper(password), placeholder):
		return errors.New("is still the placeholder of an example; make one with `openssl rand -base64 18`")
	case n < leastPassword:
		return fmt.Errorf("has %d characters, needs at least %d; make one with `openssl rand -base64 18`", n, leastPassword)
	}
	return nil
}
