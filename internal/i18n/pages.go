package i18n

// Pages is the texts of the pages.
type Pages struct{}
