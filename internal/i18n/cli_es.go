package i18n

var cliSpanish = CLI{}
