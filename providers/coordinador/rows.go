package coordinador

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/govalues/decimal"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

// row is one payment that the portal has registered for one instruction.
type row struct {
	id, instruction, execution int64
	amount                     decimal.Decimal
	// net: the portal took the amount for a net one.
	net bool
}

// page is one page of rows; count is how many there are on all pages.
type page struct {
	count int64
	rows  []row
}

// Rows are read in pages of this size, and this many pages at most: an instruction with more of
// them is none that could be judged.
const (
	pageSize = 100
	maxPages = 10
)

var (
	errUnsteady = errors.New("listing: the pages do not fit together")
	errFilter   = errors.New("listing: the response lists other instructions, not the one that was queried")
	errTooMany  = errors.New("listing: more rows than can be judged; the filter by instruction may be ignored")
)

// rowsOf reads what is registered for an instruction. No rows and no error is the portal's own word
// that there are none; whatever does not fit together, or speaks of other instructions alone, is an
// error. It writes nothing.
func (c *Client) rowsOf(ctx context.Context, instruction int64) ([]row, error) {
	var all []row
	var count int64
	for n := range maxPages {
		next, err := c.page(ctx, instruction, len(all))
		if err != nil {
			return nil, err
		}
		all = append(all, next.rows...)
		have := int64(len(all))
		switch {
		case n > 0 && next.count != count, have > next.count, have < next.count && len(next.rows) == 0:
			return nil, errUnsteady
		case have == next.count:
			return forInstruction(all, instruction)
		}
		count = next.count
	}
	return nil, errTooMany
}

// forInstruction keeps the rows of one instruction: a filter that the portal does not know may be
// ignored without a word.
func forInstruction(all []row, instruction int64) ([]row, error) {
	var ours []row
	seen := map[int64]bool{}
	for _, r := range all {
		if seen[r.id] {
			return nil, errUnsteady
		}
		seen[r.id] = true
		if r.instruction == instruction {
			ours = append(ours, r)
		}
	}
	if len(ours) == 0 && len(all) > 0 {
		return nil, errFilter
	}
	return ours, nil
}

func (c *Client) page(ctx context.Context, instruction int64, offset int) (page, error) {
	query := url.Values{
		"instruction": {strconv.FormatInt(instruction, 10)}, "limit": {strconv.Itoa(pageSize)}, "offset": {strconv.Itoa(offset)},
	}
	r, err := wire.NewRequestAt(http.MethodGet, c.gateway, rowsPath, nil)
	if err != nil {
		return page{}, err
	}
	r.URL += "?" + query.Encode()
	reply, err := c.send(ctx, r, new([]string)) // of the response only numbers are kept
	return mapRows(reply, err, c.config.Auth.Now())
}

// mapRows says what a query for rows came to. An error means that there is no status result; it is
// the last line.
func mapRows(r wire.Reply, err error, now time.Time) (page, error) {
	var e *wire.Error
	switch {
	case errors.As(err, &e) && !e.Sent:
		return page{}, &providers.NotSent{Reason: e.Reason, Err: e}
	case err != nil:
		return page{}, err
	case r.Status == http.StatusUnauthorized:
		return page{}, &providers.CredentialsError{Code: statusCode(r)}
	case r.Status == http.StatusTooManyRequests:
		return page{}, r.Throttled(now)
	case r.Status == http.StatusOK:
		if p, ok := readPage(r.Body); ok {
			return p, nil
		}
	}
	return page{}, fmt.Errorf("listing: %s", statusCode(r))
}

func readPage(body []byte) (page, bool) {
	o, ok := wire.ReadObject(body)
	if !ok {
		return page{}, false
	}
	count, counted := wholeNumberOf(o.Fields["count"])
	results, listed := wire.ReadList(o.Fields["results"])
	p := page{count: count}
	for _, raw := range results {
		r, ok := readRow(raw)
		if !ok {
			return page{}, false
		}
		p.rows = append(p.rows, r)
	}
	return p, counted && listed
}

func readRow(raw json.RawMessage) (row, bool) {
	o, ok := wire.ReadObject(raw)
	if !ok {
		return row{}, false
	}
	var r row
	for name, into := range map[string]*int64{"id": &r.id, "instruction": &r.instruction, "execution": &r.execution} {
		id, ok := wholeNumberOf(o.Fields[name])
		if !ok || id == 0 {
			return row{}, false
		}
		*into = id
	}
	r.net = o.Flag("is_net_amount")
	r.amount, ok = amount(o.Fields["amount"])
	return r, ok && !o.Bad()
}
