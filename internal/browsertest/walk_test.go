package browsertest

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestAStrangerSettlesAPayment does what docs/dashboard.md says, with nothing but what the demo
// prints.
func TestAStrangerSettlesAPayment(t *testing.T) {
	findBrowser(t)
	d := startDemo(t)
	for _, row := range []struct {
		screen
		key, choice, button, state string
	}{
		{desktop, "virtualpos/demo-held", "not-received", "Yes, it was never received", "Failed"},
		{phone, "pagoseguro/demo-unanswered", "succeeded", "Yes, it was paid", "Succeeded"},
	} {
		t.Run("settle"+row.name, func(t *testing.T) {
			v := visit(t, d, row.screen)
			v.open("/payments")
			v.see("Held", row.key)
			v.fitsTheScreen()
			v.picture("payments")
			v.follow(`a[href*="` + strings.ReplaceAll(row.key, "/", "%2F") + `"]`)
			v.see(row.key, "Held", "History", "Settle this payment", "12,500")
			v.fitsTheScreen()
			v.picture("payment")
			v.do("fill in the form", chromedp.Click(chromedp.CSS(`input[value="`+row.choice+`"]`)),
				chromedp.SendKeys(chromedp.CSS(`input[name="by"]`), "Ana"), chromedp.SendKeys(chromedp.CSS(`input[name="note"]`), "support, ticket 4711"))
			v.follow(`form.step button`)
			_, reference, _ := strings.Cut(row.key, "/")
			v.see("12,500", reference, "Ana", "support, ticket 4711", row.button)
			v.fitsTheScreen()
			v.picture("confirm")
			v.follow(`form.step button`)
			v.see("The payment was settled.", row.state, "by Ana (login demo, 127.0.0.1): support, ticket 4711")
			v.fitsTheScreen()
			v.picture("settled")
			v.open("/payments")
			if strings.Contains(v.text(), row.key) {
				t.Error("it is still in the list")
			}
			if wrong := v.complaints(); len(wrong) > 0 {
				t.Errorf("the browser complains: %q", wrong)
			}
		})
	}
	t.Run("queues", func(t *testing.T) { theQueuesAreShown(t, d) })
	t.Run("keyboard", func(t *testing.T) { theKeyboardIsEnough(t, d) })
}

// theQueuesAreShown opens each page of asynqmon: its script runs under our policy, and nothing is
// asked of another host.
func theQueuesAreShown(t *testing.T, d *demo) {
	v := visit(t, d, desktop)
	v.open("/dashboard/")
	v.see("virtualpos", "virtualpos-ask", "etpay", "Processed")
	v.picture("queues")
	v.open("/dashboard/queues/virtualpos?status=pending")
	v.see("virtualpos", "Pending")
	v.open("/dashboard/servers")
	v.see("Servers")
	v.open("/dashboard/redis")
	v.see("Redis Info")
	if !value[bool](v, `getComputedStyle(document.querySelector("header")).display == "flex"`) {
		t.Error("the page has no styles")
	}
	elsewhere := value[[]string](v,
		`performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith(location.origin) && !n.startsWith("data:"))`)
	if len(elsewhere) > 0 {
		t.Errorf("loaded from elsewhere: %q", elsewhere)
	}
	if wrong := v.complaints(); len(wrong) > 0 {
		t.Errorf("the browser complains: %q", wrong)
	}
}

// theKeyboardIsEnough finds a payment without a mouse; where the focus is can be seen.
func theKeyboardIsEnough(t *testing.T, d *demo) {
	v := visit(t, d, desktop)
	v.open("/payments")
	var visited []string
	for range 10 {
		v.do("press Tab", chromedp.KeyEvent(kb.Tab))
		at := value[struct{ Name, Outline string }](v,
			`(e => ({Name: e.textContent.trim() || e.name, Outline: getComputedStyle(e).outlineStyle}))(document.activeElement)`)
		visited = append(visited, at.Name)
		if at.Outline == "none" {
			t.Errorf("the focus on %q cannot be seen", at.Name)
		}
	}
	if want := []string{"Skip to the content", "remesa", "Payments", "Lists", "Groups", "Subscriptions", "Rejected", "Halts", "Queues", "key"}; !slices.Equal(visited, want) {
		t.Errorf("Tab leads through %q", visited)
	}
	v.do("type a key", chromedp.KeyEvent("virtualpos/demo-paid"+kb.Enter))
	v.see("virtualpos/demo-paid", "Succeeded", "History")
}
