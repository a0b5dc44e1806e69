package i18n

var pagesEnglish = Pages{}
