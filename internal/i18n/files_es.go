package i18n

var filesSpanish = Files{}
