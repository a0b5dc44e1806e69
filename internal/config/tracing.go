package config

import (
	"net/url"
	"strings"
)

// Tracing says where traces go. Its names are OpenTelemetry's own.
type Tracing struct {
	OTLPEndpoint string `name:"otel-exporter-otlp-endpoint" placeholder:"URL" help:"Base URL of an OpenTelemetry collector (OTLP over HTTP), such as http://127.0.0.1:4318; without it nothing is traced."`
}

// openTelemetry begins the flags whose variables have OpenTelemetry's names.
const openTelemetry = "otel-"

func (t *Tracing) complete() []error {
	if t.OTLPEndpoint == "" {
		return nil
	}
	u, err := url.Parse(t.OTLPEndpoint)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.RawQuery != "", u.Fragment != "":
		return []error{problem("OTEL_EXPORTER_OTLP_ENDPOINT", "must be a URL such as http://127.0.0.1:4318 (found %s)", shapeOf(t.OTLPEndpoint))}
	case u.User != nil:
		return []error{problem("OTEL_EXPORTER_OTLP_ENDPOINT", "must have no user and no password in it: OTEL_EXPORTER_OTLP_HEADERS is for those")}
	}
	return nil
}

// variableName is the variable of a flag.
func variableName(flag string) string {
	name := strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
	if strings.HasPrefix(flag, openTelemetry) {
		return name
	}
	return Prefix + name
}
