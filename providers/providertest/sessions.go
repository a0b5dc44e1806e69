package providertest

import (
	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/sandbox"
)

// sessionRows are the rows of a provider whose payments a payer makes: whatever becomes of the
// request for a session, no money moves by it, and nobody but who got its address can pay there.
func sessionRows(s Suite) []Row {
	open := []providers.Class{providers.Pending, providers.Pending}
	rows := []Row{
		{Name: "opens a session, and nobody pays", Want: providers.Pending, Then: open},
		{
			Name: "opens a session, and a payer pays later", Faults: []sandbox.Fault{{Kind: "pending", Polls: 1}}, Want: providers.Pending,
			Then: []providers.Class{providers.Pending, providers.Succeeded, providers.Succeeded}, Finally: 1,
		},
		{Name: "opens a session, and a payer fails to pay", Faults: fault("rejected_later"), Want: providers.Pending, Then: open},
		{
			Name: "refuses to open a session", Faults: []sandbox.Fault{{Kind: "decline", Code: s.DeclineCode}}, Want: providers.Refused, Code: s.DeclineCode,
			Then: open,
		},
	}
	for _, end := range []struct{ name, kind string }{
		{"takes the request and hangs up", "hang_up_before"},
		{"opens a session and hangs up", "hang_up_after"},
		{"takes the request and answers 502", "bad_gateway_before"},
		{"opens a session and answers 502", "bad_gateway_after"},
		{"answers with a page", "html_before"},
		{"opens a session and answers with a page", "html_after"},
		{"redirects", "redirect"},
		{"opens a session and answers with cut JSON", "cut_json_after"},
		{"opens a session and breaks off within its answer", "cut_body_after"},
		{"opens a session and answers with 10 MB", "huge_after"},
		{"opens a session and answers with every name twice", "name_twice_after"},
		{"answers with wrong types", "wrong_types_after"},
		{"answers with something else", "unknown_code_after"},
	} {
		rows = append(rows, Row{Name: end.name, Faults: fault(end.kind), Want: NoAct, Then: open})
	}
	for _, kind := range []string{"bare_404", "login_page"} {
		rows = append(rows, Row{
			Name: "answers the status query with " + kind, Faults: fault(kind), Want: providers.Pending, Then: []providers.Class{NoAnswer},
		})
	}
	return append(rows, Row{Name: "opens a session, too slowly", Faults: fault("slow_after"), CallerLeaves: true, Want: NoAct, Then: open})
}
