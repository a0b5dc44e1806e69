package i18n

var pagesSpanish = Pages{}
