package i18n

// CLI is what the commands tell people on a terminal and on stderr.
type CLI struct{}
