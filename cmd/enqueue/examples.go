package main

import "github.com/remesa/remesa/internal/shell"

// examples are those in each command's help.
func examples() shell.Examples {
	return shell.Examples{
		"export": {
			"enqueue export", "enqueue export --dir /var/lib/remesa/archive --zone America/Santiago --csv",
			"enqueue export --from 2026-11-01 --to 2026-11-30 --zone America/Bogota",
		},
		"verify": {"enqueue verify payments.jsonl", "enqueue verify /var/lib/remesa/archive", "enqueue verify --against-ledger /var/lib/remesa/archive"},
		"reconcile": {
			"enqueue reconcile --provider virtualpos --statement cartola.xlsx",
			"enqueue reconcile --provider virtualpos --statement cartola.csv --json --propose keys.txt",
			`enqueue reconcile --provider virtualpos --statement cartola.csv --record --kind paid_twice --confirm-count 1 --confirm-sum CLP=12500 --by ana --note "told the bank"`,
			"enqueue reconcile --mappings",
		},
		"submit": {
			"enqueue submit payouts.jsonl",
			"enqueue submit --dry-run payouts.csv",
			"enqueue submit --expect-count 120 --expect-sum CLP=13160000 payouts.csv",
			"enqueue submit --locale es-CL --dry-run pagos.xlsx",
			`enqueue submit --map "Centro de costo=metadata.centro" pagos.csv`,
			"jq -c .payouts[] export.json | enqueue submit",
		},
		"template": {"enqueue template virtualpos", "enqueue template virtualpos --xlsx -o pagos.xlsx"},
		"show":     {"enqueue show tef-0001", "enqueue show virtualpos/tef-0001 | jq .state"},
		"explain":  {"enqueue explain tef-0001", "enqueue explain tef-0001 --json"},
		"list": {
			"enqueue list --state held",
			"enqueue list --state failed --since 24h --limit 20",
			"enqueue list --anomalies --json",
			"enqueue list --rejected",
		},
		"resolve": {
			`enqueue resolve tef-0001 --as succeeded --provider-id 77 --by ana --note "statement of 12 May"`,
			`enqueue resolve --file keys.txt --as failed --confirm-count 2 --confirm-sum CLP=25000 --by ana --note "panel says rejected"`,
			`enqueue resolve tef-0001 --anomaly accept --by ana --note "the statement has it"`,
		},
		"retry": {`enqueue retry tef-0001 --by ana --note "the account was corrected"`},
		"release": {
			`enqueue release tef-0001 --by ana --note "two invoices of one day"`,
			`enqueue release --all --provider virtualpos --code limit_day --confirm-count 3 --confirm-sum CLP=900000 --by ana --note "payroll"`,
		},
		"cancel": {
			`enqueue cancel tef-0001 tef-0002 --by ana --note "invoices withdrawn"`,
			`enqueue cancel --file keys.txt --confirm-count 2 --confirm-sum CLP=25000 --by ana --note "wrong file"`,
		},
		"halt":   {`enqueue halt --provider virtualpos --by ana --note "wrong payroll"`},
		"unhalt": {`enqueue unhalt --provider virtualpos --by ana --note "checked"`},
		"forgot open": {
			`enqueue forgot open --provider virtualpos --at 2026-05-12T03:00:00Z --by ana --note "backup of 3 o'clock"`,
		},
		"forgot show": {"enqueue forgot show --provider virtualpos"},
		"forgot close": {
			`enqueue forgot close --provider virtualpos --by ana --note "compared with the panel"`,
		},
		"partitions":        {"enqueue partitions --provider virtualpos", "enqueue partitions --provider virtualpos --to 6"},
		"totals":            {"enqueue totals", "enqueue totals --from 2026-11-01 --to 2026-11-30 --provider virtualpos"},
		"watch":             {"enqueue watch --provider virtualpos", "enqueue watch --from 24h --no-follow"},
		"subscription add":  {"enqueue subscription add subscriptions.jsonl"},
		"subscription list": {"enqueue subscription list", "enqueue subscription list --json"},
		"subscription show": {"enqueue subscription show sub-0001"},
		"subscription pause": {
			`enqueue subscription pause sub-0001 --by ana --note "asked by the customer"`,
		},
		"subscription resume": {`enqueue subscription resume sub-0001 --by ana --note "new card"`},
		"subscription cancel": {`enqueue subscription cancel sub-0001 --by ana --note "contract ended"`},
		"subscription change": {`enqueue subscription change sub-0001 --amount 34900 --by ana --note "new price"`},
		"serve":               {"enqueue serve", "enqueue serve --addr 127.0.0.1:8090"},
		"apikey create":       {"enqueue apikey create --scope submit:virtualpos,read billing"},
		"apikey list":         {"enqueue apikey list"},
		"apikey revoke":       {"enqueue apikey revoke 3f9a1c20"},
		"hashcard":            {"enqueue hashcard --provider pagoseguro"},
		"completion":          {"source <(enqueue completion bash)", "enqueue completion fish | source"},
		"webhook list":        {"enqueue webhook list", "enqueue webhook list billing --parked"},
		"webhook resend": {
			`enqueue webhook resend virtualpos/tef-0001 --receiver billing --by ana --note "lost in their migration"`,
			`enqueue webhook resend --parked --receiver billing --by ana --note "their server is back"`,
		},
		"webhook test": {"enqueue webhook test billing"},
	}
}
