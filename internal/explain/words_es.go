package explain

import (
	"strings"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/internal/i18n"
)

const (
	askedFirstEs = " Se pregunta al proveedor de pago antes de enviar algo de nuevo."
	cannotAskEs  = " No se puede preguntar por él al proveedor de pago, así que queda por revisar: decide un operador, y no se envía de nuevo."
	refusedEs    = "Las consultas de estado dicen que el proveedor de pago lo rechazó, y ningún otro intento pudo ejecutarse: quedó fallido."
	foundEs      = "Una consulta de estado dice que se ejecutó: quedó ejecutado."
	foundWaitEs  = "Una consulta de estado dice que el proveedor de pago lo tiene y decide más tarde. No se envía de nuevo."
	unusableEs   = "Un trabajador no pudo usar sus datos tal como están guardados. No se dio por fallido, porque un intento pudo ejecutarse u olvidarse, o alguien " +
		"pudo cambiar los datos: queda por revisar por un operador."
	rejectedEs = "Un trabajador no pudo usar sus datos tal como están guardados, y ningún intento registrado pudo ejecutarse: quedó fallido."

	checkAtProviderEs      = "busque la referencia en el proveedor de pago o en el banco y después resuélvalo."
	checkAtProviderAloneEs = "Busque la referencia en el proveedor de pago o en el banco y después resuélvalo."
	releaseOrCancelEs      = " y después libérelo o cancélelo."
)

var spanish = words{
	Notes: map[noted]string{
		{idempotency.Failed, "deadline passed"}: "Pasó su fecha límite sin que ningún intento registrado pudiera haberse ejecutado: quedó fallido.",
		{idempotency.Held, "deadline passed"}:   "Pasó su fecha límite y un intento pudo haberse ejecutado: no se dio por fallido, queda por revisar por un operador.",

		{idempotency.Ready, "lease lapsed"}:   "El intento no informó mientras tenía el pago. No había llegado al paso que mueve dinero, así que se puede enviar de nuevo.",
		{idempotency.InDoubt, "lease lapsed"}: "El intento no informó mientras lo tenía, y pudo ejecutarse." + askedFirstEs,
		{idempotency.Held, "lease lapsed"}:    "El intento no informó mientras lo tenía, y pudo ejecutarse." + cannotAskEs,

		{idempotency.Succeeded, "late result"}:       "Un informe tardío dijo que se ejecutó: quedó ejecutado.",
		{idempotency.Failed, "late result"}:          "Un informe tardío dijo que el proveedor de pago rechazó el intento. Ningún otro pudo ejecutarse: quedó fallido.",
		{idempotency.Pending, "late result"}:         "Un informe tardío dijo que el proveedor de pago lo tiene y decide más tarde. No se envía de nuevo.",
		{idempotency.Ready, "late result: not sent"}: "Un informe tardío dijo que el intento no envió nada. Ningún otro pudo haber salido, así que se puede enviar de nuevo.",
		{idempotency.Held, "late result: pending"}:   "Un informe tardío dijo que el proveedor de pago lo tiene. Sigue por revisar.",
		{"", "late success of another attempt"}:      "Mientras este intento enviaba, se supo que otro se ejecutó.",
		{"", "provider id recorded"}:                 "Se supo el id. del proveedor.",
		{"", "the payer's time is over"}:             "Se acabó el tiempo del pagador, y se retiró su enlace.",
		{"", "the provider says: pending"}:           "Una consulta de estado dice que el proveedor de pago lo tiene y decide más tarde. Sigue por revisar.",
		{idempotency.Failed, "nobody paid in time"}:  "Se acabó el tiempo del pagador, y una consulta de estado lo encontró sin pagar: quedó fallido.",
		{idempotency.Ready, "not found"}:             "Las consultas de estado no lo encontraron en el proveedor de pago, tantas veces como pide la configuración: se puede enviar de nuevo.",
		{idempotency.Held, "no final answer by the poll deadline"}: "El proveedor de pago no dio una respuesta definitiva dentro del plazo: queda por revisar por un operador y no se " +
			"envía de nuevo.",
		{idempotency.Held, "the provider does not know it"}: "Las consultas de estado no lo encontraron en el proveedor de pago, tantas veces como pide la configuración. No se " +
			"envía de nuevo por sí solo: decide un operador.",
		{idempotency.Ready, "not found; double risk accepted"}: "Una consulta de estado no lo encontró. Un operador había aceptado el riesgo de pago doble, así que se puede enviar de nuevo.",
		{idempotency.Held, "not found, but no status query of this account has ever found a payment"}: "Las consultas de estado no lo encontraron. Pero ninguna " +
			"consulta de este perfil de credenciales ha encontrado nunca nada, así que eso no prueba nada: no se envía de nuevo y queda por revisar por un operador.",
		{idempotency.Held, "the provider has a payment under this reference that is not proven to be ours"}: "Una consulta de estado encontró con su referencia algo " +
			"que no consta que sea nuestro: queda por revisar por un operador.",
		{idempotency.Held, "the payer's time is over, and the provider did not say that nobody paid"}: "Se acabó el tiempo del pagador, y el proveedor de pago no dijo " +
			"que nadie pagó: queda por revisar por un operador.",
		{idempotency.Held, "refused, but another attempt may have been executed"}: "Las consultas de estado dicen que fue rechazado, pero otro intento pudo ejecutarse: " +
			"queda por revisar por un operador.",

		{"", "the record did not show that this attempt was sent"}: "Informó un intento que, según el registro, no se había enviado.",
		{idempotency.InDoubt, "it must be queried first"}:          "Lo que informó el intento deja abierto si se ejecutó." + askedFirstEs,
		{idempotency.Held, "it must be queried first"}:             "Lo que informó el intento deja abierto si se ejecutó." + cannotAskEs,
		{idempotency.InDoubt, "a late result must be queried"}:     "Este intento no envió nada, pero el informe de otro está abierto." + askedFirstEs,
		{idempotency.Held, "a late result must be queried"}:        "Este intento no envió nada, pero el informe de otro está abierto." + cannotAskEs,

		{idempotency.InDoubt, "the store forgot sends; this may be one of them"}: "Se sabe que Redis olvidó envíos, y este puede ser uno de ellos." + askedFirstEs,
		{idempotency.Held, "the store forgot sends; this may be one of them"}:    "Se sabe que Redis olvidó envíos, y este puede ser uno de ellos." + cannotAskEs,
		{idempotency.InDoubt, "recorded again: the store had lost it"}: "Redis lo había perdido, y un trabajador que lo tenía lo registró de nuevo: pudo " +
			"ejecutarse." + askedFirstEs,
		{idempotency.Held, "recorded again: the store had lost it"}: "Redis lo había perdido, y un trabajador que lo tenía lo registró de nuevo: pudo " +
			"ejecutarse." + cannotAskEs,
	},
	Steps: map[change]string{
		{idempotency.Blocked, idempotency.Queued}:     "Un operador lo liberó: lo que lo bloqueó ya no lo detiene",
		{idempotency.Queued, idempotency.Failed}:      "Un operador lo canceló antes de que se enviara",
		{idempotency.Ready, idempotency.Failed}:       "Un operador lo canceló, cuando ningún intento registrado pudo haberse ejecutado",
		{idempotency.Blocked, idempotency.Failed}:     "Un operador lo canceló antes de que se enviara",
		{idempotency.Ready, idempotency.Ready}:        "Un operador lo dejó salir antes de su hora",
		{idempotency.Failed, idempotency.Ready}:       "Un operador lo hizo comenzar de nuevo",
		{idempotency.Failed, idempotency.InDoubt}:     "Un operador lo hizo comenzar de nuevo y aceptó el riesgo de pago doble; primero se pregunta al proveedor de pago",
		{idempotency.Held, idempotency.Ready}:         "Un operador lo hizo enviar aunque Redis pudo olvidar un envío suyo",
		{idempotency.InDoubt, idempotency.Succeeded}:  "Un operador lo dio por ejecutado",
		{idempotency.Pending, idempotency.Succeeded}:  "Un operador lo dio por ejecutado",
		{idempotency.Held, idempotency.Succeeded}:     "Un operador lo dio por ejecutado",
		{idempotency.InDoubt, idempotency.Failed}:     "Un operador lo dio por fallido",
		{idempotency.Pending, idempotency.Failed}:     "Un operador lo dio por fallido",
		{idempotency.Held, idempotency.Failed}:        "Un operador lo dio por fallido o por no recibido",
		{idempotency.Failed, idempotency.Failed}:      "Un operador cerró sus intentos: según él, nada se ejecutó",
		{idempotency.Failed, idempotency.Succeeded}:   "Un operador resolvió la anomalía: sí se ejecutó",
		{idempotency.Succeeded, idempotency.Reversed}: "Un operador resolvió la anomalía: los fondos fueron devueltos",
	},
	Changes: map[change]string{
		{"", idempotency.Queued}:                     "Se registró y espera su envío.",
		{idempotency.Queued, idempotency.Sending}:    "Comenzó el intento #: desde aquí su solicitud puede salir.",
		{idempotency.Ready, idempotency.Sending}:     "Comenzó el intento #: desde aquí su solicitud puede salir.",
		{idempotency.Queued, idempotency.Blocked}:    "Se bloqueó antes de enviarse. No se envía hasta que un operador lo libere.",
		{idempotency.Queued, idempotency.Failed}:     rejectedEs,
		{idempotency.Ready, idempotency.Failed}:      rejectedEs,
		{idempotency.Ready, idempotency.Blocked}:     "Se bloqueó antes de enviarse de nuevo. No se envía hasta que un operador lo libere.",
		{idempotency.Queued, idempotency.Held}:       unusableEs,
		{idempotency.Ready, idempotency.Held}:        unusableEs,
		{idempotency.Sending, idempotency.Ready}:     "El intento no se ejecutó, así que se puede enviar de nuevo.",
		{idempotency.Sending, idempotency.Succeeded}: "El intento informó que se ejecutó: quedó ejecutado.",
		{idempotency.Sending, idempotency.Failed}:    "El intento informó que el proveedor de pago lo rechazó, y ningún otro pudo ejecutarse: quedó fallido.",
		{idempotency.Sending, idempotency.Pending}:   "El intento informó que el proveedor de pago lo tiene y decide más tarde. No se envía de nuevo.",
		{idempotency.Sending, idempotency.InDoubt}:   "El intento terminó y no se sabe si se ejecutó." + askedFirstEs,
		{idempotency.Sending, idempotency.Held}:      "El intento terminó y ninguna máquina puede saber qué pasó: queda por revisar por un operador.",
		{idempotency.InDoubt, idempotency.Held}:      "Ninguna máquina puede saber qué pasó: queda por revisar por un operador y no se envía de nuevo.",
		{idempotency.Pending, idempotency.Held}:      "Ninguna máquina puede saber qué pasó: queda por revisar por un operador y no se envía de nuevo.",
		{idempotency.Ready, idempotency.Succeeded}:   foundEs,
		{idempotency.InDoubt, idempotency.Succeeded}: foundEs,
		{idempotency.Pending, idempotency.Succeeded}: foundEs,
		{idempotency.Held, idempotency.Succeeded}:    foundEs,
		{idempotency.InDoubt, idempotency.Failed}:    refusedEs,
		{idempotency.Pending, idempotency.Failed}:    refusedEs,
		{idempotency.Held, idempotency.Failed}:       refusedEs,
		{idempotency.Ready, idempotency.Pending}:     foundWaitEs,
		{idempotency.InDoubt, idempotency.Pending}:   foundWaitEs,
	},
	Plain: map[idempotency.State]string{
		idempotency.Queued:    "Espera su envío.",
		idempotency.Sending:   "Un intento lo tiene.",
		idempotency.Ready:     "Se puede enviar de nuevo.",
		idempotency.InDoubt:   "No se sabe si se ejecutó." + askedFirstEs,
		idempotency.Pending:   "El proveedor de pago lo tiene y decide más tarde.",
		idempotency.Held:      "Queda por revisar por un operador.",
		idempotency.Blocked:   "Está bloqueado.",
		idempotency.Succeeded: "Se ejecutó.",
		idempotency.Failed:    "Quedó fallido.",
		idempotency.Reversed:  "Fue reversado.",
	},
	Meanings: map[idempotency.State]string{
		idempotency.Queued:    "registrado, nunca comenzado",
		idempotency.Sending:   "un intento lo tiene; su solicitud pudo salir",
		idempotency.Ready:     "comenzó antes, consta que no se ejecutó, y se enviará de nuevo",
		idempotency.InDoubt:   "pudo ejecutarse; se está preguntando al proveedor de pago",
		idempotency.Pending:   "el proveedor de pago decide más tarde, o el pagador debe actuar",
		idempotency.Held:      "en duda, y decide un operador",
		idempotency.Blocked:   "detenido antes del primer envío",
		idempotency.Succeeded: "se ejecutó",
		idempotency.Failed:    "no se ejecutó, hasta donde se sabe",
		idempotency.Reversed:  "se ejecutó y fue devuelto",
	},
	Codes: map[string]string{
		"already_registered":               "alguien más lo registró antes",
		"cancelled":                        "un operador lo canceló antes de que se enviara",
		"expired":                          "pasó su fecha límite",
		"expired_unpaid":                   "nadie pagó a tiempo",
		"expiry_unclear":                   "se acabó el tiempo del pagador, y el proveedor de pago no dijo que nadie pagó",
		"forgotten_send":                   "Redis olvidó envíos, y este puede ser uno de ellos",
		"lease_lapsed":                     "un intento no informó a tiempo",
		"mismatch":                         "lo que el proveedor de pago tiene o dijo no coincide",
		"no_status_query":                  "al proveedor de pago no se le puede preguntar por él",
		"not_found":                        "el proveedor de pago no lo conoce",
		"lookup_unproven":                  "no se encontró, pero ninguna consulta de este perfil de credenciales ha encontrado nunca nada",
		"not_received":                     "un operador averiguó que el proveedor de pago nunca lo recibió",
		"payload_changed":                  "sus datos no son los que se registraron",
		"payload_unreadable":               "sus datos no se pueden leer",
		"poll_deadline":                    "el proveedor de pago no dio una respuesta definitiva a tiempo",
		"query_first":                      "hay que consultar lo que informó otro intento antes de enviar algo de nuevo",
		"record_lost":                      "Redis había perdido su registro",
		"reference_taken":                  "el proveedor de pago tiene algo con esta referencia que no consta que sea nuestro",
		"refusal_unclear":                  "fue rechazado, pero otro intento pudo ejecutarse",
		"resolved":                         "un operador lo resolvió",
		"result_unrecorded":                "informó un intento que Redis había perdido",
		string(idempotency.AmountBrake):    "su monto supera el tope por pago del perfil de credenciales",
		string(idempotency.HourBrake):      "habría superado lo que puede comenzar en una hora",
		string(idempotency.DayBrake):       "habría superado lo que puede comenzar en 24 horas",
		string(idempotency.DoubtBrake):     "hay demasiado dinero en duda",
		string(idempotency.LookalikeBrake): "poco antes comenzó otro con el mismo beneficiario y el mismo monto",
	},
	Anomalies: map[string]string{
		"late_doubt":                "un intento más pudo ejecutarse, y no se puede preguntar al proveedor de pago",
		"late_pending":              "había terminado sin pago, y el proveedor de pago aún lo tiene",
		"late_success":              "había fallado, y el proveedor de pago dice que se ejecutó",
		"mismatch":                  "se había ejecutado, y el proveedor de pago tiene otra cosa con su referencia",
		"not_found_after_succeeded": "se había ejecutado, y el proveedor de pago no lo conoce",
		"not_sent_but_known":        "un intento dice que no envió nada, y el proveedor de pago lo conoce",
		"refused_after_pending":     "un intento informa un rechazo, y el proveedor de pago había dicho que lo tiene",
		"refused_after_succeeded":   "se había ejecutado, y el proveedor de pago dice que fue rechazado",
		"second_success":            "constan dos ejecuciones, o la misma con dos id. del proveedor",
		"statement_difference":      "un extracto dice otra cosa que el registro",
	},
	Who: map[Who]string{Nobody: "nadie", Remesa: "remesa", Operator: "operador", Payer: "pagador", Provider: "proveedor de pago"},
	Phrases: phrases{
		ReadyOpen: "ya comenzó, y se enviará de nuevo",
		Gap:       "Puede que falten entradas antes de esta, porque la bitácora está llena. ",
		Anomaly: func(kind, words string) string {
			return "Apareció una contradicción (anomalía " + kind + "): " + words + "."
		},
		AnomalyUnknown: func(kind string) string { return "Apareció una contradicción (anomalía " + kind + ")." },
		Difference: func(kind, by string) string {
			return "Un operador registró que un extracto dice otra cosa (anomalía " + kind + "), lo que no cambió nada más (" + by + ")."
		},
		AnomalyCleared: func(by string) string { return "Un operador resolvió la anomalía (" + by + ")." },
		By: func(note string) string {
			if rest, is := strings.CutPrefix(note, "by "); is {
				return "por " + rest
			}
			return note
		},
		Note: func(note string) string { return " La nota dice: " + note + "." },
		State: func(state idempotency.State, label, meaning string) string {
			return label + " (" + string(state) + "): " + meaning + "."
		},
		NoAttempt:      "No consta ningún intento.",
		Attempts:       func(n i18n.Number) string { return attemptsEs(n) + "." },
		AttemptsOpen:   func(n i18n.Number) string { return attemptsEs(n) + ", y pudo ejecutarse." },
		AttemptsClosed: func(n i18n.Number) string { return attemptsEs(n) + ", y ninguno puede ya haberse ejecutado." },
		ProviderID:     func(id string) string { return "El id. del proveedor es " + id + "." },
		Code: func(code, words, message string) string {
			return "Su código es " + code + words + message + "."
		},
		Quoted: func(message string) string { return " («" + message + "»)" },
		Sealed: "sellado; aquí no se puede leer",
		Parked: func(reason string) string { return "Está detenido y espera " + reason + ". " },
	},
	Advice: advice{
		Queued:       "Espere: remesa lo enviará.",
		Sending:      "Espere: se está enviando.",
		InDoubt:      "Espere: remesa está preguntando al proveedor de pago.",
		Pending:      "Espere: el proveedor de pago lo tiene y decide más tarde.",
		PendingPayer: "Espere: el pagador debe actuar, en la página que abre su enlace.",
		Failed: "Nada. Si de todos modos se debe pagar: reinténtelo (enqueue retry); nunca lo envíe con otra referencia antes de saber que no se " +
			"ejecutó.",
		None: "Nada.",
		Blocked: map[idempotency.Brake]string{
			idempotency.AmountBrake:    "Su monto supera el tope del perfil de credenciales: averigüe si es correcto" + releaseOrCancelEs,
			idempotency.HourBrake:      "Habría superado lo que puede comenzar en una hora: averigüe si tantos son correctos" + releaseOrCancelEs,
			idempotency.DayBrake:       "Habría superado lo que puede comenzar en 24 horas: averigüe si tantos son correctos" + releaseOrCancelEs,
			idempotency.DoubtBrake:     "Hay demasiado dinero en duda: averigüe qué le pasa al proveedor de pago" + releaseOrCancelEs,
			idempotency.LookalikeBrake: "Otro, comenzado poco antes, tiene el mismo beneficiario y el mismo monto: averigüe si se quieren los dos" + releaseOrCancelEs,
			"":                         "Averigüe por qué se detuvo" + releaseOrCancelEs,
		},
		Held: map[string]string{
			"not_found":          "El proveedor de pago no lo conoce: pregunte a su soporte, " + checkAtProviderEs,
			"lookup_unproven":    "Ninguna consulta de este perfil de credenciales ha encontrado nunca nada, así que «no encontrado» no prueba nada: " + checkAtProviderEs,
			"poll_deadline":      "El proveedor de pago no dio una respuesta definitiva a tiempo: " + checkAtProviderEs,
			"expiry_unclear":     "Se acabó el tiempo del pagador, y el proveedor de pago no dijo que nadie pagó: " + checkAtProviderEs,
			"refusal_unclear":    "Fue rechazado, pero un intento anterior pudo ejecutarse: " + checkAtProviderEs,
			"payload_unreadable": "Sus datos ya no se pueden leer, y pudo haber salido: " + checkAtProviderEs,
			"expired":            "Pasó su fecha límite y un intento pudo ejecutarse: " + checkAtProviderEs,
			"no_status_query":    "Pudo ejecutarse, y al proveedor de pago no se le puede preguntar por él: " + checkAtProviderEs,
			"mismatch":           "El proveedor de pago tiene otra cosa con esta referencia: compare monto y beneficiario, y después resuélvalo.",
			"reference_taken": "El proveedor de pago conocía esta referencia antes de cualquier intento nuestro, o no dice a quién paga: compare todo. Fallido si es de " +
				"otro (envíe entonces el pago con otra referencia), ejecutado si es nuestro.",
			"payload_changed": "Lo que dice no es lo que se registró: alguien lo cambió en Redis. Detenga el proveedor de pago, averigüe quién escribe allí, compare con " +
				"facturación; resuélvalo como fallido y envíelo de nuevo. No se envió como está.",
			"record_lost":        "Redis lo había perdido, y se registró de nuevo desde un trabajador que lo tenía: pudo ejecutarse, también por otros. " + checkAtProviderAloneEs,
			"result_unrecorded":  "Informó un intento que el registro no conocía, porque Redis lo había perdido: pudo ejecutarse. " + checkAtProviderAloneEs,
			"forgotten_send":     "Redis olvidó envíos, y este puede ser uno de ellos; no se puede preguntar al proveedor de pago (vea: enqueue forgot show). " + checkAtProviderAloneEs,
			"already_registered": "Alguien lo registró antes que remesa: compare con ese registro y después resuélvalo.",
			"":                   checkAtProviderAloneEs,
		},
		Anomaly: map[string]string{
			"second_success":            "Se conocen dos ejecuciones: compare las dos en el proveedor de pago. Use reverse si los fondos fueron devueltos, accept si hubo una sola.",
			"late_success":              "Se dio por perdido y de todos modos se ejecutó: accept si se pagó, reverse si los fondos fueron devueltos.",
			"late_pending":              "Se dio por perdido, pero el proveedor de pago aún lo tiene: pida que lo detenga, o espere su fin.",
			"not_found_after_succeeded": "Se informó como pagado, y ahora el proveedor de pago no lo conoce: mire la transacción allí y en el banco. Use accept si el dinero llegó, reverse si no llegó o volvió.",
			"not_sent_but_known":        "El proveedor de pago lo conoce aunque nada se envió: averigüe quién lo envió.",
			"late_doubt":                "Un intento más pudo ejecutarse, y no se puede preguntar al proveedor de pago: busque allí una segunda transacción.",
			"refused_after":             "El proveedor de pago lo rechazó después de haber dicho otra cosa: mire la transacción allí.",
			"statement_difference":      "Un extracto dice otra cosa; la bitácora dice cuál y dónde. Pregunte a quien lo hizo. Use accept si el dinero salió y no volvió, reverse si no llegó o volvió.",
			"":                          "Mire las transacciones en el proveedor de pago y después use accept o reverse.",
		},
	},
	Waits: waits{
		Halt: "el fin de la detención del proveedor de pago (enqueue unhalt)",
		HaltOfAccount: func(account string) string {
			return "el fin de la detención del perfil de credenciales " + account + " (enqueue unhalt)"
		},
		Account: func(account string) string { return "un trabajador con el perfil de credenciales " + account },
		AccountFor: func(account, paymentType string) string {
			return "un trabajador cuyo perfil de credenciales " + account + " haga " + paymentTypeEs(paymentType)
		},
		Circuit: func(account string) string {
			return "a que el perfil de credenciales " + account + " se pueda conectar: fallan las conexiones, o se rechazan sus credenciales"
		},
		Throttled: func(account string) string {
			return "el plazo que pidió el proveedor de pago para el perfil de credenciales " + account
		},
		FingerprintKeyed: "un trabajador con REMESA_FINGERPRINT_KEY",
		FingerprintPlain: "un trabajador sin REMESA_FINGERPRINT_KEY: se registró sin ella, o alguien escribió en Redis",
		NoKeys:           "un trabajador sin REMESA_PAYLOAD_KEYS: no está sellado",
		Key:              "un trabajador con la llave que lo selló (REMESA_PAYLOAD_KEYS)",
		Rate:             "lugar bajo el límite de velocidad del proveedor de pago",
		RateQuery:        "lugar bajo el límite de velocidad del proveedor de pago, para la consulta",
		Queue:            "lugar en la cola",
	},
}

func attemptsEs(n i18n.Number) string {
	if n.N == 1 {
		return "Consta un intento"
	}
	return "Constan " + n.Text + " intentos"
}

func paymentTypeEs(paymentType string) string {
	if paymentType == "charge" {
		return "cobros"
	}
	return "pagos"
}
