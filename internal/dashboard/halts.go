package dashboard

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/providers/catalog"
)

const haltsPath = paymentsPath + "/halts"

// haltsPage is the halts in force, and the forms that begin and end one.
type haltsPage struct {
	Providers []string
	Rows      []haltRow
	Partial   bool
	Writable  bool
	By        string
	Done      string
	Problems  []string
	// Sent is what was filled in before.
	Sent haltForm
}

type haltRow struct{ Provider, Account, Name, Text string }

// haltForm is a halt, or its end, as the form has it.
type haltForm struct{ Provider, Account, By, Note, Do string }

func (p *pages) halts(w http.ResponseWriter, r *http.Request) {
	p.renderHalts(w, r, http.StatusOK, haltForm{}, nil)
}

func (p *pages) renderHalts(w http.ResponseWriter, r *http.Request, code int, sent haltForm, problems []string) {
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
	defer cancel()
	words := p.wordsFor(r)
	v := haltsPage{Providers: catalog.Names(), Writable: p.Writable, By: visitorOf(r.Context()).login, Problems: problems, Sent: sent}
	switch r.URL.Query().Get("done") {
	case "halt":
		v.Done = words.Pages.Halts.Done
	case "unhalt":
		v.Done = words.Pages.Halts.Undone
	}
	for _, provider := range v.Providers {
		halts, err := p.Ledger.Halts(ctx, provider)
		if err != nil {
			p.Log.Warn().Err(err).Str("provider", provider).Msg("halts page")
			v.Partial = true
		}
		for _, account := range slices.Sorted(maps.Keys(halts)) {
			v.Rows = append(v.Rows, haltRow{provider, account, words.account(account), halts[account]})
		}
	}
	p.render(w, r, code, "halts", words.Pages.Halts.Title, v)
}

// halt begins or ends a halt. It needs no confirmation: a halt is undone by its end.
func (p *pages) halt(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.notOurForm(w, r)
		return
	}
	get := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	f := haltForm{get("provider"), get("account"), get("by"), get("note"), get("do")}
	v, words := visitorOf(r.Context()), p.wordsFor(r)
	in := intervention{Kind: interventionCancel, By: f.By, Note: f.Note, Actor: v.signed(f.By)}
	if f.Do != "halt" && f.Do != "unhalt" || in.malformed() != nil {
		p.notOurForm(w, r)
		return
	}
	problems := in.actorProblems(words.Pages.Step)
	if !slices.Contains(catalog.Names(), f.Provider) {
		problems = append(problems, words.Pages.Halts.BadProvider)
	}
	if f.Account != "" && f.Account != idempotency.AllAccounts && !accountForm.MatchString(f.Account) {
		problems = append(problems, words.Pages.Halts.BadAccount)
	}
	if len(problems) > 0 {
		p.renderHalts(w, r, http.StatusUnprocessableEntity, f, problems)
		return
	}
	do := p.Ledger.Halt
	if f.Do == "unhalt" {
		do = p.Ledger.Unhalt
	}
	account := strings.TrimPrefix(f.Account, idempotency.AllAccounts)
	// A browser that goes away ends nothing: else some partitions would be halted, and others not.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), pageTimeout)
	defer cancel()
	if err := do(ctx, f.Provider, account, idempotency.Actor{By: in.Actor, Note: in.Note}); err != nil {
		p.Log.Warn().Err(err).Str("provider", f.Provider).Msg("halts page")
		p.ledgerAway(w, r)
		return
	}
	p.Log.Info().Str("provider", f.Provider).Str("account", account).Str("intervention", f.Do).Str("by", f.By).Str("login", v.login).Str("from", v.from).
		Msg("taken by hand on the payments page")
	http.Redirect(w, r, haltsPath+"?done="+f.Do, http.StatusSeeOther)
}
