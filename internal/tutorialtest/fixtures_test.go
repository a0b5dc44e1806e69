package tutorialtest

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/remesa/remesa/internal/spreadsheet"
)

// fixture is what a page's lines find.
type fixture struct {
	// settings are variables of the environment.
	settings []string
	files    map[string][]byte
	// script runs before the page's first line, and those of before right before the line that
	// begins so.
	script string
	before map[string]string
	// instead replaces what a reader replaces: a placeholder by what it stands for.
	instead map[string]string
}

// payouts are lines of tasks to VirtualPOS, numbered from 1, that sum up to a total.
func payouts(prefix string, n, total int) []byte {
	var b bytes.Buffer
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, `{"type":"payout","provider":"virtualpos","merchant_id":"%s-%04d","amount":"%d","currency":"CLP","recipient":{"document":"12345678-5","name":"Ana Soto"},`+
			`"bank":{"code":"012","account_number":"%d"}}`+"\n", prefix, i, share(i, n, total), 50_000_000+i)
	}
	return b.Bytes()
}

// share is the i-th of n amounts that sum up to a total.
func share(i, n, total int) int {
	if i < n {
		return total / n
	}
	return total - (n-1)*(total/n)
}

// table is payouts as finance has them.
func table(prefix string, n, total int) []byte {
	var b bytes.Buffer
	b.WriteString("type,provider,merchant_id,amount,currency,recipient.document,recipient.name,bank.code,bank.account_number\n")
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "payout,virtualpos,%s-%04d,%d,CLP,12345678-5,Ana Soto,012,%d\n", prefix, i, share(i, n, total), 50_000_000+i)
	}
	return b.Bytes()
}

const pagoSeguroCharge = `"provider":"pagoseguro","amount":"32900","currency":"COP","description":"Canal",` +
	`"customer":{"name":"Ana Ruiz","email":"ana@example.com","document_type":1,"document":"100000000","phone":"3100000000","address":"Calle 10",` +
	`"city":"Bogota","first_names":"Ana","last_names":"Ruiz"},"card":{"token":"eyJpdiI6IkV4YW1wbGUiLCJ2YWx1ZSI6IkV4YW1wbGUiLCJtYWMiOiIwMTIzIn0=","brand":"MasterCard","expiry_month":12,"expiry_year":99,"installments":1}`

const pagandoCheckCharge = `"provider":"pagandocheck","amount":"149.50","currency":"MXN","description":"Plan","customer":{"id":"5d1c0b1e-2f6a-4a1e-9a55-000000000001"},` +
	`"card":{"token":"cd_example-000001"},"agreement":"CONTRATO-000812","details":{"antifraud_token":""}`

// charges are lines with these references.
func charges(fields string, references ...string) []byte {
	var b strings.Builder
	for _, reference := range references {
		fmt.Fprintf(&b, `{"type":"charge","txnid":%q,%s}`+"\n", reference, fields)
	}
	return []byte(b.String())
}

// statement is a workbook with a payment a row, all of today.
func statement(references []string, amounts ...string) []byte {
	rows := [][]string{{"date", "amount", "currency", "reference"}}
	for i, reference := range references {
		rows = append(rows, []string{time.Now().UTC().Format(time.DateOnly), amounts[i], "CLP", reference})
	}
	var b bytes.Buffer
	if err := spreadsheet.WriteWorkbook(&b, spreadsheet.Sheet{Name: "cartola", Rows: rows}); err != nil {
		panic(err) // into memory
	}
	return b.Bytes()
}

// fixtures are those of the pages that need more than simulators and a Redis.
func fixtures() map[string]fixture {
	return map[string]fixture{
		"docs/api.md": {
			files:  map[string][]byte{"payouts.jsonl": payouts("tef", 3, 37500)},
			script: `KEY=$(enqueue apikey create fixture --scope submit,read | grep -o 'remesa_[0-9a-f]*_[A-Za-z0-9_-]*')`,
		},
		"docs/backup.md": {
			script: `mkdir -p deploy/secrets && echo "$REMESA_REDIS_URL" > deploy/secrets/redis_url`,
		},
		// The limit lets one payment an hour pass: the page's 313 are blocked.
		"docs/brakes.md": {
			settings: []string{"REMESA_VIRTUALPOS_LIMIT_HOUR=count=1"},
			files:    map[string][]byte{"first.jsonl": payouts("first", 1, 1), "one.jsonl": payouts("tef", 1, 5000), "many.jsonl": payouts("payroll", 312, 48120000)},
			script:   "work\nenqueue submit first.jsonl\nawait succeeded 1\ncat one.jsonl many.jsonl | enqueue submit\nawait blocked 313",
		},
		"docs/es/operaciones.md": operaciones(),
		"docs/outcomes.md": {
			files:   map[string][]byte{"payouts.jsonl": payouts("tef", 3, 37500)},
			script:  "work\nenqueue submit payouts.jsonl\nawait succeeded 3",
			before:  map[string]string{"redis-cli XACK": `read -r id rest < <(redis-cli XPENDING 'remesa:{virtualpos}:outcomes' billing - + 1)`},
			instead: map[string]string{"ID…": "$id"},
		},
		"docs/providers/pagandocheck.md": {
			settings: []string{"REMESA_PAGANDOCHECK_TWO_STEP=false", "REMESA_SETTLE_TIME=1ms"},
			files:    map[string][]byte{"charges.jsonl": charges(pagandoCheckCharge, "PAY-0000000042", "PAY-0000000043")},
			script:   "fault pagandocheck '{\"kind\":\"hang_up_before\"}'\nwork\nenqueue submit charges.jsonl\nawait held 2",
		},
		"docs/providers/pagoseguro.md": {
			settings: []string{"REMESA_SETTLE_TIME=1ms"},
			files:    map[string][]byte{"charges.jsonl": charges(pagoSeguroCharge, "SO0001", "SO0002")},
			script:   "fault pagoseguro '{\"kind\":\"hang_up_before\"}'\nwork\nenqueue submit charges.jsonl\nawait held 2",
		},
		// Three payments are held though they were executed; the statement has them.
		"docs/reconcile.md": {
			files: map[string][]byte{
				"paid.jsonl": payouts("paid", 2, 20000), "held.jsonl": payouts("held", 3, 37500),
				"cartola.xlsx": statement([]string{"paid-0001", "paid-0002"}, "10000", "10000"),
			},
			script: "fault virtualpos '[{\"kind\":\"hang_up_after\",\"reference\":\"held\"},{\"kind\":\"not_found\",\"reference\":\"held\"}]'\n" +
				"work\nenqueue submit paid.jsonl\nenqueue submit held.jsonl\nawait succeeded 2\nawait held 3\n" +
				"curl -sf \"http://$sandbox/virtualpos/_book?format=csv\" > cartola.csv",
		},
		"docs/submit.md":        {files: map[string][]byte{"payouts.jsonl": payouts("tef", 3, 37500)}},
		"docs/subscriptions.md": {files: map[string][]byte{"subscriptions.jsonl": []byte(`{"id":"sub-0001","start":"2099-01-31","schedule":{"every":"month","at":"09:00","timezone":"America/Bogota"},` + pagoSeguroCharge + "}\n")}},
		"docs/tracing.md":       {files: map[string][]byte{"payouts.jsonl": payouts("tef", 3, 37500)}},
	}
}

// operaciones has 400 payments held, one in doubt, and three blocked behind them.
func operaciones() fixture {
	return fixture{
		settings: []string{"REMESA_VIRTUALPOS_LIMIT_HOUR=count=401"},
		files: map[string][]byte{
			"doubt.jsonl": payouts("tef", 1, 5000), "held.jsonl": payouts("held", 400, 13160000),
			"blocked.jsonl": payouts("blocked", 3, 30000), "wrong.jsonl": payouts("wrong", 2, 20000), "pagos.csv": table("pago", 120, 13160000),
		},
		script: `fault virtualpos '[{"kind":"hang_up_before","reference":"held"},{"kind":"hang_up_after","reference":"tef"},{"kind":"bare_404","reference":"tef"}]'
work
enqueue submit doubt.jsonl
enqueue submit held.jsonl
await in_doubt 1
await held 400
enqueue submit blocked.jsonl
await blocked 3
`,
		before: map[string]string{
			"enqueue cancel --file claves.txt": "enqueue submit wrong.jsonl | grep -o 'virtualpos/[a-z0-9-]*' > claves.txt",
		},
	}
}
