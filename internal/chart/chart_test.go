package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

// elements counts the elements of a picture by name and class; the picture must be well-formed.
func elements(t *testing.T, svg string) map[string]int {
	t.Helper()
	found := map[string]int{}
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatalf("%v in %s", err, svg)
		}
		if e, ok := token.(xml.StartElement); ok {
			name := e.Name.Local
			for _, a := range e.Attr {
				if a.Name.Local == "class" {
					name += "." + a.Value
				}
				if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
					t.Errorf("%s of %s is %s", a.Name.Local, name, a.Value)
				}
			}
			found[name]++
		}
	}
}

func TestBarsStandUponOneAnother(t *testing.T) {
	t.Parallel()
	c := Chart{ID: "days", Title: "By day", Labels: []string{"Mon", "Tue"}, Series: []Series{{"paid", []float64{3, 0}}, {"failed", []float64{1, -7}}}}
	svg := string(c.Bars())
	found := elements(t, svg)
	if found["rect.s0"] != 1 || found["rect.s1"] != 1 || found["line.grid"] != 5 {
		t.Errorf("%v", found)
	}
	// The axis ends at 4, which is 186 units high: 3 are 139.5, and 1 stands on them.
	for _, want := range []string{`role="img" aria-labelledby="days-title"`, `<title id="days-title">By day</title>`, `y="54.5"`, `height="139.5"`,
		`y="8" width`, `height="46.5"`, "<title>Mon, paid: 3</title>", ">4</text>", ">Tue</text>"} {
		if !strings.Contains(svg, want) {
			t.Errorf("it lacks %s: %s", want, svg)
		}
	}
}

func TestLinesAreBrokenAtGaps(t *testing.T) {
	t.Parallel()
	c := Chart{Labels: []string{"a", "b", "c", "d", "e"}, Top: 1, Series: []Series{{"rate", []float64{1, .5, math.NaN(), .75, math.NaN()}}}}
	found := elements(t, string(c.Lines()))
	if found["circle.s0"] != 3 || found["polyline.s0"] != 1 {
		t.Errorf("%v", found)
	}
}

func TestTextsCannotBreakOut(t *testing.T) {
	t.Parallel()
	const markup = `"><script>alert(1)</script>`
	c := Chart{ID: markup, Title: markup, Labels: []string{markup}, Series: []Series{{markup, []float64{1}}}, Format: func(float64) string { return markup }}
	for _, svg := range []string{string(c.Bars()), string(c.Lines())} {
		if found := elements(t, svg); found["script"] != 0 || strings.Contains(svg, "<script") {
			t.Error(svg)
		}
	}
}

func TestAnEmptyChartIsDrawnToo(t *testing.T) {
	t.Parallel()
	for _, c := range []Chart{{}, {Labels: []string{"a"}, Series: []Series{{"x", []float64{math.NaN()}}}}} {
		if !c.Empty() || elements(t, string(c.Bars()))["svg.chart"] != 1 || elements(t, string(c.Lines()))["svg.chart"] != 1 {
			t.Errorf("%+v", c)
		}
	}
	if (Chart{Series: []Series{{"x", []float64{0, 2}}}}).Empty() {
		t.Error("it is not empty")
	}
}

func TestTheAxisEndsAtARoundNumber(t *testing.T) {
	t.Parallel()
	for most, want := range map[float64]float64{0: 4, 3: 4, 4: 4, 5: 8, 9: 20, 21: 40, 41: 80, 81: 200, 999_999: 2_000_000} {
		if got := round([]float64{0, most, math.NaN()}); got != want {
			t.Errorf("%v: %v, want %v", most, got, want)
		}
	}
}

func TestNotMoreLabelsThanThereIsRoomFor(t *testing.T) {
	t.Parallel()
	c := Chart{Labels: strings.Split(strings.Repeat("x ", 30), " ")[:30], Series: []Series{{"n", make([]float64, 30)}}}
	if n := elements(t, string(c.Bars()))["text.axis"] - ticks - 1; n != 8 {
		t.Errorf("%d labels", n)
	}
}
