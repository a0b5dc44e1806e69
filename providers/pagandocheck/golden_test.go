package pagandocheck_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/pagandocheck"
	"github.com/remesa/remesa/providers/providertest"
)

var golden = providertest.Golden{
	"login":           "76e13ca427d6ce82",
	"order":           "879019ca67b898ba",
	"charge-an-order": "58120a2fdae5882a",
	"charge":          "4744c847fc8c8cda",
	"charge-bare":     "f564da07749dd04a",
	"order-info":      "a1264bec70c25d47",
}

func TestRequestsOnTheWire(t *testing.T) {
	t.Parallel()
	ch := charge(t, "PAY-0000000042")
	bare := ch
	bare.Description, bare.Details = "", nil
	one := func(ch providers.Charge) func(t *testing.T, c pagandocheck.Config) {
		return func(t *testing.T, c pagandocheck.Config) {
			_, _ = newClient(t, c).Charge(t.Context(), ch, providers.Attempt{})
		}
	}
	two := func(t *testing.T, c pagandocheck.Config) {
		_, _ = newTwoStep(t, c).Charge(t.Context(), ch, (&providertest.CheckpointRecorder{}).Attempt())
	}
	ask := func(t *testing.T, c pagandocheck.Config) {
		_, _ = newTwoStep(t, c).Status(t.Context(), providers.StatusQuery{Reference: ch.Reference, Charge: &ch, ProviderRefs: map[string]string{"order_id": "ord/1?a=b&c #ñ"}})
	}
	for _, row := range []struct {
		names []string
		send  func(t *testing.T, c pagandocheck.Config)
	}{
		{[]string{"login", "order", "charge-an-order"}, two},
		{[]string{"login", "charge"}, one(ch)},
		{[]string{"login", "charge-bare"}, one(bare)},
		{[]string{"login", "order-info"}, ask},
	} {
		got := record(t, row.send)
		if len(got) != len(row.names) {
			t.Fatalf("%d requests arrived, want %v", len(got), row.names)
		}
		for i, name := range row.names {
			verify(t, name, got[i])
		}
	}
}

// record is the bytes of the requests that came over the wire.
func record(t *testing.T, send func(t *testing.T, c pagandocheck.Config)) []string {
	t.Helper()
	server := providertest.Record(t, func(r *http.Request) (int, string) {
		switch {
		case strings.HasSuffix(r.URL.Path, "get-token"):
			return http.StatusOK, `{"type":"API_AUTHENTICATION","key":"TOKEN","message":"Success","code":0,"data":{"token":"tok-1","key":"k"}}`
		case strings.HasSuffix(r.URL.Path, "create-ecommerce-order"):
			return http.StatusOK, `{"data":{"orderId":"ord-1"}}`
		}
		return providertest.Teapot(r)
	})
	c := config(server.URL + "/prefix/")
	c.User, c.Password = "0123456789abcdef0123456789abcdef01234567", "Test pässword <1>"
	send(t, c)
	return server.Requests()
}

// verify checks a request against its file, and without any code of the adapter. The paymentToken
// was made with md5sum from password, cart and total.
func verify(t *testing.T, name, request string) {
	t.Helper()
	golden.Compare(t, name, request)
	const charged = `{"userId":"5d1c0b1e-2f6a-4a1e-9a55-0c9a3f4f7e10","amount":"149.50","cardId":"cd_example-000001",`
	bodies := map[string]string{
		"login": `{"password":"Test pässword <1>","user":"0123456789abcdef0123456789abcdef01234567"}`,
		"order": `{"cartId":"PAY-0000000042","total":"149.50","orderIdECommerce":"PAY-0000000042","originECommerce":"MAGENTO",` +
			`"paymentToken":"4a83725e1f5a3aad78d86b85e5b7c51c"}`,
		"charge-an-order": charged + `"aftToken":"aft-0001","agreement":"CONTRATO-000812","concept":"PAY-0000000042 Plan <mensual> & más","orderId":"ord-1"}`,
		"charge":          charged + `"aftToken":"aft-0001","agreement":"CONTRATO-000812","concept":"PAY-0000000042 Plan <mensual> & más"}`,
		"charge-bare":     charged + `"aftToken":"","agreement":"CONTRATO-000812","concept":"PAY-0000000042"}`,
		"order-info":      "",
	}
	lines := map[string]string{
		"login":           "POST /prefix/v1/pagando/get-token HTTP/1.1",
		"order":           "POST /prefix/v1/pagando/orders/create-ecommerce-order HTTP/1.1",
		"charge-an-order": "POST /prefix/v1/pagando/orders/create-order HTTP/1.1",
		"charge":          "POST /prefix/v1/pagando/orders/create-order HTTP/1.1",
		"charge-bare":     "POST /prefix/v1/pagando/orders/create-order HTTP/1.1",
		"order-info":      "GET /prefix/v1/pagando/orders/get-order-info?orderId=ord%2F1%3Fa%3Db%26c+%23%C3%B1 HTTP/1.1",
	}
	head, body, _ := strings.Cut(request, "\n\n")
	if body != bodies[name] {
		t.Errorf("%s: the body is\n%s\nwant\n%s", name, body, bodies[name])
	}
	if line, _, _ := strings.Cut(head, "\n"); line != lines[name] {
		t.Errorf("%s: the request line is %s, want %s", name, line, lines[name])
	}
	if bearer := strings.Contains(head+"\n", "\nAuthorization: Bearer tok-1\n"); bearer != (name != "login") {
		t.Errorf("%s: Authorization is wrong", name)
	}
}
