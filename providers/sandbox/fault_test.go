package sandbox

import (
	"testing"
)

func TestANameTwiceStandsInEveryObject(t *testing.T) {
	t.Parallel()
	got := string(repeated([]byte(`[{"a\"":{"b":[{"c":1}]},"d":{}},7]`)))
	if want := `[{"a\"":null,"a\"":{"b":null,"b":[{"c":null,"c":1}]},"d":{}},7]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestEveryFaultIsTested(t *testing.T) {
	t.Parallel()
	if n := len(Kinds()); n != 34 {
		t.Errorf("%d kinds of faults: give each new one a row in TestFaults of package virtualpos", n)
	}
}
