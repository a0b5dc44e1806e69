package wire

import (
	"errors"
	"testing"
)

func TestTheFirstWrongSettingIsNamed(t *testing.T) {
	t.Parallel()
	err := CheckSettings("REMESA_X_", []Setting{{"URL", nil}, {"KEY", CheckPrintable("canary\n")}, {"USER", errors.New("later")}})
	if err == nil || err.Error() != "REMESA_X_KEY: must be set, in printable ASCII without blanks" {
		t.Errorf("got %v", err)
	}
	if err := CheckSettings("REMESA_X_", []Setting{{"URL", nil}}); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestWhatAValueMustBe(t *testing.T) {
	t.Parallel()
	for value, want := range map[string][2]bool{"": {false, false}, "a": {true, true}, "a b": {true, false}, "ñ": {true, false}, "~!": {true, true}, "a\n": {true, false}} {
		if (CheckSet(value) == nil) != want[0] || (CheckPrintable(value) == nil) != want[1] || Printable(value) != want[1] {
			t.Errorf("%q: set %v, printable %v", value, CheckSet(value), CheckPrintable(value))
		}
	}
}
