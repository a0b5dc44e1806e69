package dashboard

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/remesa/remesa/idempotency"
)

// inOrder are the references in the rows of a list.
func inOrder(html string) []string {
	var got []string
	for _, m := range regexp.MustCompile(`<th scope="row"><a href="[^"]*">[^<]*/([^</]+)</a>`).FindAllStringSubmatch(html, -1) {
		got = append(got, m[1])
	}
	return got
}

// Amounts are numbers, not texts; those of two currencies are not compared.
func TestAListIsOrderedByAmount(t *testing.T) {
	d := &fakeLedger{}
	add := func(provider, reference, amount, currency string) {
		r := record(provider, reference, idempotency.Held)
		r.Amount, r.Currency = amount, currency
		d.records = append(d.records, r)
	}
	add("virtualpos", "a", "9000", "CLP")
	add("virtualpos", "b", "12500", "CLP")
	add("coordinador", "c", "9000.00", "CLP")
	add("virtualpos", "d", "no number", "CLP")
	add("pagandocheck", "e", "149.50", "MXN")
	add("pagandocheck", "f", "1000", "MXN")
	for order, want := range map[string]string{"largest": "b c a d f e", "smallest": "d c a b e f", "largest&reference=a": "a"} {
		_, html := view(t, d, "/payments/list?sort="+order)
		if got := strings.Join(inOrder(html), " "); got != want {
			t.Errorf("%s first: %s, want %s", order, got, want)
		}
		name, _, _ := strings.Cut(order, "&")
		if !strings.Contains(html, `<option value="`+name+`" selected>`) || strings.Contains(html, `<option value="oldest" selected>`) {
			t.Error("the page does not say how it is ordered")
		}
	}
}

// The pages of a list by amount have each payment once, also where many have one amount.
func TestAListByAmountHasPages(t *testing.T) {
	d := &fakeLedger{}
	for n := range 2*listRows + 7 {
		r := record("virtualpos", fmt.Sprintf("p-%03d", n), idempotency.Held)
		r.Amount = fmt.Sprint(1000 + n%3)
		d.records = append(d.records, r)
	}
	_, html := view(t, d, "/payments/list?sort=largest")
	got := inOrder(html)
	for pages := 1; strings.Contains(html, `rel="next"`); pages++ {
		_, html = view(t, d, nextPage(t, html))
		if got = append(got, inOrder(html)...); pages > 2 {
			t.Fatal("the pages do not end")
		}
	}
	want := slices.Clone(d.records)
	slices.SortStableFunc(want, func(a, b idempotency.Record) int { return strings.Compare(b.Amount, a.Amount) })
	for i, r := range want {
		if len(got) != len(want) || got[i] != r.Key.Reference {
			t.Fatalf("%d listed; at %d not %s: %v", len(got), i, r.Key.Reference, got)
		}
	}
}

// A page costs the same at a million payments: a list that is too long is not sorted, and says so.
func TestAListThatIsTooLongIsNotSortedAndSaysSo(t *testing.T) {
	d := &countingLedger{fakeLedger: &fakeLedger{}}
	for n := range sortReads + 1 {
		r := record("virtualpos", fmt.Sprintf("p-%05d", n), idempotency.Held)
		r.Amount = fmt.Sprint(1000 + n)
		d.records = append(d.records, r)
	}
	d.records = append(d.records, record("etpay", "few", idempotency.Held))
	o := options(t)
	o.Ledger = d
	h := New(o)
	for address, says := range map[string]bool{
		"sort=largest": true, "sort=largest&reference=p-00001": true, "sort=largest&from=2026-05-01": true,
		"sort=largest&provider=etpay": false, "sort=oldest": false, "sort=largest&state=failed": false,
	} {
		d.read = 0
		html := ask(t, h, get("/payments/list?"+address)).Body.String()
		if strings.Contains(visible(html), "Not ordered by amount: that can be done with at most 5,000 payments") != says {
			t.Errorf("%s: %s", address, visible(html))
		}
		if strings.Contains(address, "from") {
			continue // what dates leave must be read
		}
		if d.read > listReads+listChunk+largestChunk {
			t.Errorf("%s reads %d payments", address, d.read)
		}
	}
	html := ask(t, h, get("/payments/list?sort=largest")).Body.String()
	if got := inOrder(html); len(got) != listRows || got[0] != "few" && got[0] != "p-00000" {
		t.Errorf("it is not ordered by time: %v", got)
	}
	if next := ask(t, h, get(nextPage(t, html))).Body.String(); len(inOrder(next)) != listRows || inOrder(next)[0] <= "p-00040" {
		t.Errorf("its second page: %v", inOrder(next))
	}
	d.records = d.records[:sortReads]
	html = ask(t, h, get("/payments/list?sort=largest")).Body.String()
	if got := inOrder(html); got[0] != "p-04999" {
		t.Errorf("the longest list that is sorted begins with %s", got[0])
	}
}

// countingLedger counts the payments that pages read.
type countingLedger struct {
	*fakeLedger
	read int
}

func (d *countingLedger) Page(ctx context.Context, q idempotency.PageQuery) (rs []idempotency.Record, last idempotency.Place, more bool, err error) {
	rs, last, more, err = d.fakeLedger.Page(ctx, q)
	d.read += len(rs)
	return rs, last, more, err
}

func TestAllOnAPageAreSettled(t *testing.T) {
	r := newRig(t)
	r.hold(listRows+5, "bad")
	html := r.show("/payments/list?state=held")
	contains(t, html, "all on this page: 50 payments")
	form := hiddenIn(html, "/payments/bulk")
	maps.Copy(form, url.Values{"which": {"page"}, "step": {"resolve failed"}, "by": {"ana"}, "note": {"seen"}, "key": {"virtualpos/bad-0001"}})
	confirmation := ask(t, r.pages, post("/payments/bulk", form.Encode())).Body.String()
	contains(t, confirmation, "Settle it as failed: 50 payments?")
	confirmed := hiddenIn(confirmation, "/payments/bulk/apply")
	confirmed.Set("typed", "50")
	contains(t, ask(t, r.pages, post("/payments/bulk/apply", confirmed.Encode())).Body.String(), "Ended: 50 of 50 were done.")
	if n := r.countHeld(); n != 5 {
		t.Errorf("%d are held still", n)
	}
	html = r.show("/payments/list?state=succeeded&sort=largest")
	contains(t, html, "Payments that moved money cannot be ordered by amount")
	if strings.Contains(html, `value="largest"`) {
		t.Error("an order by amount is offered where there is none")
	}
	for _, which := range []string{"selected", "", "moon"} { // only "matching" may mean all
		form := bulkForHeld("which", which)
		w := ask(t, r.pages, post("/payments/bulk", form.Encode()))
		contains(t, w.Body.String(), "Choose payments in the list, or all that match.")
	}
}
