package cents

import "testing"

func TestAmountsAreExact(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ text, want string }{
		{"12500", "12500"}, {"149.50", "149.50"}, {"149.5", "149.50"}, {"0.01", "0.01"}, {"-0.01", "-0.01"}, {"-149.00", "-149"}, {"0", "0"},
		{"10.0000", "10"}, {"9999999999999.99", "9999999999999.99"},
		{"", ""}, {"1.", ""}, {".5", ""}, {"1.005", ""}, {"1,5", ""}, {"1e3", ""}, {"--1", ""}, {"+1", ""}, {" 1", ""}, {"99999999999999", ""},
	} {
		a, err := Parse(row.text)
		if (err == nil) != (row.want != "") || err == nil && a.String() != row.want {
			t.Errorf("%q: %s, %v, want %q", row.text, a, err, row.want)
		}
	}
}

func TestASumOutgrowsAnAmount(t *testing.T) {
	t.Parallel()
	var s Sum
	if s.String() != "0" {
		t.Error(s)
	}
	largest, err := Parse("9999999999999.99")
	if err != nil {
		t.Fatal(err)
	}
	for range 100_000 {
		s.Add(largest)
	}
	if want := "999999999999999000"; s.String() != want {
		t.Errorf("%s, want %s", s, want)
	}
}
