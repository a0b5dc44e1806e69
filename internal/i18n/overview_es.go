package i18n

var overviewSpanish = Overview{
	StartLive: "Actualizar esta página cada 15 segundos", StopLive: "Dejar de actualizar", Live: "Esta página se actualiza sola cada 15 segundos.",
	Paid: OverviewPaid{
		Title: "Pagado y cobrado", About: "Lo confirmado menos lo reversado, según cuándo quedó registrado.", None: "No se pagó ni cobró nada en los últimos 30 días.",
		Provider: "Proveedor de pago", Currency: "Moneda", Today: "Hoy", Week: "7 días", Month: "30 días", Total: "todos", FailedMonth: "Fallido, 30 días",
		Count: "Cantidad", Sum: "Suma",
		Unsummed: func(n Number) string { return "sin " + n.Text + " que no se pueden sumar" },
		Until:    func(at string) string { return "Contado hasta el " + at + "." },
		Since: func(provider, at string) string {
			return provider + ": estas cifras comienzan el " + at + "; los eventos anteriores ya no se guardaban."
		},
		Missed: func(provider string, n Number) string {
			return provider + ": a estas cifras les falta " + n.of("evento", "eventos") + ", que dejaron de guardarse antes de contarse."
		},
		Ahead: func(provider string) string {
			return provider + ": hay menos resultados guardados que los ya contados: alguien los borró o los reemplazó."
		},
		Unread: func(provider string) string {
			return provider + ": no se pudieron leer las cifras. El log dice por qué."
		},
		NotYet: "Aún no se ha contado nada.", Meaning: "Los días son los de la zona horaria de esta página e incluyen hoy.",
	},
	Now: OverviewNow{
		Title: "Por proveedor de pago y estado", State: "Estado", Sum: "Suma", Anomalies: "con anomalía", InFlight: "en curso",
		FailedMonth: "; de los últimos 30 días", MoreThan: func(sum string) string { return "más de " + sum },
		Counting:    "la suma exacta se está contando; cargue la página de nuevo",
		Counted:     func(from, to string) string { return "contado entre " + from + " y " + to },
		None:        "No hay operaciones abiertas, ni fallidas en los últimos 30 días.",
		NonePartial: "No hay operaciones abiertas entre las que se pudieron leer, ni fallidas en los últimos 30 días.",
	},
	Charts: OverviewCharts{
		Title: "Cifras", Numbers: "En números", Empty: "No ocurrió nada en este tiempo.",
		Throughput: "Recibidas y terminadas por hora, últimas 24 horas", TakenIn: "recibidas", Settled: "terminadas",
		Outcomes: "Resultados por día, últimos 30 días", Times: "Tiempo hasta el resultado, últimos 7 días", Payments: "operaciones", Hour: "Hora", Day: "Día",
		Took: "Tardó", Rate: "Porcentaje de resultados exitosos, por proveedor de pago y día", NoOutcome: "ninguno",
		Percent: func(number string) string { return number + " %" },
		Within:  func(time string) string { return "hasta " + time }, Above: func(time string) string { return "más de " + time },
	},
	Health: OverviewHealth{
		Title: "Proveedores de pago",
		About: func(worker string) string {
			return "Conexión, token y límite de velocidad son los de este trabajador (" + worker + "); lo demás, de todos."
		},
		Account: "Proveedor y perfil de credenciales", Circuit: "Conexión", Token: "Vigencia del token", LastSuccess: "Último éxito", Failures: "Últimas 24 horas",
		Rate: "Límite de velocidad", Halted: "Detenido por", Closed: "normal", Open: "en pausa: no se envía nada", Probing: "en pausa: probando",
		NoToken: "aún no hay", NoRate: "sin límite", NotHalted: "nadie", NoOutcome: "sin resultados", NoneYet: "ninguno",
		LastAt:       func(at, age string) string { return at + ", hace " + age },
		TokenRenewed: func(age, renews string) string { return "obtenido hace " + age + ", se renueva el " + renews },
		Failed: func(failed, of Number, share string) string {
			return failed.of("fallida", "fallidas") + " de " + of.Text + " (" + share + ")"
		},
		Doubts:    func(n Number) string { return n.Text + " en duda" },
		PerSecond: func(rate string) string { return rate + " por segundo" },
	},
	Attention: OverviewAttention{
		Anomalies: "Con anomalía", AnomaliesAbout: "Dos datos que se contradicen sobre una operación. Un operador decide cuál vale.",
		Held: "Por revisar", HeldAbout: "El sistema no pudo saber si se ejecutaron. Una persona decide.",
		InDoubt: "En duda", InDoubtAbout: "Pudieron ejecutarse. Se está preguntando al proveedor de pago; la mayoría se aclara sola.",
		Blocked: "Bloqueado", BlockedAbout: "Detenidas antes del primer envío, hasta que un operador las libere o las cancele.",
		MoreThan: func(text string) string { return "más de " + text }, AtLeast: func(text string) string { return "al menos " + text },
		Sum: "Suma", Payment: "Operación", Amount: "Monto", For: "Hace", Next: "Qué sigue", None: "No hay.", NonePartial: "No hay entre las que se pudieron leer.",
		Since: "desde el",
		Shown: func(shown Number, rest string) string {
			return "Se muestran las " + shown.Text + " más antiguas. No se muestran otras: " + rest + "."
		},
		All: "Todas, con filtros y acciones masivas",
		Partial: func(provider string) string {
			return "No se pudieron leer todas las operaciones de " + provider + ": lo que se muestra puede estar incompleto. El log dice por qué."
		},
		SubscriptionsUnread: "No se pudieron leer las suscripciones. El log dice por qué.",
		Forgot:              "Redis olvidó envíos",
		ForgotAbout: "Se restauró un respaldo, un servidor tomó el lugar de otro sin sus últimos datos, o se borraron los datos. Por lo que espera su envío " +
			"se pregunta primero; lo que el proveedor de pago no conoce queda por revisar. `enqueue forgot show` dice qué pasó, y `enqueue forgot close` lo cierra.",
		Declared: "declarado por", Missing: func(n Number) string { return n.of("envío falta", "envíos faltan") },
		MissingUnknown: "nadie sabe cuántos envíos faltan",
		Rejected:       "Tareas no admitidas",
		RejectedAbout: "Tareas de otros programas (clientes de asynq) que no llegaron a ser una operación, en los últimos 30 días. Quien las envió debe " +
			"corregirlas y enviarlas de nuevo.",
		Reason: "Motivo", Task: "Cola y tarea", RejectedNewest: "Se muestran las más nuevas.", RejectedMore: "Todas las tareas no admitidas",
		Halts: "Proveedores de pago detenidos", HaltsAbout: "No se les envía nada nuevo; las consultas de estado siguen.",
		HaltedAccount: func(name string) string { return "perfil " + name }, AllAccounts: "todos los perfiles",
		Due: "Suscripciones que vencen", DueSince: func(at, age string) string { return "La más antigua venció el " + at + " (hace " + age + ")." },
	},
}
