package i18n

import "fmt"

var filesEnglish = Files{
	NothingEnqueued: "nothing was enqueued",
	Row:             func(row, problem string) string { return "row " + row + ": " + problem },
	Cell:            func(row, column, problem string) string { return fmt.Sprintf("row %s, %q: %s", row, column, problem) },
	Header:          func(problem string) string { return "header: " + problem },
	Read:            filesReadEnglish,
	Heading:         filesHeadingEnglish,
	Problem:         filesProblemEnglish,
	DryRun: FilesDryRun{
		NotCompared: func(redis string) string {
			return "redis at " + redis + " does not answer: the dry run does not compare with what is registered there"
		},
		Nothing: "dry run: no payment would be enqueued",
		Would: func(n Number, sums string) string {
			return "dry run: " + n.of("payment", "payments") + " would be enqueued, sum " + sums
		},
		And: " and ",
		TooMany: func(n Number) string {
			return "rows behind the first " + n.Text + " payments were not compared with each other"
		},
	},
	Template: FilesTemplate{
		Required: "required", Optional: "optional", Sheet: "Payments", HelpSheet: "Explanation", Column: "Column", Field: "Field", Need: "Required", Write: "What to write",
		Texts: map[string]string{
			"type":                   "payout or charge",
			"provider":               "the provider's name; leave it as it is",
			"merchant_id":            "your reference, different for every payment: letters, digits, dots, dashes and underscores",
			"txnid":                  "your reference, different for every charge: letters, digits, dots, dashes and underscores",
			"amount":                 "digits alone, with a point before decimals: 12500 or 149.50",
			"currency":               "the currency's code; leave it as it is",
			"description":            "what the beneficiary or payer reads",
			"recipient.document":     "the beneficiary's RUT with its check digit: 12345678-5",
			"recipient.name":         "the beneficiary's name",
			"recipient.email":        "the beneficiary's e-mail address",
			"bank.code":              "the bank's code or its exact name; keep zeros in front",
			"bank.account_number":    "the account number, as text: keep zeros in front",
			"bank.account_type":      "corriente, vista or ahorro",
			"customer.id":            "the payer's id at the provider",
			"customer.document":      "the payer's document number; a RUT with its check digit",
			"customer.document_type": "1 or CC (cédula), 2 or CE (cédula de extranjería), 3 or pasaporte",
			"customer.name":          "the payer's name",
			"customer.first_names":   "the payer's first names",
			"customer.last_names":    "the payer's last names",
			"customer.email":         "the payer's e-mail address",
			"customer.phone":         "the payer's phone: 7 or 10 digits",
			"customer.address":       "the payer's address",
			"customer.city":          "the payer's city",
			"card.token":             "the token of the card, never its number",
			"card.brand":             "the card's brand, such as MasterCard",
			"card.expiry_month":      "month of expiry, 1 to 12",
			"card.expiry_year":       "year of expiry, two digits",
			"card.installments":      "number of instalments, 1 to 36",
			"agreement":              "the id of the contract with the payer",
			"details.debtor":         "the debtor's id at the provider",
			"details.creditor":       "the creditor's id at the provider",
			"details.instruction":    "the id of the payment instruction",
			"details.dtes":           "the ids of the tax documents, joined with ;",
			"details.paid_on":        "the bank's date of the payment: 2026-05-15",
			"details.user_bank_code": "the payer's bank, such as cl_estado",
		},
	},
}

var filesReadEnglish = FilesRead{
	Text: func(charset, separator, header string, rows Number) string {
		return fmt.Sprintf("read as %s, separated by %s, header in row %s, %s", charset, separator, header, rows.of("row", "rows"))
	},
	Sheet: func(sheet, header string, rows Number) string {
		return fmt.Sprintf("read the sheet %q, header in row %s, %s", sheet, header, rows.of("row", "rows"))
	},
	OtherSheets:   func(sheets string) string { return "other sheets are not read: " + sheets },
	ByteOrderMark: "UTF-8 with a byte order mark",
	ToldBySep:     " (sep= names the separator)",
	Tab:           "tabs",
	Separator:     func(sign string) string { return `"` + sign + `"` },
	EmptyRows:     func(n Number) string { return n.of("empty row", "empty rows") + " skipped" },
	Comments:      func(n Number) string { return n.of("row", "rows") + " of explanation (#) below the header skipped" },
	HiddenRows: func(n Number) string {
		return n.of("row that the sheet hides was", "rows that the sheet hides were") + " read like all others"
	},
	ShortCodes: func(n Number) string {
		return n.of("bank code", "bank codes") + " had lost zeros in front, and got them back (12 is read as 012)"
	},
	Apostrophes: func(n Number) string {
		return n.of("apostrophe", "apostrophes") + " before numbers left out ('0012 is read as 0012)"
	},
	Open:        "the last line has no end: check that the file is whole, it may have been cut",
	OpenRefused: "the last line has no end: the file may have been cut",
	Security:    "Banco Security became a part of BICE in November 2025: ask whether its code still leads to the account",
	Charset:     `neither UTF-8 nor Windows-1252 nor whole UTF-16: save the file as "CSV UTF-8"`,
	Separators:  `two separators are equally likely: save the file with one, or put a line such as "sep=;" first`,
	NoSeparator: "sep= must name a semicolon, a tab, a comma or a vertical bar",
	TooLarge:    `the workbook is too large: save the sheet as "CSV UTF-8"`,
	NoWorkbook:  "not a workbook (.xlsx) that can be read",
}

var filesHeadingEnglish = FilesHeading{
	None:  "the first row must name the columns, and none of its names is known",
	Below: func(row string) string { return "it is in row " + row + ": delete the rows above it" },
	Unknown: func(column, near string) string {
		return fmt.Sprintf("unknown column %q. Delete it, or say with --map what it is. Did you mean %q?", column, near)
	},
	Twice: func(column, other, field string) string {
		return fmt.Sprintf("the columns %q and %q are one field (%s): delete one, or say with --map what it is", column, other, field)
	},
	Funding: func(column, flag string) string {
		return fmt.Sprintf("the column %q is of the account that pays, which is not read: delete it, or leave it out with %s", column, flag)
	},
	Cards: "the file has a column for card numbers or security codes, which are not accepted: only tokens are",
	ByMapOnly: func(column, flag, without string) string {
		return fmt.Sprintf("the column %q may mean several things: say which, as in %s, or leave it out with %s", column, flag, without)
	},
	UnusedMapping: func(column string) string {
		return fmt.Sprintf("--map names the column %q, which the file does not have", column)
	},
}

var filesProblemEnglish = FilesProblem{
	AmountUnclear:   "it cannot be told whether the sign separates thousands or decimals. Write 12500, or use --locale es-CL (es-CO, es-MX)",
	AmountNegative:  "a negative amount, or one in parentheses, is not paid",
	AmountForm:      "not an amount. Write 12500, or use --locale es-CL (es-CO, es-MX)",
	Shortened:       "a spreadsheet shortened the number. Give the column the format Text, and type it again",
	NumberCell:      "the cell is a number, which loses zeros and digits. Give the column the format Text, and type it again",
	FailedCell:      "the formula has no value. Paste values instead",
	NoCheckDigit:    "the check digit is missing. Write 12345678-5, or add a column DV",
	OtherCheckDigit: "the check digit differs from that in the column beside it",
	UnknownBank: func(near string) string {
		return fmt.Sprintf("no bank has exactly this name or code. Did you mean %q?", near)
	},
	TotalRow:     "a row of totals is no payment. Delete it",
	NamelessCell: "a cell stands under no column. Name the column, or delete the cell",
	DocumentType: "write CC, CE or pasaporte: numbers mean different documents at different banks",
	Twice: func(row, first string) string {
		return "row " + row + ": the same payment is in row " + first + ". It is paid once"
	},
	TwiceOtherAmount: func(row, first string) string {
		return "row " + row + ": the same reference is in row " + first + " with another amount. This row is not submitted"
	},
	TwiceOtherContent: func(row, first string) string {
		return "row " + row + ": the same reference is in row " + first + " with other content. This row is not submitted"
	},
	ConflictAmount: func(row string) string {
		return "row " + row + ": this reference is registered with another amount (conflict). Use another reference if it is another payment"
	},
	ConflictContent: func(row string) string {
		return "row " + row + ": this reference is registered with other content (conflict). Use another reference if it is another payment"
	},
}
