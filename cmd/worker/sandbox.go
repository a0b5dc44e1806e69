package main

import (
	"context"
	"fmt"
	"net"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/providers/sandbox"
)

type sandboxCmd struct {
	Addr string `default:"127.0.0.1:9090" placeholder:"HOST:PORT" help:"Where the simulators listen."`
}

// Run serves the provider simulators until a signal.
func (cmd sandboxCmd) Run(ctx context.Context, _ *config.Config) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", cmd.Addr)
	if err != nil {
		return fmt.Errorf("--addr: %w", err)
	}
	fmt.Printf("simulated providers on http://%s\n\n", l.Addr())
	fmt.Printf("  REMESA_VIRTUALPOS_BASE_URL=http://%s%s\n", l.Addr(), sandbox.VirtualPOSPrefix)
	fmt.Printf("  REMESA_VIRTUALPOS_API_KEY=%s\n  REMESA_VIRTUALPOS_SECRET_KEY=%s\n\n", sandboxAPIKey, sandboxSecretKey)
	fmt.Printf("  REMESA_PAGOSEGURO_BASE_URL=http://%s%s\n", l.Addr(), sandbox.PagoSeguroPrefix)
	fmt.Printf("  REMESA_PAGOSEGURO_ACCOUNT_ID=%s\n  REMESA_PAGOSEGURO_API_KEY=%s\n\n", sandboxAccountID, sandboxAPIKey)
	fmt.Printf("  REMESA_COORDINADOR_PORTAL_URL=http://%s%s\n", l.Addr(), sandbox.CoordinadorPrefix)
	fmt.Printf("  REMESA_COORDINADOR_GATEWAY_URL=http://%s%s\n", l.Addr(), sandbox.CoordinadorGateway)
	fmt.Printf("  REMESA_COORDINADOR_USERNAME=%s\n  REMESA_COORDINADOR_PASSWORD=%s\n\n", sandboxPortalUser, sandboxPassword)
	fmt.Printf("  REMESA_PAGANDOCHECK_BASE_URL=http://%s%s\n", l.Addr(), sandbox.PagandoCheckPrefix)
	fmt.Printf("  REMESA_PAGANDOCHECK_USER=%s\n  REMESA_PAGANDOCHECK_PASSWORD=%s\n\n", sandboxUser, sandboxPassword)
	fmt.Printf("  REMESA_ETPAY_BASE_URL=http://%[1]s%[2]s\n  REMESA_ETPAY_PAYMENT_URL=http://%[1]s%[2]s\n", l.Addr(), sandbox.ETpayPrefix)
	fmt.Printf("  REMESA_ETPAY_MERCHANT_CODE=%s\n  REMESA_ETPAY_MERCHANT_API_TOKEN=%s\n", sandboxMerchant, sandboxMerchantToken)
	fmt.Printf("  REMESA_ETPAY_PAYOUTS_URL=http://%s%s\n", l.Addr(), sandbox.ETpayPrefix)
	fmt.Printf("  REMESA_ETPAY_PAYOUTS_USERNAME=%s\n  REMESA_ETPAY_PAYOUTS_PASSWORD=%s\n\n", sandboxPayoutsUser, sandboxPassword)
	fmt.Println("GET PREFIX/_book shows what was executed; POST PREFIX/_faults makes it fail (see README.md)")
	return sandbox.New(sandbox.Options{}).Serve(ctx, l)
}

// The credentials that the simulators take; they guard nothing.
const (
	sandboxAPIKey    = "sandbox-api-key"    // #nosec G101
	sandboxSecretKey = "sandbox-secret-key" // #nosec G101
	sandboxAccountID = "123456789"

	sandboxUser       = "sandbox-user"
	sandboxPortalUser = "pagos@empresa.example"
	sandboxPassword   = "sandbox-password" // #nosec G101

	sandboxPayoutsUser   = "ops@example.cl"
	sandboxMerchant      = "cl_sandbox_cl"
	sandboxMerchantToken = "sandbox-merchant-api-token" // #nosec G101
)
