package i18n

var pagesSpanish = Pages{
	Layout: PagesLayout{
		Skip: "Ir al contenido", Main: "Principal", Overview: "Operaciones", Lists: "Listas", Groups: "Grupos", Subscriptions: "Suscripciones",
		Rejected: "No admitidas", Halts: "Detenciones", Queues: "Colas", Search: "Operación", Find: "Buscar",
		AsOf:     func(at string) string { return "Datos del " + at + "." },
		Writable: "Aquí se puede actuar sobre las operaciones.", ReadOnly: "Solo lectura.", Language: "Idioma", Never: "nunca",
	},
	Problem: PagesProblem{
		Away: "No se puede leer el registro de operaciones", AwayText: "Redis no responde. Mientras tanto no se envía nada nuevo.",
		Unread: "No se puede leer la operación", UnreadText: "Redis no responde, o el registro de esta operación no se puede leer. El log dice cuál de " +
			"los dos. Esta página no afecta a las operaciones.",
		NoPayment:     "No existe la operación",
		NoSuchPayment: func(key string) string { return "No hay una operación " + key + "." },
		Moved:         "La operación cambió",
		MovedText:     "Desde que usted la abrió, algo más ocurrió con esta operación. No se hizo nada de lo que envió. Revise cómo está ahora y decida de nuevo.",
		Refused:       "No se permite", NotOurForm: "No es un formulario de este panel", NotOurFormText: "No se pudo leer lo enviado. No se cambió nada.",
		NothingChanged: func(why string) string { return "No se cambió nada: " + why + "." },
		NotAllowedNow:  "ahora no está permitido", BoxBelow: "la casilla bajo la nota acepta ese riesgo",
		LookAt: func(key string) string { return "Ver " + key }, AllPayments: "Todas las operaciones",
		Sealed: "cifrado; este trabajador no tiene la clave", SealedChanged: "cifrado; cambiado o movido después",
		NotSealedNotUsed: "sin cifrar, por eso no se usa",
		Partial:          "No se pudo leer todo: lo que se muestra puede estar incompleto. El log dice por qué.",
	},
	Filter: PagesFilter{
		Title: "Filtro", Provider: "Proveedor de pago", All: "todos", Account: "Perfil de credenciales", Code: "Código", Reference: "La referencia empieza con", Fingerprint: "La huella empieza con",
		Currency: "Moneda", Least: "Monto desde", Most: "Monto hasta", From: "Desde (fecha)", To: "Hasta (fecha)", Sort: "Orden",
		Oldest: "más antiguas primero", Newest: "más nuevas primero", Largest: "monto mayor primero", Smallest: "monto menor primero",
		NotByAmount: "Las operaciones que movieron dinero no se pueden ordenar por monto: ningún índice las tiene.", Apply: "Filtrar", Clear: "Quitar el filtro",
		BadProvider:    "No existe ese proveedor de pago.",
		BadAccount:     "El nombre de un perfil tiene minúsculas, dígitos y guiones.",
		BadCode:        "El código es demasiado largo.",
		BadReference:   "Una referencia tiene letras, dígitos, puntos, guiones y guiones bajos.",
		BadFingerprint: "Una huella tiene letras, dígitos, dos puntos, guiones y guiones bajos.",
		BadCurrency:    "Una moneda son tres mayúsculas, como CLP.",
		BadAmount:      "Escriba los montos como 12500 o 149.50, sin separador de miles.",
		BadDate:        "Escriba las fechas como 2026-05-15.",
		BadPlace:       "La dirección de esta página no está completa: la lista empieza de nuevo.",
	},
	List: PagesList{
		Title: func(state string) string { return "Operaciones: " + state }, States: "Estados", Payment: "Operación", Amount: "Monto", For: "Hace",
		Next: "Qué sigue", Code: "Código", Chose: "Elegir", Since: func(at string) string { return "desde el " + at }, Sum: "Suma de esta página",
		None: "No hay.", NoneMatches: "Ninguna coincide con el filtro.", NextPage: "Página siguiente", Continue: "Seguir buscando",
		Searched: func(n Number) string {
			return "Revisadas hasta ahora en esta página: " + n.of("operación", "operaciones") + "."
		},
		Unsorted: func(most Number) string {
			return "No está ordenada por monto: eso se puede con " + most.of("operación", "operaciones") + " como máximo, y esta lista tiene más. Está ordenada por " +
				"tiempo. Elija un proveedor de pago, o fechas."
		},
		First: "Al comienzo", Export: "Exportar como CSV", GroupThem: "Agrupar por código",
		Settled:       "Se lee de los resultados, que se guardan por un tiempo (REMESA_OUTCOMES_RETENTION); busque las operaciones más antiguas por su clave.",
		SumUnread:     "sin las que tienen un monto ilegible",
		WithoutUnread: func(n Number) string { return "sin " + n.Text + " con un monto ilegible" },
	},
	Groups: PagesGroups{
		Title: func(state string) string { return "Grupos: " + state },
		About: "Operaciones con el mismo proveedor de pago y código. Abra un grupo para resolverlo.", Provider: "Proveedor de pago", Code: "Código",
		Reason: "Motivo", Count: "Cantidad", Sum: "Suma", NoCode: "sin código", None: "No hay.",
		Cut: func(n Number) string {
			return "Solo se leyeron las primeras: " + n.of("operación", "operaciones") + ". Acote el filtro."
		},
		All: "La lista completa",
	},
	Bulk: PagesBulk{
		Title: "Acción masiva", Which: "Qué operaciones", Selected: "las elegidas arriba",
		OnPage:   func(n Number) string { return "todas las de esta página: " + n.of("operación", "operaciones") },
		Matching: "todas las que coinciden con el filtro, también en otras páginas", What: "Qué se hará", Button: "Continuar",
		ConfirmTitle: func(what string, n Number) string {
			return "¿" + what + ": " + n.of("operación", "operaciones") + "?"
		},
		Count: "Cantidad", Sum: "Suma", Filter: "Filtro", FilterNone: "todas las de este estado", First: "Las primeras",
		More: func(n Number) string {
			return "Coinciden más. Una acción toma " + n.Text + " a la vez como máximo: estas son las primeras. Repítala para el resto."
		},
		Type: func(n Number) string { return "Para confirmar, escriba la cantidad de operaciones (" + n.Text + ")" },
		Yes:  func(n Number) string { return "Sí, para " + n.of("operación", "operaciones") },
		No:   "No, volver a la lista", NoneLeft: "No queda ninguna operación",
		NoneLeftText: "Ninguna de las que eligió sigue en este estado. No se cambió nada.", Changed: "Las operaciones cambiaron",
		ChangedText: "Desde que se le pidió confirmar, llegaron, salieron o cambiaron operaciones: la cantidad, la suma o las versiones no son las que " +
			"confirmó. No se hizo nada. Revise la lista y confirme de nuevo.",
		NotTyped:   "Lo que escribió no es la cantidad de operaciones. No se hizo nada.",
		NoStep:     "Elija qué se hará. No se cambió nada.",
		NoneChosen: "Elija operaciones en la lista, o todas las que coinciden. No se cambió nada.",
		Running:    "Cada línea está hecha cuando aparece. Si la página se corta, abra la lista de nuevo: lo que no se hizo sigue ahí.",
		Done:       "hecho", NotDone: "no se hizo", Moved: "cambió mientras tanto", Result: "Resultado",
		Ended: func(done, all Number) string { return "Terminado: se hicieron " + done.Text + " de " + all.Text + "." },
		Cut:   "Se detuvo antes del final. Lo que no se hizo sigue en la lista.", Again: "Volver a la lista", Reread: "A la lista",
	},
	Step: PagesStep{
		SettleTitle: "Resolver esta operación", AnomalyTitle: "Cerrar la anomalía", ReleaseTitle: "Liberar esta operación",
		CancelTitle: "Cancelar esta operación", RetryTitle: "Reintentar esta operación", CloseTitle: "Cerrar sus intentos",
		Settle: "Resolver", Clear: "Cerrar la anomalía", Release: "Liberar", Cancel: "Cancelar la operación", Retry: "Reintentar", Close: "Cerrar los intentos",
		Found: "Qué averiguó", Succeeded: "Ejecutada: el dinero se movió", Failed: "Fallida: fue rechazada",
		NotReceived: "No recibida: el proveedor de pago dice que nunca le llegó", Accept: "Aceptar: la operación queda como está",
		AcceptPaid: "Aceptar: al final se pagó, así que queda ejecutada", Reverse: "Reversar: el dinero fue devuelto",
		NotExecuted: "Fallida: no se ejecutó",
		ProviderID:  "Id. del proveedor, si lo conoce", Decline: "Si fue rechazada: ¿puede resultar otro intento?", Unknown: "no se sabe",
		Soft: "temporal: quizás", Hard: "definitivo: no", Name: "Su nombre", Note: "Motivo (qué vio y dónde)",
		NoteHint:   "El nombre y el motivo quedan en la bitácora; no escriba datos de personas ni números de cuenta.",
		RiskFailed: "Si falló: me consta que no se ejecutó nada; cerrar también los intentos",
		RiskStays:  "Sigue fallida: me consta que no se ejecutó nada; cerrar también los intentos",
		RiskTwice:  "Acepto el riesgo de un pago doble: el primer intento pudo ejecutarse",
		Problems:   "No se cambió nada:", NoChoice: "Elija qué pasó con la operación.",
		IDContradicts:     "Un id. del proveedor contradice que el proveedor de pago nunca la recibió.",
		DeclineWithFailed: "El tipo de rechazo solo va con Fallida.", CloseWithFailed: "Cerrar los intentos solo va con Fallida.",
		BadDecline: "El tipo de rechazo es temporal (soft) o definitivo (hard).", NoAnomaly: "Elija entre aceptar y reversar.",
		LongID: "El id. del proveedor tiene como máximo 128 caracteres.", NoName: "Escriba su nombre: quedará en la bitácora.",
		Brackets: "Escriba su nombre sin paréntesis: dentro de ellos va su usuario.", NoNote: "Escriba el motivo: quedará en la bitácora.",
		LongNote:    "Nombre, usuario y motivo juntos ocupan como máximo 500 bytes.",
		DoneResolve: "La operación quedó resuelta.", DoneAnomaly: "La anomalía quedó cerrada.", DoneRelease: "La operación quedó liberada.",
		DoneCancel: "La operación quedó cancelada.", DoneRetry: "La operación se reintenta.", CLI: "Acciones desde la consola:",
	},
	Confirm: PagesConfirm{
		Title: func(key string) string { return "Confirmar: " + key }, Reference: "Referencia", Provider: "Proveedor de pago", Type: "Tipo", Now: "Ahora",
		Step: "Acción", Name: "Nombre", Why: "Motivo", No: "No, volver",
		Account:    func(provider, account string) string { return provider + ", perfil de credenciales " + account },
		ProviderID: "Id. del proveedor", Decline: "Tipo de rechazo",
		CloseWhat: "Resolver como fallida y cerrar sus intentos",
		CloseFollow: "Queda como no ejecutada y ningún intento cuenta más como ejecutado: se puede reintentar, y una suscripción cobra de nuevo. Si alguno " +
			"se ejecutó después de todo, habrá un pago doble.",
		CloseYes: "Sí, no se ejecutó nada", SucceededWhat: "Resolver como ejecutada", SucceededFollow: "Queda como ejecutada. Nunca se envía de nuevo.",
		SucceededYes: "Sí, se ejecutó", FailedWhat: "Resolver como fallida",
		FailedFollow: "Queda como no ejecutada. Si se ejecutó, el dinero salió de todos modos.", FailedYes: "Sí, fue rechazada",
		NotReceivedWhat:   "Resolver como no recibida",
		NotReceivedFollow: "Queda como no ejecutada. Después se puede reintentar, con el riesgo de que el primer intento aún se ejecute.",
		NotReceivedYes:    "Sí, nunca se recibió", AcceptWhat: "Aceptar la anomalía", AcceptPaidFollow: "La operación queda ejecutada.",
		AcceptPaidYes: "Sí, al final se pagó", AcceptYes: "Sí, cerrarla", AcceptFollow: func(state string) string { return "La operación sigue: " + state + "." },
		LateFollow: func(state string) string { return "La operación sigue: " + state + "." }, ReverseWhat: "Reversar la operación",
		ReverseFollow: "La operación queda reversada: su dinero fue devuelto.", LateWhat: "Reversar la ejecución tardía",
		ReverseYes: "Sí, el dinero fue devuelto", ReleaseWhat: "Liberar", ReleaseFollow: "Se enviará.", ReleaseYes: "Sí, liberar",
		CancelWhat: "Cancelar", CancelFollow: "Falla con el código cancelled. Nunca se envió.", CancelYes: "Sí, cancelar la operación",
		RetryWhat: "Reintentar", RetryFollow: "Se enviará de nuevo.", RetryYes: "Sí, reintentar",
		RiskWhat:   "Reintentar, aunque el primer intento pudo ejecutarse",
		RiskFollow: "Se pregunta una vez más al proveedor de pago y después se envía. Si el primer intento se ejecuta después de todo, habrá un pago doble.",
		RiskYes:    "Sí, acepto el riesgo",
	},
	Payment: PagesPayment{
		Unreadable: func(why string) string {
			return "Aquí no se pueden leer todos los textos de esta operación: " + why + "."
		},
		Next: "Qué sigue", Who: "Quién actúa ahora", Known: "Qué se sabe", Type: "Tipo", Anomaly: "Anomalía", Attempts: "Intentos",
		MayHaveLeft: ", al menos uno pudo ejecutarse", ProviderID: "Id. del proveedor", Code: "Código", Message: "Mensaje",
		Decline: "Tipo de rechazo", Registered: "Registrada", Changed: "Último cambio", Waits: "Espera", Looked: "Se revisa",
		Subscription: "Suscripción", Link: "Enlace del pagador", LinkText: "hay uno;", Metadata: "Metadatos", Values: "valores:",
		Period: func(id, period string) string { return id + ", período " + period }, Lease: "Un intento la tiene hasta", Queries: "Consultas de estado",
		QueriesText: func(polls, notFounds Number) string {
			return polls.Text + " no decidieron nada; cuentan " + notFounds.Text + " de «no encontrada»"
		},
		Story: "Qué pasó", History: "Bitácora", Attempt: "intento",
		NotKept: "Las respuestas iguales a consultas que no decidieron nada son una sola entrada, con su número, la hora de la primera y de la última, y " +
			"la duración de la última.",
	},
	Find: PagesFind{
		Several: "Varias operaciones tienen esta referencia", NotAKey: "No es una clave",
		NotAKeyText: "Una clave es proveedor/referencia, como virtualpos/tef-0001, o proveedor/perfil/referencia. Una referencia sola se busca en cada " +
			"proveedor de pago, en el perfil default.",
		None:     "No existe esa operación",
		NoneText: "El perfil default de ningún proveedor de pago tiene esta referencia. Para otro perfil busque proveedor/perfil/referencia.",
	},
	Subscriptions: PagesSubscriptions{
		Title: "Suscripciones", Calendar: "Vencen en los próximos 30 días", State: "Estado", All: "todos", Active: "activa", Paused: "en pausa",
		Ended: "terminada", None: "Ninguna coincide.", NoneYet: "Ninguna hasta ahora en esta página.", Subscription: "Suscripción", Amount: "Monto",
		NextDue: "Próximo cobro", Reason: "Motivo", NotHere: "Este trabajador no muestra suscripciones.", NoSuch: "No existe la suscripción",
		Provider: "Proveedor de pago", Account: "Perfil de credenciales", Added: "Agregada", Periods: "Períodos y cobros", Period: "Período", Due: "Vence",
		Charges: "Cobros", Dunning: "reintento de cobro", NextCharge: "próximo cobro", History: "Bitácora", By: "por", Itself: "por sí sola",
		CalendarAbout: "Lo que cobrarán las suscripciones activas, por día en la zona de esta página. No incluye los reintentos de cobro tras un rechazo.",
		Day:           "Día", Count: "Cobros", Sum: "Suma", NoneDue: "No vence nada.", Skipped: "omitido", Missed: "perdido", Unknown: "desconocido",
		CalendarCut: func(n Number) string {
			return "Solo se leyeron las primeras de cada proveedor de pago: " + n.of("suscripción", "suscripciones") + "."
		},
		NoSuchText: func(id string) string { return "No hay una suscripción " + id + "." },
		Reasons: map[string]string{
			"person": "un operador la puso en pausa", "hard_decline": "la tarjeta o su titular fue rechazado en definitiva",
			"refused": "el cobro fue rechazado sin tipo de rechazo", "dunning_exhausted": "todos sus reintentos de cobro fueron rechazados",
			"card_expired": "la tarjeta venció", "anomaly": "un cobro contradice lo registrado", "conflict": "otra operación tiene la referencia de su cobro",
			"unreadable": "su contenido no se puede leer", "completed": "ya no vence ningún período", "cancelled": "un operador la terminó",
		},
		Actions: map[string]string{
			"added": "agregada", "paused": "puesta en pausa", "resumed": "reanudada", "changed": "cambiada", "cancelled": "cancelada", "ended": "terminada",
		},
	},
	Rejected: PagesRejected{
		Title: "Tareas no admitidas", About: "Tareas de otros programas (clientes de asynq) que no llegaron a ser una operación, en los últimos 30 días. " +
			"Quien las envió debe corregirlas y enviarlas de nuevo.",
		Reason: "Motivo", Payment: "Operación", Message: "Mensaje", Since: "Hace", Task: "Cola y tarea", None: "No hay.",
		Sealed: "cifrado con una clave que no está aquí",
		Shown: func(shown, all Number) string {
			return "Se muestran las " + shown.Text + " más nuevas de " + all.Text + "."
		},
		Reasons: map[string]string{
			"invalid": "un campo no es válido", "conflict": "otra operación tiene su referencia", "unreadable": "no es un objeto JSON",
			"unsealed": "no está cifrada y debe estarlo", "undecryptable": "la clave no la abre",
		},
	},
	Halts: PagesHalts{
		Title: "Detenciones", About: "No se les envía nada nuevo; las consultas de estado siguen.", Provider: "Proveedor de pago",
		Account: "Perfil de credenciales", AllAccounts: "todos los perfiles", Entry: "Quién, cuándo y por qué", None: "No hay.",
		Halt: "Detener un proveedor de pago", HaltAbout: "Desde ese momento no se envía nada nuevo; lo que empezó termina.", Unhalt: "Reanudar",
		UnhaltOf: "Reanudar:", Hint: "vacío para todos los perfiles", Done: "Detenido: no se envía nada nuevo.", Undone: "Reanudado.",
		BadAccount: "El nombre de un perfil tiene minúsculas, dígitos y guiones.", BadProvider: "Elija un proveedor de pago.",
	},
	AnomalyState: "Anomalía",
}
