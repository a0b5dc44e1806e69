package quipu

import (
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/providertest"
	"github.com/remesa/remesa/providers/wire"
)

// FuzzResponses: garbage never succeeds, and never fails a payment for good.
func FuzzResponses(f *testing.F) {
	providertest.Seed(f, []int{200, 201, 401, 404, 409, 422, 429, 500},
		`{"id":"qp_000001","reference":"r","status":"paid","amount":12500,"currency":"CLP"}`,
		`{"error":{"code":"insufficient_funds","message":"no money"}}`)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		reply := wire.Reply{Status: status, Body: body}
		for _, mapping := range []func(wire.Reply, error, mappingContext) (providers.Outcome, error){mapPayout, mapStatus} {
			o, err := mapping(reply, nil, mappingContext{reference: "r"})
			providertest.Sane(t, o, err)
		}
	})
}
