package coordinador

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/govalues/decimal"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
	"github.com/remesa/remesa/providers/wire"
)

// This file holds what is assumed of the portal's responses.

// Codes of an outcome.
const (
	codeAccepted   = "accepted"           // the portal took the registration
	codeRegistered = "registered"         // and shows it, with our amount
	codeNone       = "not_registered"     // the portal counts no row for the instruction
	codeAlready    = "already_registered" // somebody registered a payment for the instruction, and it was not us
	codeOther      = "other_amount"
	codeSeveral    = "several_rows"
	codeErrors     = "errors" // the portal's errors, where none of them is a code
)

// outcomeOfRows says what the registered rows mean. ours tells whether an attempt of ours may have
// registered one. It never yields a refusal: an absent row proves nothing yet.
func outcomeOfRows(rows []row, amount providers.Money, ours bool) providers.Outcome {
	want, err := decimal.Parse(amount.Text())
	switch {
	case len(rows) == 0:
		return providers.Outcome{Class: providers.NotFound, Code: codeNone}
	case !ours:
		return mismatch(codeAlready, rows)
	case len(rows) > 1:
		return mismatch(codeSeveral, rows)
	case err != nil || rows[0].amount.Cmp(want) != 0:
		return mismatch(codeOther, rows)
	}
	return rows[0].outcome()
}

// secondExecution names two executions of our amount: the known one first where it is among them.
// What a watch finds so is two successes, also of a payment that had failed.
func secondExecution(rows []row, amount providers.Money, known string) (providers.Outcome, bool) {
	want, err := decimal.Parse(amount.Text())
	if err != nil {
		return providers.Outcome{}, false
	}
	ours := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.amount.Cmp(want) != 0 })
	if len(ours) < 2 {
		return providers.Outcome{}, false
	}
	if i := slices.IndexFunc(ours, func(r row) bool { return r.providerID() == known }); i > 0 {
		ours[0], ours[i] = ours[i], ours[0]
	}
	o := ours[0].outcome()
	o.SecondID, o.Message = ours[1].providerID(), describeRows(rows)
	return o, true
}

func (r row) outcome() providers.Outcome {
	o := providers.Outcome{
		Class: providers.Succeeded, Code: codeRegistered, ProviderID: r.providerID(), Echo: providers.Echo{Amount: r.amount.String()},
	}
	if r.net {
		o.Message = "the portal took the amount for a net one"
	}
	return o
}

// providerID is the portal's id of the payment.
func (r row) providerID() string { return strconv.FormatInt(r.execution, 10) }

// mismatch names the rows, for an operator to compare. It carries no provider id: nobody knows
// whose the rows are.
func mismatch(code string, rows []row) providers.Outcome {
	return providers.Outcome{Class: providers.Mismatch, Code: code, Message: describeRows(rows)}
}

// describeRows lists rows by their ids and amounts.
func describeRows(rows []row) string {
	var texts []string
	for _, r := range rows {
		text := fmt.Sprintf("execution %d: %s", r.execution, r.amount)
		if r.net {
			text += " net"
		}
		texts = append(texts, text)
	}
	return providers.List(texts)
}

// mapRegistration says what a registration came to. Accepted is pending: the portal guesses whether
// an amount is net or gross, so only the row that it made says what was registered. An error means
// that the portal cannot have acted. Its last line is in doubt.
func mapRegistration(r wire.Reply, err error, now time.Time, hide []string) (providers.Outcome, error) {
	if err != nil {
		return wire.OutcomeOfFailure(err)
	}
	a, readable := parseResponse(r.Body)
	switch {
	case tokenRefused(r) != auth.Refusal{}:
		return providers.Outcome{}, &providers.CredentialsError{Code: statusCode(r)}
	case r.Status == http.StatusTooManyRequests && !a.acted:
		return providers.Outcome{}, r.Throttled(now)
	case !readable || r.Status != http.StatusOK && (r.Status < 400 || r.Status > 499):
		return providers.Outcome{Class: providers.InDoubt, Code: statusCode(r)}, nil
	case len(a.errors) > 0 && !a.acted:
		class := providers.Refused
		if a.duplicate() {
			class = providers.Duplicate
		}
		return providers.Outcome{Class: class, Code: a.code(hide), Message: providers.Message(strings.Join(a.errors, "; "), hide...)}, nil
	case r.Status == http.StatusOK && a.clean:
		return providers.Outcome{Class: providers.Pending, Code: codeAccepted, Message: a.message()}, nil
	}
	return providers.Outcome{Class: providers.InDoubt, Code: statusCode(r)}, nil
}

// tokenRefused reads a response that refuses the token, and names nothing that was made all the
// same.
func tokenRefused(r wire.Reply) auth.Refusal {
	if a, _ := parseResponse(r.Body); r.Status != http.StatusUnauthorized || a.acted {
		return auth.Refusal{}
	}
	return auth.Refusal{Code: statusCode(r)}
}

// response is the envelope of an operation.
type response struct {
	// errors are the texts of the portal's errors.
	errors []string
	// clean: there are no errors, and there is a result or an operation.
	clean bool
	// acted: the result holds something of what was made, whatever else is said.
	acted     bool
	operation int64
}

func parseResponse(body []byte) (response, bool) {
	o, ok := wire.ReadObject(body)
	if !ok {
		return response{acted: wire.HasDuplicateNames(body)}, false // what says two things of one may name something made
	}
	items, ok := wire.ReadList(o.Fields["errors"])
	if !ok {
		return response{}, false
	}
	var a response
	a.errors = texts(o.Fields["errors"])
	a.operation, _ = wholeNumberOf(o.Fields["operation"])
	result := o.Fields["result"]
	a.acted = hasContent(result)
	a.clean = len(items) == 0 && (a.operation > 0 || len(result) > 0 && string(result) != "null")
	return a, true
}

// hasContent reports whether a result holds anything that has a value. How it names what was made
// is not known, and known responses only repeat what was sent: errors beside such a result refuse
// nothing.
func hasContent(result json.RawMessage) bool {
	if o, ok := wire.ReadObject(result); ok {
		return slices.ContainsFunc(slices.Collect(maps.Values(o.Fields)), hasContent)
	}
	return !slices.Contains([]string{"", "null", `""`, "[]", "false", "0"}, string(result))
}

// duplicate guesses from the texts that the payment is registered already; nothing is documented.
func (a response) duplicate() bool {
	words := strings.ToLower(strings.Join(a.errors, "\n"))
	return slices.ContainsFunc([]string{"duplic", "ya existe", "already exist"}, func(w string) bool { return strings.Contains(words, w) })
}

var codeText = regexp.MustCompile(`^[A-Za-z0-9_.\-]{1,40}$`)

// code is the first of the errors' texts that could be one.
func (a response) code(hide []string) string {
	for _, text := range a.errors {
		if codeText.MatchString(text) {
			return providers.Code(text, hide...)
		}
	}
	return codeErrors
}

func (a response) message() string {
	if a.operation == 0 {
		return ""
	}
	return fmt.Sprintf("operation %d", a.operation)
}
