// Package chart draws small charts as SVG, on the server and without a script. It knows no payment.
//
// A chart has a title that a screen reader reads; whoever shows it puts a table with the same
// numbers beside it. Colours come from the page's style sheet, by the classes s0, s1 and so on, so
// that they follow its dark mode.
package chart

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// Series is one row of numbers, one for each label. NaN is a gap.
type Series struct {
	Name   string
	Values []float64
}

// Chart is what is drawn. Its zero value is an empty chart.
type Chart struct {
	// ID is the chart's on its page: the title's element is named after it.
	ID    string
	Title string
	// Labels stand below, as many as there is room for.
	Labels []string
	Series []Series
	// Top is the end of the axis; by default it is a round number not below any value.
	Top float64
	// Format writes a value; by default as a whole number.
	Format func(float64) string
}

// The picture's measures, in units of its view box.
const (
	width, height             = 640, 220
	left, right, above, below = 64, 8, 8, 26
	mostLabels                = 8
	ticks                     = 4
)

// Empty reports whether there is no number but zeros and gaps.
func (c Chart) Empty() bool {
	for _, s := range c.Series {
		for _, v := range s.Values {
			if v != 0 && !math.IsNaN(v) {
				return false
			}
		}
	}
	return true
}

// Bars draws the series upon one another, a bar for each label. Values below zero are drawn as
// zero.
func (c Chart) Bars() template.HTML {
	sums := make([]float64, len(c.Labels))
	for _, s := range c.Series {
		for i, v := range s.Values {
			sums[i] += positive(v)
		}
	}
	p := c.begin(sums)
	base := make([]float64, len(c.Labels))
	for n, s := range c.Series {
		for i, v := range s.Values {
			if v = positive(v); v == 0 {
				continue
			}
			bottom, top := p.y(base[i]), p.y(base[i]+v)
			base[i] += v
			gap := p.step * 0.12
			fmt.Fprintf(&p.out, `<rect class="s%d" x="%s" y="%s" width="%s" height="%s"><title>%s</title></rect>`, n,
				number(p.x(i)+gap), number(top), number(p.step-2*gap), number(bottom-top), p.name(c.Labels[i], s.Name, v))
		}
	}
	return p.end()
}

// Lines draws a line for each series, broken at gaps, with a point at each value.
func (c Chart) Lines() template.HTML {
	var all []float64
	for _, s := range c.Series {
		all = append(all, s.Values...)
	}
	p := c.begin(all)
	for n, s := range c.Series {
		var line []string
		for i, v := range s.Values {
			if math.IsNaN(v) {
				p.line(n, line)
				line = nil
				continue
			}
			line = append(line, number(p.middle(i))+","+number(p.y(v)))
			fmt.Fprintf(&p.out, `<circle class="s%d" cx="%s" cy="%s" r="2.5"><title>%s</title></circle>`, n, number(p.middle(i)), number(p.y(v)),
				p.name(c.Labels[i], s.Name, v))
		}
		p.line(n, line)
	}
	return p.end()
}

func positive(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return max(0, v)
}

// picture is a chart that is being drawn.
type picture struct {
	Chart
	top, step float64
	out       strings.Builder
}

// begin draws the title, the axis and the labels.
func (c Chart) begin(values []float64) *picture {
	if c.Format == nil {
		c.Format = func(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }
	}
	p := &picture{Chart: c, top: c.Top, step: float64(width-left-right) / float64(max(1, len(c.Labels)))}
	if p.top <= 0 {
		p.top = round(values)
	}
	id := template.HTMLEscapeString(c.ID)
	fmt.Fprintf(&p.out, `<svg class="chart" role="img" aria-labelledby="%s-title" viewBox="0 0 %d %d"><title id="%s-title">%s</title>`,
		id, width, height, id, template.HTMLEscapeString(c.Title))
	for i := range ticks + 1 {
		v := p.top * float64(i) / ticks
		fmt.Fprintf(&p.out, `<line class="grid" x1="%d" x2="%d" y1="%s" y2="%s"/><text class="axis" x="%d" y="%s" text-anchor="end">%s</text>`,
			left, width-right, number(p.y(v)), number(p.y(v)), left-6, number(p.y(v)+4), template.HTMLEscapeString(c.Format(v)))
	}
	every := (len(c.Labels) + mostLabels - 1) / mostLabels
	for i := 0; i < len(c.Labels); i += every {
		fmt.Fprintf(&p.out, `<text class="axis" x="%s" y="%d" text-anchor="middle">%s</text>`, number(p.middle(i)), height-8,
			template.HTMLEscapeString(c.Labels[i]))
	}
	return p
}

func (p *picture) end() template.HTML {
	p.out.WriteString("</svg>")
	return template.HTML(p.out.String()) // #nosec G203 -- every text in it is escaped
}

func (p *picture) x(i int) float64      { return left + float64(i)*p.step }
func (p *picture) middle(i int) float64 { return p.x(i) + p.step/2 }

func (p *picture) y(v float64) float64 {
	return height - below - (height-above-below)*min(max(0, v), p.top)/p.top
}

// line draws a line through some points; a single one stays a point.
func (p *picture) line(series int, points []string) {
	if len(points) > 1 {
		fmt.Fprintf(&p.out, `<polyline class="s%d" points="%s"/>`, series, strings.Join(points, " "))
	}
}

// name is what a pointer that rests on a value is shown.
func (p *picture) name(label, series string, v float64) string {
	return template.HTMLEscapeString(label + ", " + series + ": " + p.Format(v))
}

// round is the axis' end: 4, 8, 20, 40 or 80 with zeros behind it, so that its quarters are whole.
func round(values []float64) float64 {
	most := 0.0
	for _, v := range values {
		most = max(most, positive(v))
	}
	for unit := 1.0; ; unit *= 10 {
		for _, step := range []float64{4, 8, 20} {
			if top := step * unit; most <= top {
				return top
			}
		}
	}
}

func number(v float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
}
