package i18n

import "github.com/remesa/remesa/idempotency"

var refusalsSpanish = map[idempotency.RefusalReason]refusal{
	"risk_needs_failed": always("el riesgo de pago doble solo se acepta al resolver como fallido"),
	"not_unresolved": func(state, _ string) string {
		return "solo se resuelve lo que está en duda, en proceso o por revisar; esto está: " + state
	},
	"anomaly": always("tiene una anomalía; resuélvala primero"),
	"not_held": func(state, _ string) string {
		return "solo lo que está por revisar se puede dar por no recibido; esto está: " + state
	},
	"too_early":  func(_, wait string) string { return "aún puede ejecutarse; inténtelo en " + wait },
	"no_anomaly": always("no hay ninguna anomalía"),
	"not_final":  func(state, _ string) string { return "solo lo terminado se puede reversar; esto está: " + state },
	"not_retriable": func(state, _ string) string {
		return "solo se reintenta lo fallido o lo que está por reenviar; esto está: " + state
	},
	"subscription":      always("el cobro de una suscripción no se reintenta a mano: sus reintentos de cobro hacen cobros nuevos"),
	"payload_gone":      always("sus datos ya no se guardan; envíelo con otra referencia"),
	"may_have_left":     always("un intento pudo ejecutarse"),
	"risk_not_accepted": always("un intento pudo ejecutarse, y nadie aceptó el riesgo de pago doble"),
	"not_blocked":       func(state, _ string) string { return "solo se libera lo bloqueado; esto está: " + state },
	"too_late":          func(state, _ string) string { return "es tarde para cancelar; esto está: " + state },
	"too_late_left":     always("es tarde para cancelar: un intento pudo ejecutarse"),
	"maybe_forgotten":   always("Redis pudo olvidar que se envió; primero se pregunta al proveedor de pago"),
	"not_forgotten": func(state, _ string) string {
		return "solo se envía así lo que está por revisar porque Redis olvidó envíos; esto está: " + state
	},
}
