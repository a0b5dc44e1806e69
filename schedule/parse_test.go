package schedule

import (
	"strings"
	"testing"
	"time"
)

const secretText = "not-to-be-repeated"

func TestDates(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"2026-08-31", "2028-02-29", "0001-01-01", "9999-12-31"} {
		if got, err := ParseDate(text); err != nil || got.String() != text || got.IsZero() {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "2026-01-32", "2026-02-29", "2026-13-01", "2026-00-10", "2026-1-1", "0000-01-01", "2026-01-01T00:00:00Z", " 2026-01-01", "20260101", secretText} {
		mustRefuse(t, text, func(text string) error { _, err := ParseDate(text); return err })
	}
}

func mustRefuse(t *testing.T, text string, parse func(string) error) {
	t.Helper()
	if err := parse(text); err == nil {
		t.Errorf("%q: accepted", text)
	} else if strings.Contains(err.Error(), secretText) {
		t.Errorf("the error repeats the text: %s", err)
	}
}

func TestDatesAreOrdered(t *testing.T) {
	t.Parallel()
	ordered := []string{"2025-12-31", "2026-01-01", "2026-01-02", "2026-02-01", "2027-01-01"}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := mustDate(t, a).Compare(mustDate(t, b)); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("%s compared to %s: %d", a, b, got)
			}
			if got := mustDate(t, a).Before(mustDate(t, b)); got != (i < j) {
				t.Errorf("%s before %s: %t", a, b, got)
			}
		}
	}
	if !(Date{}).IsZero() {
		t.Error("the zero date is a date")
	}
}

func TestTimesOfDay(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"00:00", "09:00", "23:59"} {
		if got, err := ParseTimeOfDay(text); err != nil || got.String() != text {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "9:00", "24:00", "23:60", "09:00:00", "09.00", "0900", "-1:00", " 09:00", secretText} {
		mustRefuse(t, text, func(text string) error { _, err := ParseTimeOfDay(text); return err })
	}
}

func TestDurationsTakeDays(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"35d": 35 * 24 * time.Hour, "1d12h": 36 * time.Hour, "1h30m": 90 * time.Minute, "0s": 0, "250ms": 250 * time.Millisecond, "0d": 0,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "5", "d", "-1d", "-5s", "1.5d", "99999d", "1d-2h", "5 m", "1h2d", "65535d2000000h", secretText} {
		mustRefuse(t, text, func(text string) error { _, err := ParseDuration(text); return err })
	}
}

func TestZones(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"UTC", "Etc/GMT+3", "America/Port-au-Prince", "America/Argentina/Buenos_Aires", "Pacific/Easter"} {
		got, err := LoadZone(name)
		if err != nil || got.String() != name {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if again, err := LoadZone(name); again != got || err != nil {
			t.Errorf("%s: another pointer, %v", name, err)
		}
	}
	for _, name := range []string{
		"", "Local", "Factory", "localtime", "posixrules", "right/America/Bogota", "posix/America/Bogota", "america/bogota", "America", "America/",
		"/usr/share/zoneinfo/America/Bogota", "../America/Bogota", "America/../America/Bogota", "America/Atlantis", "-05:00", "zone.tab", secretText,
	} {
		mustRefuse(t, name, func(name string) error { _, err := LoadZone(name); return err })
	}
}
