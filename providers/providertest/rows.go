package providertest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/sandbox"
	"github.com/remesa/remesa/providers/wire"
)

// Row is one line of the conformance table.
type Row struct {
	// Name completes "when the provider …".
	Name   string
	Faults []sandbox.Fault
	// Gone closes the simulator's listener before the attempt.
	Gone bool
	// CallerLeaves cancels the attempt once the simulator's book says that the money moved.
	CallerLeaves bool
	// Late is set for an attempt whose time to send has passed.
	Late bool
	// Want is the attempt's outcome; NoAct is an error, which means that the provider cannot have
	// acted.
	Want providers.Class
	// Code is the outcome's code, where it matters.
	Code string
	// Moved is how often money moved by the attempt's end.
	Moved int
	// Then is what one status query after another says, and Finally how often money moved in the
	// end.
	Then    []providers.Class
	Finally int
	// Check reads the attempt's error more closely.
	Check func(err error) string
}

// NoAct is the Row's word for an error of an attempt.
const NoAct providers.Class = "not sent"

// NoStatusAnswer is the Row's word for an error of a status query.
const NoAnswer providers.Class = "no answer"

func fault(kind string) []sandbox.Fault { return []sandbox.Fault{{Kind: kind}} }

func rows(t *testing.T, s Suite) []Row {
	t.Helper()
	all := append(append(responseRows(s), refusalRows(s)...), doubtRows(s)...)
	if s.Sessions {
		all = append(sessionRows(s), refusalRows(s)...)
	}
	for _, name := range s.Without {
		before := len(all)
		if all = slices.DeleteFunc(all, func(r Row) bool { return r.Name == name }); len(all) == before {
			t.Errorf("there is no row %q to do without", name)
		}
	}
	return all
}

func responseRows(s Suite) []Row {
	found := []providers.Class{providers.Succeeded}
	return []Row{
		{Name: "pays", Want: s.Paid, Moved: 1, Then: found, Finally: 1},
		{
			Name: "accepts and pays later", Faults: []sandbox.Fault{{Kind: "pending", Polls: 1}}, Want: providers.Pending,
			Then: []providers.Class{providers.Pending, providers.Succeeded}, Finally: 1,
		},
		{Name: "declines", Faults: []sandbox.Fault{{Kind: "decline", Code: s.DeclineCode}}, Want: providers.Refused, Code: s.DeclineCode, Then: []providers.Class{s.Absent}},
		{
			Name: "accepts and declines later", Faults: fault("rejected_later"), Want: providers.Pending,
			Then: []providers.Class{providers.Refused, providers.Refused},
		},
	}
}

func refusalRows(s Suite) []Row {
	notFound := []providers.Class{s.Absent}
	once := Row{Name: "answers 401 once", Faults: []sandbox.Fault{{Kind: "unauthorized", Next: 1}}, Want: NoAct, Then: notFound}
	if s.Renews {
		once.Want, once.Moved, once.Then, once.Finally = s.Paid, 1, []providers.Class{providers.Succeeded}, 1
	}
	return []Row{
		once,
		{Name: "refuses the connection", Gone: true, Want: NoAct, Then: []providers.Class{NoAnswer}, Check: notSent(wire.Connect, 0)},
		{Name: "answers 401 for ever", Faults: fault("unauthorized"), Want: NoAct, Then: []providers.Class{NoAnswer}, Check: credentials},
		{
			Name: "answers 429", Faults: []sandbox.Fault{{Kind: "throttled", Operation: sandbox.SendOperation, RetryAfter: "7"}}, Want: NoAct, Then: notFound,
			Check: notSent("throttled", 7*time.Second),
		},
		{Name: "is not reached, since the time to send has passed", Late: true, Want: NoAct, Then: notFound, Check: notSent(wire.NoTime, 0)},
	}
}

func doubtRows(s Suite) []Row {
	doubt := func(name, kind string, moved int, then ...providers.Class) Row {
		return Row{Name: name, Faults: fault(kind), Want: providers.InDoubt, Moved: moved, Then: then, Finally: moved}
	}
	late := doubt("moves the money only after 'not found' was answered once", "late", 0, s.Absent, providers.Succeeded)
	late.Finally = 1
	left := doubt("moves the money, then is too slow", "slow_after", 1, providers.Succeeded)
	left.CallerLeaves = true
	return []Row{
		doubt("takes the request, moves nothing, hangs up", "hang_up_before", 0, s.Absent),
		doubt("takes the request, moves nothing, answers 502", "bad_gateway_before", 0, s.Absent),
		doubt("answers with a page", "html_before", 0, s.Absent),
		doubt("redirects", "redirect", 0, s.Absent),
		doubt("moves the money, then hangs up", "hang_up_after", 1, providers.Succeeded),
		left,
		doubt("moves the money, then answers 502", "bad_gateway_after", 1, providers.Succeeded),
		doubt("moves the money, then answers 200 with a page", "html_after", 1, providers.Succeeded),
		doubt("moves the money, then answers with cut JSON", "cut_json_after", 1, providers.Succeeded),
		doubt("moves the money, then breaks off within its answer", "cut_body_after", 1, providers.Succeeded),
		doubt("moves the money, then answers with 10 MB", "huge_after", 1, providers.Succeeded),
		doubt("moves the money, then answers with every name twice", "name_twice_after", 1, providers.Succeeded),
		doubt("moves the money, then answers with wrong types", "wrong_types_after", 1, providers.Succeeded),
		doubt("moves the money, then answers with an unknown status", "unknown_status_after", 1, providers.Succeeded),
		doubt("moves the money, then answers with an unknown code", "unknown_code_after", 1, providers.Succeeded),
		late,
		noResponse("bare_404", "answers a bare 404 to the status query, having moved nothing", "hang_up_before", 0),
		noResponse("bare_404", "answers a bare 404 to the status query, having moved the money", "hang_up_after", 1),
		noResponse("login_page", "answers a login page to the status query, having moved nothing", "hang_up_before", 0),
		noResponse("login_page", "answers a login page to the status query, having moved the money", "hang_up_after", 1),
		ambiguous(),
	}
}

// ambiguous is a status query whose response has every name twice.
func ambiguous() Row {
	row := noResponse("", "answers the status query with every name twice", "hang_up_after", 1)
	row.Faults[1] = sandbox.Fault{Kind: "name_twice_after", Operation: sandbox.StatusOperation}
	return row
}

func noResponse(query, name, sent string, moved int) Row {
	return Row{
		Name: name, Faults: []sandbox.Fault{{Kind: sent}, {Kind: query}}, Want: providers.InDoubt, Moved: moved,
		Then: []providers.Class{NoAnswer}, Finally: moved,
	}
}

func sendTooLate(ctx context.Context) context.Context {
	return wire.WithSendDeadline(ctx, time.Now().Add(-time.Second), nil)
}
