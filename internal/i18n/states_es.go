package i18n

var statesSpanish = States{
	Payment: "operación", Payout: "pago", Charge: "cobro",
	Label: StateLabels{
		Queued: "En cola", Sending: "Enviando", Ready: "Por reenviar", InDoubt: "En duda", Pending: "En proceso", PendingPayer: "Esperando al pagador",
		Held: "Por revisar", Blocked: "Bloqueado", Succeeded: "Ejecutado", Paid: "Pagado", Charged: "Cobrado", Failed: "Fallido", Reversed: "Reversado",
	},
	Sentence: StateSentences{
		Queued:            "Registrado; aún no se envía. Se puede cancelar.",
		Sending:           "Un intento está en curso; espere su resultado.",
		Ready:             "El intento anterior terminó sin ejecutarse; se enviará de nuevo.",
		ReadyMayHaveLeft:  "Se enviará de nuevo. No consta que un intento anterior no se ejecutó.",
		InDoubt:           "Pudo ejecutarse. No se reenvía mientras se pregunta al proveedor de pago.",
		Pending:           "El proveedor de pago lo tiene y decidirá.",
		PendingPayer:      "El pagador debe autorizarlo.",
		Held:              "El sistema no pudo saber si se ejecutó. Una persona debe resolverlo con un comprobante.",
		Blocked:           "Detenido antes del primer envío por un tope. Libérelo o cancélelo.",
		Succeeded:         "Confirmado por el proveedor de pago.",
		SucceededAt:       func(at string) string { return "Confirmado por el proveedor de pago el " + at + "." },
		SucceededByHand:   func(by string) string { return "Dado por ejecutado por " + by + "." },
		Failed:            func(reason string) string { return "No se ejecutó: " + reason + "." },
		FailedMayHaveLeft: func(reason string) string { return "Dado por fallido: " + reason + ". No consta que no se ejecutó." },
		FailedByHand:      func(by string) string { return "Dado por fallido por " + by + "; no consta que no se ejecutó." },
		Reversed:          "Se ejecutó y después fue devuelto.",
		Anomaly:           "Hay una anomalía: una persona debe decidir.",
		Somebody:          "un operador",
		Unknown:           "Esta versión no conoce el estado.",
	},
	Reason: FailureReasons{
		Cancelled: "cancelado", Expired: "vencido", Unpaid: "el pagador no pagó a tiempo", InvalidDetails: "datos inválidos", Refused: "rechazado",
	},
	Answer: Answers{
		Pay: "Solicitud de pago", Charge: "Solicitud de cobro", Status: "Consulta de estado", NoResponse: "sin respuesta HTTP",
		Class: map[string]string{
			"succeeded": "ejecutado", "pending": "el proveedor de pago decide más tarde", "refused": "rechazado", "not_found": "no encontrado",
			"in_doubt": "no dice qué pasó", "duplicate": "la referencia ya se conoce", "mismatch": "trata de otra cosa",
			"not_sent": "nada se ejecutó", "credentials": "se rechazaron las credenciales", "unknown": "de una clase desconocida",
		},
		After: func(milliseconds Number) string { return "en " + milliseconds.Text + " ms" },
		Same: func(times Number, last string) string {
			return "; la misma respuesta llegó " + times.Text + " veces, la última: " + last
		},
	},
}
