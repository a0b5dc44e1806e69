package i18n

var filesEnglish = Files{}
