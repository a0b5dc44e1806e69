package coordinador

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/govalues/decimal"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

// This file holds what is believed of the portal's answers.

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

// judge says what the registered rows mean. ours tells whether an attempt of ours may have registered one. It never yields a refusal:
// an absent row proves nothing yet.
func judge(rows []row, amount providers.Money, ours bool) providers.Outcome {
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
	o := providers.Outcome{
		Class: providers.Succeeded, Code: codeRegistered, ProviderID: strconv.FormatInt(rows[0].execution, 10),
		Echo: providers.Echo{Amount: rows[0].amount.String()},
	}
	if rows[0].net {
		o.Message = "the portal took the amount for a net one"
	}
	return o
}

// mismatch names the rows, for a person to compare. It carries no provider id: whose the rows are is the question.
func mismatch(code string, rows []row) providers.Outcome {
	return providers.Outcome{Class: providers.Mismatch, Code: code, Message: describe(rows)}
}

const mostText = 120

// describe lists rows by their ids and amounts, as many as fit, and says how many do not.
func describe(rows []row) string {
	var b strings.Builder
	for i, r := range rows {
		one := fmt.Sprintf("execution %d: %s", r.execution, r.amount)
		if r.net {
			one += " net"
		}
		if b.Len()+len(one) > mostText-20 {
			fmt.Fprintf(&b, "; %d more", len(rows)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(one)
	}
	return b.String()
}

// registered says what a registration came to. Accepted is pending: the portal guesses whether an amount is net or gross, so only the
// row that it made says what was registered. An error means that the portal cannot have acted. Its last line is in doubt.
func registered(r wire.Reply, err error, now time.Time, hide []string) (providers.Outcome, error) {
	if err != nil {
		return unanswered(err)
	}
	a, readable := readAnswer(r.Body)
	switch {
	case unauthorized(r):
		return providers.Outcome{}, &providers.CredentialsError{Code: statusCode(r)}
	case r.Status == http.StatusTooManyRequests && !a.acted:
		return providers.Outcome{}, throttled(r, now)
	case !readable || r.Status != http.StatusOK && (r.Status < 400 || r.Status > 499):
		return providers.Outcome{Class: providers.InDoubt, Code: statusCode(r)}, nil
	case len(a.errors) > 0 && !a.acted:
		return providers.Outcome{Class: providers.Refused, Code: a.code(hide), Message: providers.Message(strings.Join(a.errors, "; "), hide...)}, nil
	case r.Status == http.StatusOK && a.clean:
		return providers.Outcome{Class: providers.Pending, Code: codeAccepted, Message: a.note()}, nil
	}
	return providers.Outcome{Class: providers.InDoubt, Code: statusCode(r)}, nil
}

// unauthorized reports an answer that refuses the token, and names nothing that was made all the same.
func unauthorized(r wire.Reply) bool {
	if r.Status != http.StatusUnauthorized {
		return false
	}
	a, _ := readAnswer(r.Body)
	return !a.acted
}

// unanswered is a registration without an answer. An error of another kind comes from the token, before anything was sent or after a
// request was refused for want of one.
func unanswered(err error) (providers.Outcome, error) {
	var e *wire.Error
	switch {
	case !errors.As(err, &e):
		return providers.Outcome{}, err
	case !e.Sent:
		return providers.Outcome{}, &providers.NotSent{Reason: e.Reason, Err: e}
	}
	return providers.Outcome{Class: providers.InDoubt, Code: e.Reason}, nil
}

// answer is the envelope of an operation.
type answer struct {
	// errors are the texts of the portal's errors.
	errors []string
	// clean: there are no errors, and there is a result or an operation.
	clean bool
	// acted: the result names something that was made, whatever else is said.
	acted     bool
	operation int64
}

func readAnswer(body []byte) (answer, bool) {
	fields, ok := object(body)
	if !ok {
		return answer{}, false
	}
	items, ok := list(fields["errors"])
	if !ok {
		return answer{}, false
	}
	var a answer
	a.errors = texts(fields["errors"])
	a.operation, _ = whole(fields["operation"])
	a.acted = makes(fields["result"])
	a.clean = len(items) == 0 && (a.operation > 0 || len(fields["result"]) > 0 && string(fields["result"]) != "null")
	return a, true
}

// makes reports whether a result names something that was made. How it names it is not known.
func makes(result json.RawMessage) bool {
	fields, _ := object(result)
	for _, name := range []string{"id", "execution", "payment"} {
		if id, ok := whole(fields[name]); ok && id > 0 {
			return true
		}
	}
	return false
}

var codeText = regexp.MustCompile(`^[A-Za-z0-9_.\-]{1,40}$`)

// code is the first of the errors' texts that could be one.
func (a answer) code(hide []string) string {
	for _, text := range a.errors {
		if codeText.MatchString(text) {
			return providers.Code(text, hide...)
		}
	}
	return codeErrors
}

func (a answer) note() string {
	if a.operation == 0 {
		return ""
	}
	return fmt.Sprintf("operation %d", a.operation)
}
