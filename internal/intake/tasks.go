package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/tasks"
)

// Results of a line besides those of tasks.SubmitResult.
const (
	Valid   = "valid" // of a dry run
	Invalid = string(tasks.Invalid)
)

// Result is what is told about one task.
type Result struct {
	Line   int               `json:"line,omitempty"`
	Key    string            `json:"key,omitempty"`
	TaskID string            `json:"task_id,omitempty"`
	Result string            `json:"result"`
	State  idempotency.State `json:"state,omitempty"`
	// Error begins with the path of a field.
	Error string `json:"error,omitempty"`
	// First is the line of the same input that has the same key, 0 where Seen knows of none.
	First int `json:"-"`
}

// AppendJSON appends the result's JSON; it takes a fifth of encoding/json's time, once a line.
func (r Result) AppendJSON(b []byte) ([]byte, error) {
	for _, s := range []string{r.Key, r.TaskID, r.Result, string(r.State), r.Error} {
		if strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) {
			var out bytes.Buffer
			enc := json.NewEncoder(&out)
			enc.SetEscapeHTML(false)
			err := enc.Encode(r)
			return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...), err
		}
	}
	b = append(b, '{')
	if r.Line != 0 {
		b = append(strconv.AppendInt(append(b, `"line":`...), int64(r.Line), 10), ',')
	}
	member := func(name, value string) {
		if value != "" {
			b = append(append(append(append(append(b, '"'), name...), `":"`...), value...), `",`...)
		}
	}
	member("key", r.Key)
	member("task_id", r.TaskID)
	b = append(append(append(b, `"result":"`...), r.Result...), `",`...)
	member("state", string(r.State))
	member("error", r.Error)
	b[len(b)-1] = '}'
	return b, nil
}

// Word is what the line came to.
func (r Result) Word() string { return r.Result }

// Tasks takes in tasks. Without a client, in a dry run, they are only checked.
type Tasks struct {
	Client   *tasks.Client
	Accounts Accounts
	// May, if set, refuses what its sender must not submit.
	May func(provider, account string) error
	// Registered, if set, is told the provider of each task that was taken in.
	Registered func(ctx context.Context, provider string)
	// Compare, if set, tells in a dry run what the ledger has of the payments; see
	// idempotency.Ledger.Compare. FingerprintKey is the client's.
	Compare        func(ctx context.Context, rs ...idempotency.Registration) ([]idempotency.Registered, error)
	FingerprintKey []byte
	// Seen, if set, remembers the payments of the input.
	Seen *Seen
	// Bulk: the input is known to have more than tasks.BulkAbove lines. Of one whose length nobody
	// knows, the lines after that many are bulk payments.
	Bulk bool

	read int
}

// prioritized is a line's task, bulk where the input is.
func (s *Tasks) prioritized(t tasks.Task) tasks.Task {
	s.read++
	if s.Bulk || s.read > tasks.BulkAbove {
		return t.BulkByDefault()
	}
	return t
}

// Answer submits what is valid in the batch, and gives each line its result. On an error some lines
// may have been taken in; submitting them again is safe.
func (s *Tasks) Answer(ctx context.Context, batch []tasks.Line) ([]Result, error) {
	results := make([]Result, len(batch))
	var valid []tasks.Task
	var places []int
	for i, line := range batch {
		line.Task = s.prioritized(line.Task)
		results[i] = s.check(line)
		if results[i].Result == Valid {
			valid, places = append(valid, line.Task), append(places, i)
		}
	}
	if s.Client == nil {
		return results, s.compare(ctx, valid, places, results)
	}
	s.see(valid, places, results)
	if len(valid) == 0 {
		return results, nil
	}
	receipts, err := s.Client.Submit(ctx, valid...)
	if err != nil {
		return nil, err
	}
	for n, r := range receipts {
		first := results[places[n]].First
		results[places[n]] = receiptResult(batch[places[n]].Number, r)
		results[places[n]].First = first
		if r.Result != tasks.Invalid && s.Registered != nil {
			s.Registered(ctx, r.Key.Provider)
		}
	}
	return results, nil
}

// compare finds the duplicates and conflicts of a dry run, in the ledger first, as it would be
// asked first, and then in the input itself.
func (s *Tasks) compare(ctx context.Context, valid []tasks.Task, places []int, results []Result) error {
	var registered []idempotency.Registered
	if s.Compare != nil && len(valid) > 0 {
		rs := make([]idempotency.Registration, len(valid))
		for n, t := range valid {
			rs[n] = t.Registration(s.FingerprintKey)
		}
		var err error
		if registered, err = s.Compare(ctx, rs...); err != nil {
			return err
		}
	}
	differing := s.see(valid, places, results)
	for n, t := range valid {
		r := &results[places[n]]
		var known idempotency.Registered
		if registered != nil {
			known = registered[n]
		}
		switch {
		case t.Meaning() == nil: // a status task registers nothing
		case known.Result == idempotency.Duplicate, known.Result == idempotency.Conflict && !t.Differs(known, s.FingerprintKey):
			r.Result, r.State = string(tasks.Duplicate), known.State
		case known.Result == idempotency.Conflict:
			r.Result, r.Error = string(tasks.Conflict), known.Conflict
		case differing[n] != "":
			r.Result, r.Error = string(tasks.Conflict), fmt.Sprintf("%s: differs from that of line %d, which has the same reference", differing[n], r.First)
		case r.First > 0:
			r.Result = string(tasks.Duplicate)
		}
	}
	return nil
}

// see remembers the payments, and tells the first line of each that the input has twice. It returns
// what differs between the two.
func (s *Tasks) see(valid []tasks.Task, places []int, results []Result) map[int]string {
	if s.Seen == nil {
		return nil
	}
	differing := map[int]string{}
	for n, t := range valid {
		if t.Meaning() == nil {
			continue
		}
		r := &results[places[n]]
		var what string
		if r.First, what = s.Seen.Add(t, r.Line); what != "" {
			differing[n] = what
		}
	}
	return differing
}

// Check finds what is wrong with a line and takes nothing in; the ledger is read only to learn
// whether a deadline has passed.
func (s *Tasks) Check(ctx context.Context, line tasks.Line) (Result, error) {
	r := s.check(line)
	if r.Result == Invalid || s.Client == nil {
		return r, nil
	}
	late, err := s.Client.Late(ctx, line.Task)
	if err == nil && late {
		r.Result, r.Error = Invalid, errLate.Error()
	}
	return r, err
}

// check finds what is wrong with a line without the ledger.
func (s *Tasks) check(line tasks.Line) Result {
	r := Result{Line: line.Number, Result: Valid}
	if line.Key.Reference != "" {
		r.Key = line.Key.String()
	}
	err := line.Err
	if err == nil && s.May != nil {
		err = s.May(line.Task.Provider(), line.Task.Account())
	}
	if err == nil {
		err = s.Accounts.checkTask(line.Task)
	}
	if deadline := line.Task.Deadline(); err == nil && s.Client == nil && !deadline.IsZero() && deadline.Before(time.Now()) {
		err = errLate // by this machine's clock: a dry run has no store
	}
	if err != nil {
		r.Result, r.Error = Invalid, err.Error()
	}
	return r
}

var errLate = errors.New("deadline: is in the past")

func receiptResult(line int, r tasks.Receipt) Result {
	out := Result{Line: line, Key: r.Key.String(), TaskID: r.TaskID, Result: string(r.Result), Error: r.Problem}
	if r.Result == tasks.Duplicate {
		out.State = r.State
	}
	return out
}
