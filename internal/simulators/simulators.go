// Package simulators says how a worker reaches the simulated providers: their addresses, and
// credentials that guard nothing.
package simulators

import "github.com/remesa/remesa/providers/sandbox"

// Setting is an environment variable of a worker.
type Setting struct{ Name, Value string }

// Settings point a worker at simulators that listen at url, such as http://127.0.0.1:9090: those of
// each provider together.
func Settings(url string) [][]Setting {
	return [][]Setting{
		{
			{"REMESA_VIRTUALPOS_BASE_URL", url + sandbox.VirtualPOSPrefix},
			{"REMESA_VIRTUALPOS_API_KEY", apiKey},
			{"REMESA_VIRTUALPOS_SECRET_KEY", "sandbox-secret-key"},
		},
		{
			{"REMESA_PAGOSEGURO_BASE_URL", url + sandbox.PagoSeguroPrefix},
			{"REMESA_PAGOSEGURO_ACCOUNT_ID", "123456789"},
			{"REMESA_PAGOSEGURO_API_KEY", apiKey},
		},
		{
			{"REMESA_COORDINADOR_PORTAL_URL", url + sandbox.CoordinadorPrefix},
			{"REMESA_COORDINADOR_GATEWAY_URL", url + sandbox.CoordinadorGateway},
			{"REMESA_COORDINADOR_USERNAME", "pagos@empresa.example"},
			{"REMESA_COORDINADOR_PASSWORD", password},
		},
		{
			{"REMESA_PAGANDOCHECK_BASE_URL", url + sandbox.PagandoCheckPrefix},
			{"REMESA_PAGANDOCHECK_USER", "sandbox-user"},
			{"REMESA_PAGANDOCHECK_PASSWORD", password},
		},
		{
			{"REMESA_ETPAY_BASE_URL", url + sandbox.ETpayPrefix},
			{"REMESA_ETPAY_PAYMENT_URL", url + sandbox.ETpayPrefix},
			{"REMESA_ETPAY_MERCHANT_CODE", "cl_sandbox_cl"},
			{"REMESA_ETPAY_MERCHANT_API_TOKEN", "sandbox-merchant-api-token"},
			{"REMESA_ETPAY_PAYOUTS_URL", url + sandbox.ETpayPrefix},
			{"REMESA_ETPAY_PAYOUTS_USERNAME", "ops@example.cl"},
			{"REMESA_ETPAY_PAYOUTS_PASSWORD", password},
		},
	}
}

const (
	apiKey   = "sandbox-api-key"  // #nosec G101
	password = "sandbox-password" // #nosec G101
)
