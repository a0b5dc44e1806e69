package browsertest

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/remesa/remesa/internal/eventually"
)

// testTimeout bounds a walk through the pages, and waiting for one of them, on a machine that has
// much else to do.
const testTimeout = 3 * time.Minute

// findBrowser skips the test where there is none, except where there must be one: `make test`
// installs it on Debian as root.
func findBrowser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
		"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const none = "there is no Chromium on the PATH, and scripts/need-chromium.sh could not install one"
	if _, err := os.Stat("/etc/debian_version"); err == nil && os.Geteuid() == 0 && os.Getenv("CI") != "" {
		t.Fatal(none)
	}
	t.Skip(none)
	return ""
}

// screen is a browser's window; its name ends the names of pictures.
type screen struct {
	name          string
	width, height int64
	phone         bool
	// language is what the browser asks for, dark whether it asks for the dark scheme.
	language string
	dark     bool
}

var (
	desktop        = screen{name: "", width: 1280, height: 900, language: "en-US,en"}
	phone          = screen{name: "-phone", width: 360, height: 780, phone: true, language: "en-US,en", dark: true}
	desktopSpanish = screen{name: "-es", width: 1280, height: 900, language: "es-CL,es", dark: true}
	phoneSpanish   = screen{name: "-phone-es", width: 360, height: 780, phone: true, language: "es-CL,es"}
)

// visitor is an operator with a browser, and what the browser complained about.
type visitor struct {
	t    *testing.T
	ctx  context.Context
	demo *demo
	name string

	mu    sync.Mutex
	wrong []string
}

// visit opens a browser that knows the login.
func visit(t *testing.T, d *demo, s screen) *visitor {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(findBrowser(t)),
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(int(s.width), int(s.height)), chromedp.Flag("accept-lang", s.language))
	if s.dark {
		options = append(options, chromedp.Flag("blink-settings", "preferredColorScheme=0"))
	}
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox refuses to run as root
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	v := &visitor{t: t, demo: d, name: s.name}
	v.ctx, cancel = chromedp.NewContext(ctx, chromedp.WithListener(v.recordComplaints))
	t.Cleanup(cancel)
	v.do("open the browser", chromedp.Func(func(context.Context, *chromedp.Target) error { return nil }))
	v.ctx, cancel = context.WithTimeout(v.ctx, testTimeout)
	t.Cleanup(cancel)
	var emulate []chromedp.EmulateViewportOption
	if s.phone {
		emulate = append(emulate, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	v.do("prepare the browser", chromedp.EmulateViewport(s.width, s.height, emulate...), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, cdplog.Enable, cdp.Empty{})
		return err
	}))
	// The browser keeps the login of this address for every later page; a page whose own address
	// holds it may not fetch anything.
	v.do("log in", chromedp.Navigate(strings.Replace(d.url, "://", "://"+d.user+":"+d.password+"@", 1)+"/payments/icon.svg"))
	return v
}

// recordComplaints keeps what the browser complains about: scripts that fail, files that do not
// come, anything that the policy forbids.
func (v *visitor) recordComplaints(event any) {
	text := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text = "exception: " + e.ExceptionDetails.Text
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			text = "console: "
			for _, a := range e.Args {
				text += string(a.Value) + a.Description + " "
			}
		}
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.EntryLevelError || e.Entry.Source == cdplog.EntrySourceSecurity {
			text = "log: " + e.Entry.Text + " " + e.Entry.URL
		}
	}
	if text != "" {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.wrong = append(v.wrong, text)
	}
}

func (v *visitor) complaints() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.wrong)
}

func (v *visitor) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	if err := chromedp.Do(v.ctx, actions...); err != nil {
		v.t.Fatalf("%s: %v; the browser says %q", what, err, v.complaints())
	}
}

// value is what an expression comes to on the page.
func value[T any](v *visitor, expression string) T {
	v.t.Helper()
	got, err := chromedp.Run(v.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		v.t.Fatalf("%s: %v; the browser says %q", expression, err, v.complaints())
	}
	return got
}

// until waits for an expression to come true on the page, whatever page comes in between.
func (v *visitor) until(expression string) {
	v.t.Helper()
	eventually.NoError(v.t, testTimeout/2, func() error {
		got, err := chromedp.Run(v.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if err == nil && got {
			return nil
		}
		return vain(func() string {
			return fmt.Sprintf("waited in vain for %s (%v); the page shows:\n%s\nthe browser says %q", expression, err, v.text(), v.complaints())
		})
	})
}

// vain describes what did not come about. It queries the browser only when the text is needed.
type vain func() string

// Error implements error.
func (v vain) Error() string { return v() }

func (v *visitor) open(path string) {
	v.t.Helper()
	v.do("open "+path, chromedp.Navigate(v.demo.url+path))
}

// text is what the page shows.
func (v *visitor) text() string {
	v.t.Helper()
	return value[string](v, `document.body.innerText`)
}

// see waits until the page shows all of these.
func (v *visitor) see(texts ...string) {
	v.t.Helper()
	for _, want := range texts {
		v.until(fmt.Sprintf(`document.body && document.body.innerText.includes(%q)`, want))
	}
}

// follow clicks, and waits for the page that comes.
func (v *visitor) follow(selector string) {
	v.t.Helper()
	value[string](v, `document.body.dataset.old = "yes"`)
	v.do("follow "+selector, chromedp.Click(chromedp.CSS(selector)))
	v.until(`document.readyState == "complete" && document.body && !document.body.dataset.old`)
}

// fitsTheScreen checks that nothing must be scrolled sideways but what is made for it.
func (v *visitor) fitsTheScreen() {
	v.t.Helper()
	if over := value[int](v, `document.documentElement.scrollWidth - window.innerWidth`); over > 0 {
		v.t.Errorf("the page is %d pixels wider than the screen", over)
	}
}

// pictures are those that docs/dashboard.md and the README show.
var pictures = []string{"payments", "confirm", "payment-phone", "queues", "bulk", "bulk-phone-es"}

// picture keeps a screenshot where REMESA_TEST_SCREENSHOTS names a folder:
// REMESA_TEST_SCREENSHOTS=$PWD/docs/img makes them anew.
func (v *visitor) picture(name string) {
	v.t.Helper()
	folder := os.Getenv("REMESA_TEST_SCREENSHOTS")
	if name += v.name; folder == "" || !slices.Contains(pictures, name) {
		return
	}
	shot, err := chromedp.Run(v.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		shot, err = inFewColours(shot)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), shot, 0o644)
	}
	if err != nil {
		v.t.Fatal(err)
	}
}

// inFewColours makes a picture a third as large: its pages have few colours, and text in shades of
// them, of which the most frequent do.
func inFewColours(shot []byte) ([]byte, error) {
	const most = 64
	full, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return nil, err
	}
	b, count := full.Bounds(), map[color.Color]int{}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			count[full.At(x, y)]++
		}
	}
	palette := slices.SortedFunc(maps.Keys(count), func(a, b color.Color) int { return count[b] - count[a] })
	few := image.NewPaletted(b, palette[:min(most, len(palette))])
	draw.Draw(few, b, full, b.Min, draw.Src)
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, few)
	return out.Bytes(), err
}
