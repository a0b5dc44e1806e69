package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/remesa/remesa/internal/i18n"
)

// progress draws how far a file is, on a terminal; anywhere else it draws nothing.
type progress struct {
	text  i18n.Locale
	out   io.Writer // nil: no terminal
	read  *countingReader
	size  int64 // 0 where it is unknown
	last  time.Time
	drawn bool
	// first is when the first lines were done, firstLines and firstRead how many lines and bytes
	// that were.
	first                 time.Time
	firstLines, firstRead int64
}

func newProgress(text i18n.Locale, f *os.File, read *countingReader, size int64) *progress {
	p := &progress{text: text, read: read, size: size}
	if isatty.IsTerminal(f.Fd()) {
		p.out = f
	}
	return p
}

const (
	redraw   = 100 * time.Millisecond
	barWidth = 30
)

// clear takes the bar away, so that result lines on the same terminal stay whole.
func (p *progress) clear() {
	if p.drawn {
		_, _ = fmt.Fprint(p.out, "\r\x1b[K")
		p.drawn = false
	}
}

func (p *progress) draw(lines int, now time.Time) {
	if p.out == nil || now.Sub(p.last) < redraw {
		return
	}
	p.last, p.drawn = now, true
	if p.first.IsZero() {
		p.first, p.firstLines, p.firstRead = now, int64(lines), p.read.n.Load()
	}
	_, _ = fmt.Fprintf(p.out, "\r\x1b[K%s%s%s", p.bar(), p.text.CLI.Submit.Lines(countOf(p.text, lines)), p.pace(int64(lines), now))
}

// pace is how many lines a second there were so far, and how long the rest of the file will take at
// this rate.
func (p *progress) pace(lines int64, now time.Time) string {
	took := now.Sub(p.first).Seconds()
	if took < 1 {
		return "" // too short to say
	}
	text := ", " + p.text.CLI.Submit.Pace(countOf(p.text, int(math.Round(float64(lines-p.firstLines)/took))))
	read := p.read.n.Load()
	if p.size <= 0 || read == p.firstRead {
		return text
	}
	left := time.Duration(float64(p.size-read) * took / float64(read-p.firstRead) * float64(time.Second))
	return text + ", " + p.text.CLI.Submit.Left(max(left, 0).Round(time.Second).String())
}

func (p *progress) bar() string {
	if p.size <= 0 {
		return ""
	}
	share := min(float64(p.read.n.Load())/float64(p.size), 1)
	full := int(share * barWidth)
	return fmt.Sprintf("[%s%s] %3.0f %%  ", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), 100*share)
}

// countingReader counts what was read; the count may be read meanwhile.
type countingReader struct {
	io.Reader
	n atomic.Int64
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n.Add(int64(n))
	return n, err
}
