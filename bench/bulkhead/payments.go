package main

import (
	"context"
	"fmt"
	"net"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/pagoseguro"
	"github.com/remesa/remesa/providers/virtualpos"
	"github.com/remesa/remesa/tasks"
)

func payout(i int) (tasks.Task, error) {
	return tasks.Payout{
		Provider: virtualpos.Name, MerchantID: fmt.Sprintf("payout-%08d", i), Amount: "12500", Currency: "CLP", Description: "Devolución",
		Recipient: providers.Recipient{Document: "12345678-5", Name: "Ana Soto", Email: "ana@example.cl"},
		Bank:      providers.Bank{Code: "012", AccountNumber: "12345678"},
	}.Task()
}

// card is a token as the simulated provider makes them; it holds no card.
const card = "eyJpdiI6IkV4YW1wbGUiLCJ2YWx1ZSI6IkV4YW1wbGUiLCJtYWMiOiIwMTIzIn0=" // #nosec G101

func charge(i int) (tasks.Task, error) {
	return tasks.Charge{
		Provider: pagoseguro.Name, TxnID: fmt.Sprintf("charge-%08d", i), Amount: "32900", Currency: "COP", Description: "Suscripción",
		Customer: providers.Customer{Name: "Ana Ruiz", Email: "ana@example.com", DocumentType: 1, Document: "100000000",
			Phone: "3100000000", Address: "Calle 10 # 10-99", City: "Bogotá", FirstNames: "Ana", LastNames: "Ruiz"},
		Card: tasks.Card{Token: card, Brand: "MasterCard", ExpiryMonth: 12, ExpiryYear: 99, Installments: 1},
	}.Task()
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
