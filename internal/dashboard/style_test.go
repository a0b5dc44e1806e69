package dashboard

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestTextCanBeReadInBothSchemes measures the contrast of each text on its ground, as WCAG does;
// 4.5 is what it asks for.
func TestTextCanBeReadInBothSchemes(t *testing.T) {
	css, err := staticFiles.ReadFile("static/style.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, found := strings.Cut(string(css), "prefers-color-scheme: dark")
	if !found {
		t.Fatal("there is no dark scheme")
	}
	for name, scheme := range map[string]map[string]string{"light": colours(light), "dark": colours(dark)} {
		for _, pair := range [][2]string{
			{"text", "ground"}, {"quiet", "ground"}, {"link", "ground"}, {"ground", "link"}, {"text", "panel"}, {"quiet", "panel"},
			{"warn", "warnground"}, {"good", "goodground"},
		} {
			if c := contrast(t, scheme[pair[0]], scheme[pair[1]]); c < 6 {
				t.Errorf("%s: %s on %s has a contrast of %.1f", name, pair[0], pair[1], c)
			}
		}
	}
}

func colours(css string) map[string]string {
	all := map[string]string{}
	for _, m := range regexp.MustCompile(`--([a-z]+): #([0-9a-f]{3,6});`).FindAllStringSubmatch(css, -1) {
		if len(m[2]) == 3 {
			m[2] = strings.Repeat(m[2][:1], 2) + strings.Repeat(m[2][1:2], 2) + strings.Repeat(m[2][2:], 2)
		}
		all[m[1]] = m[2]
	}
	return all
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	la, lb := luminance(t, a), luminance(t, b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint((colour + "      ")[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatalf("%q is no colour", colour)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
