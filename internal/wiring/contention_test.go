package wiring

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
)

func TestFreshTokensThatAreRefusedAgainAndAgainAreNoticed(t *testing.T) {
	t.Parallel()
	type renewal struct {
		reason string
		after  time.Duration
	}
	soon := renewal{auth.ReasonRejected, time.Second}
	for name, row := range map[string]struct {
		renewals []renewal
		want     int
	}{
		"a token that lives its life":           {[]renewal{{auth.ReasonFirst, 0}, {auth.ReasonAhead, time.Hour}, {auth.ReasonAhead, time.Hour}, {auth.ReasonAhead, time.Hour}}, 0},
		"one that dies early":                   {[]renewal{{auth.ReasonFirst, 0}, soon}, 0},
		"two that do":                           {[]renewal{soon, soon}, 0},
		"three that do":                         {[]renewal{soon, soon, soon}, 1},
		"three a minute apart":                  {[]renewal{soon, {auth.ReasonRejected, time.Minute}, {auth.ReasonRejected, time.Minute}}, 1},
		"one a day":                             {[]renewal{soon, {auth.ReasonRejected, 24 * time.Hour}, {auth.ReasonRejected, 24 * time.Hour}, {auth.ReasonRejected, 24 * time.Hour}}, 0},
		"with a life in between":                {[]renewal{soon, soon, {auth.ReasonAhead, time.Minute}, soon}, 0},
		"with failed logins in between":         {[]renewal{soon, {auth.ReasonFailed, time.Second}, soon, {auth.FromOtherWorker, time.Second}, soon}, 1},
		"nine in a row are said three times":    {[]renewal{soon, soon, soon, soon, soon, soon, soon, soon, soon}, 3},
		"refused credentials are another fault": {[]renewal{{auth.ReasonRefused, 0}, {auth.ReasonRefused, 0}, {auth.ReasonRefused, 0}, {auth.ReasonRefused, 0}}, 0},
	} {
		var c contention
		now, got := time.Unix(1_800_000_000, 0), 0
		for _, r := range row.renewals {
			if now = now.Add(r.after); c.record(r.reason, now) {
				got++
			}
		}
		if got != row.want {
			t.Errorf("%s: noticed %d times, want %d", name, got, row.want)
		}
	}
}

// TestWorkersThatEndEachOthersTokensAreNoticed: at this provider each login ends the tokens before
// it.
func TestWorkersThatEndEachOthersTokensAreNoticed(t *testing.T) {
	t.Parallel()
	var newest int
	login := func(context.Context, auth.Token) (auth.Token, error) {
		newest++
		return auth.Token{Value: providers.Secret(strconv.Itoa(newest))}, nil
	}
	var noticed [2]int
	var workers [2]*auth.Source
	for i := range workers {
		var c contention
		workers[i] = auth.New(auth.Options{Account: "p/default", Login: login, Renewed: func(reason string) {
			if c.record(reason, time.Now()) {
				noticed[i]++
			}
		}})
	}
	for n := range 12 {
		w := workers[n%2]
		token, err := w.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if token.Value != providers.Secret(strconv.Itoa(newest)) {
			w.Reject(token)
			if _, err := w.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if noticed[0] == 0 || noticed[1] == 0 {
		t.Errorf("noticed %v", noticed)
	}
}
