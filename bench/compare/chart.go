package main

import (
	"fmt"
	"html"
	"slices"
	"strings"
)

// The chart's measures, in pixels.
const (
	chartWidth = 900
	labelWidth = 300
	barHeight  = 14
	rowHeight  = 44
	headHeight = 64
)

// colours of the modes: told apart by those who see no colours, too.
var colours = map[string]string{everysec: "#9ecae1", always: "#08519c"}

// chart draws payouts a second: a bar for each contender and mode, a line from the least to the
// most.
func (b *bench) chart() string {
	rate := func(c contender, mode string) []float64 {
		return b.results.values[key{partThroughput, mode, c.name, rowRate}]
	}
	var rows []contender
	most := 1.0
	for _, c := range b.contenders {
		if len(rate(c, b.modes[0])) == 0 {
			continue
		}
		rows = append(rows, c)
		for _, mode := range b.modes {
			most = max(most, slices.Max(rate(c, mode)))
		}
	}
	height := headHeight + rowHeight*len(rows) + 12
	scale := float64(chartWidth-labelWidth-90) / most
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" font-family="sans-serif" font-size="13">`+"\n",
		chartWidth, height, chartWidth, height)
	fmt.Fprintf(&s, "<title>Payouts a second of remesa and its peers</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n")
	fmt.Fprintf(&s, `<text x="12" y="22" font-size="16">Payouts a second, %d in flight: median of %d; the line is from the least to the most</text>`+"\n", b.inFlight, b.reps)
	for i, mode := range b.modes {
		x := 12 + i*430
		fmt.Fprintf(&s, `<rect x="%d" y="36" width="12" height="12" fill="%s"/><text x="%d" y="47">%s</text>`+"\n", x, colours[mode], x+18, html.EscapeString(storeMode(mode)))
	}
	for i, c := range rows {
		y := headHeight + i*rowHeight
		fmt.Fprintf(&s, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", labelWidth-10, y+21, html.EscapeString(strings.ReplaceAll(c.title, "*", "")))
		for j, mode := range b.modes {
			b.bar(&s, rate(c, mode), float64(y+4+j*(barHeight+2)), scale, colours[mode])
		}
	}
	return s.String() + "</svg>\n"
}

func (b *bench) bar(s *strings.Builder, values []float64, y, scale float64, colour string) {
	v, ok := median(values)
	if !ok {
		return
	}
	low, high := labelWidth+slices.Min(values)*scale, labelWidth+slices.Max(values)*scale
	fmt.Fprintf(s, `<rect x="%d" y="%.0f" width="%.1f" height="%d" fill="%s"/>`, labelWidth, y, v*scale, barHeight, colour)
	fmt.Fprintf(s, `<path d="M%.1f %.0fH%.1f" stroke="#333" stroke-width="2"/>`, low, y+barHeight/2, high)
	fmt.Fprintf(s, `<text x="%.1f" y="%.0f" font-size="12">%.0f</text>`+"\n", max(high, labelWidth+v*scale)+8, y+barHeight-3, v)
}
