package i18n

var formatsEnglish = Formats{
	JustNow: "just now",
	Days:    func(n Number) string { return n.of("day", "days") },
	Hours:   func(n Number) string { return n.of("hour", "hours") },
	Minutes: func(n Number) string { return n.of("minute", "minutes") },
	Seconds: func(n Number) string { return n.of("second", "seconds") },
}
