package i18n

// Files is what is said about files of payments, to people who sent one.
type Files struct{}
