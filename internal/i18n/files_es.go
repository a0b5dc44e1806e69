package i18n

import "fmt"

var filesSpanish = Files{
	NothingEnqueued: "no se envió nada",
	Row:             func(row, problem string) string { return "fila " + row + ": " + problem },
	Cell:            func(row, column, problem string) string { return "fila " + row + ", «" + column + "»: " + problem },
	Header:          func(problem string) string { return "encabezado: " + problem },
	Read:            filesReadSpanish,
	Heading:         filesHeadingSpanish,
	Problem:         filesProblemSpanish,
	DryRun: FilesDryRun{
		NotCompared: func(redis string) string {
			return "Redis en " + redis + " no responde: la simulación no compara con lo que está registrado ahí"
		},
		Nothing: "simulación: no se enviaría ningún pago",
		Would: func(n Number, sums string) string {
			return sendsSpanish(n) + n.of("operación", "operaciones") + " por " + sums
		},
		And: " y ",
		TooMany: func(n Number) string {
			return "las filas que siguen a las primeras " + n.Text + " no se compararon entre sí"
		},
	},
	Template: FilesTemplate{
		Required: "obligatorio", Optional: "opcional", Sheet: "Pagos", HelpSheet: "Ayuda", Column: "Columna", Field: "Campo", Need: "Obligatorio", Write: "Qué escribir",
		Texts: map[string]string{
			"type":                   "pago o cobro",
			"provider":               "el proveedor de pago; déjelo como está",
			"merchant_id":            "su referencia, distinta en cada pago: letras, dígitos, puntos y guiones",
			"txnid":                  "su referencia, distinta en cada cobro: letras, dígitos, puntos y guiones",
			"amount":                 "solo dígitos, con punto antes de los decimales: 12500 o 149.50",
			"currency":               "el código de la moneda; déjelo como está",
			"description":            "lo que leerá el beneficiario o el pagador",
			"recipient.document":     "RUT del beneficiario con su dígito verificador: 12345678-5",
			"recipient.name":         "nombre del beneficiario",
			"recipient.email":        "correo del beneficiario",
			"bank.code":              "código del banco o su nombre exacto; conserve los ceros",
			"bank.account_number":    "número de cuenta, como texto: conserve los ceros",
			"bank.account_type":      "corriente, vista o ahorro",
			"customer.id":            "id del pagador en el proveedor de pago",
			"customer.document":      "número de documento del pagador; un RUT, con su dígito verificador",
			"customer.document_type": "CC (cédula), CE (cédula de extranjería) o pasaporte",
			"customer.name":          "nombre del pagador",
			"customer.first_names":   "nombres del pagador",
			"customer.last_names":    "apellidos del pagador",
			"customer.email":         "correo del pagador",
			"customer.phone":         "teléfono del pagador: 7 o 10 dígitos",
			"customer.address":       "dirección del pagador",
			"customer.city":          "ciudad del pagador",
			"card.token":             "token de la tarjeta, nunca su número",
			"card.brand":             "franquicia de la tarjeta, como MasterCard",
			"card.expiry_month":      "mes de vencimiento, de 1 a 12",
			"card.expiry_year":       "año de vencimiento, dos dígitos",
			"card.installments":      "número de cuotas, de 1 a 36",
			"agreement":              "id del contrato con el pagador",
			"details.debtor":         "id del deudor en el proveedor de pago",
			"details.creditor":       "id del acreedor en el proveedor de pago",
			"details.instruction":    "id de la instrucción de pago",
			"details.dtes":           "ids de los documentos tributarios, separados por ;",
			"details.paid_on":        "fecha bancaria del pago: 2026-05-15",
			"details.user_bank_code": "banco del pagador, como cl_estado",
		},
	},
}

var filesReadSpanish = FilesRead{
	Text: func(charset, separator, header string, rows Number) string {
		return fmt.Sprintf("leído como %s, separado por %s, encabezado en la fila %s, %s", charset, separator, header, rows.of("fila", "filas"))
	},
	Sheet: func(sheet, header string, rows Number) string {
		return fmt.Sprintf("se leyó la hoja «%s», encabezado en la fila %s, %s", sheet, header, rows.of("fila", "filas"))
	},
	OtherSheets:   func(sheets string) string { return "no se leen las otras hojas: " + sheets },
	ByteOrderMark: "UTF-8 con BOM",
	ToldBySep:     " (sep= indica el separador)",
	Tab:           "tabuladores",
	Separator:     func(sign string) string { return "«" + sign + "»" },
	EmptyRows:     func(n Number) string { return skippedSpanish(n) + n.of("fila vacía", "filas vacías") },
	Comments: func(n Number) string {
		return skippedSpanish(n) + n.of("fila", "filas") + " de explicación (#) bajo el encabezado"
	},
	HiddenRows: func(n Number) string {
		return n.of("fila oculta se leyó como las demás", "filas ocultas se leyeron como las demás")
	},
	ShortCodes: func(n Number) string {
		return n.of("código de banco", "códigos de banco") + " sin ceros a la izquierda: se agregaron (12 se lee como 012)"
	},
	Apostrophes: func(n Number) string {
		return "se quitaron " + n.of("apóstrofo", "apóstrofos") + " delante de números ('0012 se lee como 0012)"
	},
	Open:        "la última línea no tiene fin: revise que el archivo esté completo, puede estar cortado",
	OpenRefused: "la última línea no tiene fin: el archivo puede estar cortado",
	Security:    "Banco Security es parte de BICE desde noviembre de 2025: pregunte si su código aún llega a la cuenta",
	Charset:     "no es UTF-8, ni Windows-1252, ni UTF-16 completo: guarde el archivo como «CSV UTF-8»",
	Separators:  "dos separadores son igualmente posibles: guarde el archivo con uno, o agregue una primera línea «sep=;»",
	NoSeparator: "sep= debe indicar punto y coma, tabulador, coma o barra vertical",
	TooLarge:    "el libro de Excel es demasiado grande: guarde la hoja como «CSV UTF-8»",
	NoWorkbook:  "no es un libro de Excel (.xlsx) que se pueda leer",
}

var filesHeadingSpanish = FilesHeading{
	None:  "la primera fila debe nombrar las columnas, y no se conoce ninguna",
	Below: func(row string) string { return "está en la fila " + row + ": borre las filas que tiene encima" },
	Unknown: func(column, near string) string {
		return "no se conoce la columna «" + column + "». Quítela o asígnela con --map. ¿Quiso decir «" + near + "»?"
	},
	Twice: func(column, other, field string) string {
		return "las columnas «" + column + "» y «" + other + "» son el mismo campo (" + field + "): quite una o asígnela con --map"
	},
	Funding: func(column, flag string) string {
		return "la columna «" + column + "» es de la cuenta que paga, y no se lee: quítela, o déjela fuera con " + flag
	},
	Cards: "el archivo contiene una columna para números de tarjeta o códigos de seguridad: no se aceptan, solo tokens",
	ByMapOnly: func(column, flag, without string) string {
		return "la columna «" + column + "» puede significar varias cosas: indique cuál, como en " + flag + ", o déjela fuera con " + without
	},
	UnusedMapping: func(column string) string {
		return "--map nombra la columna «" + column + "», que no está en el archivo"
	},
}

var filesProblemSpanish = FilesProblem{
	AmountUnclear:   "no se sabe si el punto o la coma separa miles o decimales. Escriba 12500 o use --locale es-CL (es-CO, es-MX)",
	AmountNegative:  "no se paga un monto negativo ni entre paréntesis",
	AmountForm:      "no es un monto. Escriba 12500 o use --locale es-CL (es-CO, es-MX)",
	Shortened:       "Excel acortó el número. Dé formato Texto a la columna y escríbalo de nuevo",
	NumberCell:      "la celda es un número y pierde ceros y dígitos. Dé formato Texto a la columna y escríbalo de nuevo",
	FailedCell:      "la fórmula no tiene valor. Pegue valores en su lugar",
	NoCheckDigit:    "falta el dígito verificador. Escriba 12345678-5 o agregue una columna DV",
	OtherCheckDigit: "el dígito verificador no es el de la columna que está al lado",
	UnknownBank: func(near string) string {
		return "ningún banco tiene exactamente este nombre o código. ¿Quiso decir «" + near + "»?"
	},
	TotalRow:     "una fila de totales no es un pago. Bórrela",
	NamelessCell: "hay una celda sin columna. Nombre la columna o borre la celda",
	DocumentType: "escriba CC, CE o pasaporte: los números significan documentos distintos en cada banco",
	Twice: func(row, first string) string {
		return "fila " + row + ": el mismo pago está en la fila " + first + ". Se paga una sola vez"
	},
	TwiceOtherAmount: func(row, first string) string {
		return "fila " + row + ": la misma referencia está en la fila " + first + " con otro monto. Esta fila no se envió"
	},
	TwiceOtherContent: func(row, first string) string {
		return "fila " + row + ": la misma referencia está en la fila " + first + " con otro contenido. Esta fila no se envió"
	},
	ConflictAmount: func(row string) string {
		return "fila " + row + ": esta referencia ya existe con otro monto (conflicto). Use otra referencia si es un pago distinto"
	},
	ConflictContent: func(row string) string {
		return "fila " + row + ": esta referencia ya existe con otro contenido (conflicto). Use otra referencia si es un pago distinto"
	},
}

// skippedSpanish agrees with what was skipped.
func skippedSpanish(n Number) string {
	if n.N == 1 {
		return "se saltó "
	}
	return "se saltaron "
}

func sendsSpanish(n Number) string {
	if n.N == 1 {
		return "simulación: se enviaría "
	}
	return "simulación: se enviarían "
}
