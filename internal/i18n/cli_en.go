package i18n

var cliEnglish = CLI{}
