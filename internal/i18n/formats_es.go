package i18n

var formatsSpanish = Formats{
	JustNow: "ahora mismo",
	Days:    func(n Number) string { return n.of("día", "días") },
	Hours:   func(n Number) string { return n.of("hora", "horas") },
	Minutes: func(n Number) string { return n.of("minuto", "minutos") },
	Seconds: func(n Number) string { return n.of("segundo", "segundos") },
}
