package i18n

var cliSpanish = CLI{
	Show: CLIShow{
		Title: func(key, paymentType, money string) string { return key + ": " + paymentType + " de " + money },
		TitleState: func(key, paymentType, money, state string) string {
			return key + ": " + paymentType + " de " + money + ", " + state
		},
		Anomaly: "anomalía", Code: "código", Message: "mensaje", Decline: "rechazo", ProviderID: "id. proveedor", Subscription: "suscripción",
		Period: "período", WaitsFor: "espera",
		Attempt:    func(n Number) string { return "intento " + n.Text },
		Now:        func(text string) string { return "Ahora: " + text },
		Next:       func(who, text string) string { return "Qué sigue (" + who + "): " + text },
		LooksAgain: func(at string) string { return "remesa lo mira de nuevo el " + at + "." },
		Why:        func(key string) string { return "Por qué: enqueue explain " + key + "." },
		UTC:        "Todas las horas están en UTC.",
	},
	List: CLIList{
		State: func(_, label string) string { return label },
		Key:   "CLAVE", StateHead: "ESTADO", Amount: "MONTO", Currency: "MON", Created: "CREADO", Updated: "CAMBIADO", Age: "HACE", Tries: "INT.", Code: "CÓDIGO",
		Anomaly: func(kind, code string) string { return "anomalía: " + kind + " " + code },
		Damaged: func(key string) string {
			return "aviso: " + key + " no está en la lista: su registro está dañado y nadie lo atiende; vea docs/es/operaciones.md"
		},
		At: "CUÁNDO", Reason: "MOTIVO", Queue: "COLA", Task: "TAREA", Message: "MENSAJE",
	},
	Subscription: CLISubscription{
		ID: "ID.", State: "ESTADO", Reason: "MOTIVO", Provider: "PROVEEDOR", Amount: "MONTO", Currency: "MON", NextDue: "PRÓXIMO COBRO",
		Active: "activa", Paused: "en pausa", Ended: "terminada",
		StillPaused: func(id, reason string) string {
			return id + " sigue en pausa (" + reason + "): `enqueue subscription resume " + id + "` la reanuda"
		},
		Deferred: func(id, problem string) string {
			return id + ": quedó escrito; lo que sigue queda para los trabajadores: " + problem
		},
	},
	Keys: CLIKeys{
		ID: "ID.", Name: "NOMBRE", Created: "CREADA", Revoked: "REVOCADA", Scopes: "PERMISOS",
		ShownOnce: "la llave se muestra solo esta vez: guárdela como guarda una contraseña",
		None:      "no hay una llave con ese id.",
	},
	Bulk: CLIBulk{
		NoneBlocked: "no hay ninguna operación bloqueada así", NoneNamed: "no se nombra ninguna operación",
		RepeatBlocked: func(n Number, sums, flags string) string {
			return n.of("operación bloqueada", "operaciones bloqueadas") + " por " + sums + "; no se hizo nada. Si la cantidad y la suma son correctas, repita con: " + flags
		},
		RepeatNamed: func(n Number, sums, flags string) string {
			return n.of("operación nombrada", "operaciones nombradas") + " por " + sums + "; no se hizo nada. Si la cantidad y la suma son correctas, repita con: " + flags
		},
		Damaged:   func(n Number) string { return "aviso: quedan fuera " + n.of("registro dañado", "registros dañados") },
		MendFirst: "no se hizo nada: corrija antes estas líneas",
		Line:      "línea", And: " y ",
	},
	Submit: CLISubmit{
		Summary: func(lines Number, file, results string) string {
			return lines.of("línea", "líneas") + " de " + file + ": " + results
		},
		Results: map[string]CLIResult{
			"enqueued": {"en cola", "en cola"}, "added": {"agregada", "agregadas"}, "valid": {"válida", "válidas"}, "duplicate": {"duplicada", "duplicadas"},
			"conflict": {"en conflicto", "en conflicto"}, "invalid": {"inválida", "inválidas"},
		},
		Sum:     func(_, money string) string { return "suma " + money },
		Empty:   func(file string) string { return file + " está vacío: no hay nada que hacer" },
		Problem: problemSpanish,
		Conflict: func(line, about string) string {
			return "línea " + line + ": esta referencia ya existe con otro contenido (conflicto). Use otra referencia si es una operación distinta. Detalle: " + about
		},
		MoreProblems:    func(n Number) string { return "y " + n.of("línea más como estas", "líneas más como estas") },
		NothingEnqueued: "no se envió nada a la cola",
		InvalidLines: func(n Number) string {
			return n.of("línea inválida", "líneas inválidas") + ", no se esperaba ninguna"
		},
		OtherCount: func(got, want Number) string {
			return got.of("operación", "operaciones") + ", se esperaban " + want.Text
		},
		OtherSum: func(currency, got, want string) string {
			return "la suma en " + currency + " es " + got + ", se esperaba " + want
		},
		OtherCurrency: func(currency string) string { return "hay operaciones en " + currency + ", no se esperaba ninguna" },
		Unserved: func(provider, redis string) string {
			return "aviso: ningún trabajador ha atendido nunca a " + provider + " en el Redis de " + redis + ": lo que se envía espera allí hasta que uno lo haga; " +
				"¿es REMESA_REDIS_URL el mismo de los trabajadores?"
		},
		Incomplete: func(problem string) string {
			return "aviso: la configuración de los proveedores de pago no está completa en este ambiente, así que el archivo no se compara con ella: " + problem
		},
		Again:            "las líneas sin resultado no constan como recibidas; enviar el mismo archivo otra vez no paga dos veces",
		Stopped:          "detenido por una señal",
		Full:             "no tiene lugar para operaciones nuevas, y los trabajadores necesitan lo que queda",
		Lines:            func(n Number) string { return n.of("línea", "líneas") },
		Pace:             func(lines Number) string { return lines.Text + " por segundo" },
		Left:             func(time string) string { return "faltan " + time },
		InputUnreadable:  "no se puede seguir leyendo la entrada",
		OutputUnwritable: "no se pueden escribir los resultados",
		ChangedWhileRead: "el archivo cambió mientras se leía: puede que aún se esté escribiendo", ChangedWhileSubmitted: "el archivo cambió entre el conteo y el envío",
	},
	Halt: CLIHalt{
		Halted: func(provider, accounts string) string {
			return "detenido para " + provider + ": " + accounts + ". Nada nuevo se envía hasta reanudar (enqueue unhalt)"
		},
		All: "todos los perfiles de credenciales",
	},
	Forgot: CLIForgot{
		Open: func(provider string) string {
			return provider + ": antes de enviar lo que espera se pregunta al proveedor de pago; termínelo con: enqueue forgot close --provider " + provider
		},
		WouldSend: func(n Number, sums, flags string) string {
			return "esto enviaría " + n.of("operación", "operaciones") + " por " + sums + "; no se envió ni se cerró nada. Si es correcto, repítalo con: " + flags
		},
		Changed: "algunas operaciones cambiaron entre tanto; no se cerró nada",
	},
	Export: CLIExport{
		Exported:       func(n Number) string { return n.of("operación exportada", "operaciones exportadas") },
		NothingMissing: "no falta ningún día",
		Damaged: func(key string) string {
			return "aviso: " + key + " no se exporta: su registro está dañado; vea docs/es/operaciones.md"
		},
	},
	Reconcile: CLIReconcile{
		NoneDiffers: "ninguna de esas diferencias es de una sola operación: no hay nada que registrar",
		RepeatDiffering: func(n Number, sums, flags string) string {
			return n.of("operación quedaría con anomalía", "operaciones quedarían con anomalía") + " por " + sums +
				"; no se registró nada. Si la cantidad y la suma son correctas, repita con: " + flags
		},
		OnlyReported: func(n Number) string {
			return n.of("diferencia no es de una sola operación, y solo se informa", "diferencias no son de una sola operación, y solo se informan")
		},
		TooMany: func(n Number) string {
			return "difieren más de " + n.Text + " operaciones; no se registró nada. ¿Es el extracto correcto, y se lee como debe?"
		},
	},
	Help: HelpWords{
		Usage: "Uso: ", FlagsPlace: "[opciones]", CommandPlace: "<comando>", Arguments: "Argumentos:", Flags: "Opciones:", Commands: "Comandos:", Examples: "Ejemplos:",
		More:             func(command string) string { return "Escriba «" + command + "» para saber más de un comando." },
		See:              func(command string) string { return " (vea " + command + ")" },
		ProviderSettings: func(command string) string { return "Los ajustes de un proveedor de pago: " + command },
		NoSection:        func(sections string) string { return "ninguna sección se llama así; hay: " + sections },
	},
	Check: CLICheck{
		Check: "PRUEBA", Found: "SE ENCONTRÓ", Wanted: "SE ESPERA", OK: "BIEN", Warn: "AVISO", Fail: "FALLA",
		On:       func(check, server string) string { return check + " en " + server },
		Recorded: func(account, before string) string { return account + ": identidad registrada; antes era: " + before },
		None:     "ninguna",
	},
	Demo: CLIDemo{
		Title:    "demostración de remesa: un Redis incluido, proveedores de pago simulados, operaciones de muestra",
		Progress: func(done, all string) string { return "[" + done + " de " + all + "]" },
		Payment:  "OPERACIÓN", Happens: "QUÉ PASA", Submitted: "AL ENVIAR", State: "ESTADO", Attempts: "INTENTOS", Paid: "EJECUTADO POR EL PROVEEDOR",
		Subscription: func(id string) string { return "SUSCRIPCIÓN " + id }, Due: "VENCE", Charges: "COBROS",
		Period: func(n string) string { return "período " + n },
		StaysUp: "La demostración sigue en marcha hasta Ctrl-C. Algunas operaciones quedan por revisar a propósito: ninguna máquina pudo saber si se ejecutaron. " +
			"En un navegador:",
		Login: func(user, password string) string {
			return "usuario " + user + ", contraseña " + password + " (solo para esta vez)"
		},
		Open: func(key string) string {
			return "Abra " + key + " en «Por revisar», resuélvala, y lea en su bitácora quién decidió qué. La página «Colas» muestra el lado de asynq:" + "\n" +
				"pruebe sus botones, a ninguna operación le pasa nada. Lo mismo en otra terminal:"
		},
		Metrics: "tiene las métricas.", By: "usted", Note: "consultado con el banco",
	},
	Sandbox: CLISandbox{
		Serving: func(url string) string { return "proveedores de pago simulados en " + url },
		Book:    "GET PREFIJO/_book muestra lo que se ejecutó; POST PREFIJO/_faults lo hace fallar (vea docs/sandbox.md)",
	},
	Password: CLIPassword{Ask: "contraseña: ", Again: "otra vez la misma: "},
	Card:     CLICard{Number: "número de tarjeta: ", SecurityCode: "código de seguridad: "},
	Errors: CLIErrors{
		NoPayment: "no existe esa operación", NoSubscription: "no existe esa suscripción", VersionChanged: "cambió entre tanto; mírela de nuevo", Refused: "no se admite",
		Damaged: "el registro está dañado", OfDefaultAccount: "en el perfil de credenciales default; indique proveedor de pago y perfil",
		Redis: func(address string) string { return "Redis en " + address },
		Sealed: func(problem string) string {
			return "aviso: lo que no se puede abrir con las REMESA_PAYLOAD_KEYS presentes se muestra como está guardado, o no se muestra: " + problem
		},
		TryingAgain: func(provider, problem string) string {
			return "watch " + provider + ": " + problem + "; se intenta de nuevo"
		},
		NamedTwice:       func(key string) string { return key + " se nombra dos veces" },
		AmountUnreadable: func(key string) string { return key + " tiene un monto que no se puede leer" },
	},
}

// problemSpanish says what the field must be, whatever is wrong with it, and then what is wrong.
func problemSpanish(line, path, problem string) string {
	text := "línea " + line + ", «" + path + "»"
	if f, ok := fieldAt(fieldsSpanish, path); ok {
		text += " (" + f.Name + "): " + f.Must
	} else {
		text += ": revise este campo; puede que este proveedor de pago no lo tenga"
	}
	return text + ". Detalle: " + problem
}
