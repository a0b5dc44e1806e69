package coordinador_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/providers/coordinador"
	"github.com/remesa/remesa/providers/providertest"
)

var golden = providertest.Golden{
	"obtain":   "7d6825a194a1ae0f",
	"look":     "a180c27abc0e8ec2",
	"register": "5460c896be3c33a6",
	"refresh":  "6f280fb5e99ef010",
}

func newClock() *providertest.Clock { return providertest.ClockAt(providertest.Now) }

// portal is a scripted portal and gateway.
type portal struct{ *providertest.Recorder }

func newPortal(t *testing.T, respond func(r *http.Request) string) portal {
	t.Helper()
	return portal{providertest.Record(t, func(r *http.Request) (int, string) { return http.StatusOK, respond(r) })}
}

func (p portal) config() coordinador.Config {
	return coordinador.Config{
		PortalURL: p.URL + "/portal/", GatewayURL: p.URL + "/staging/api/", Username: "pagos@empresa.example", Password: `p&"s=w +<ord>`,
	}
}

// sent are the requests to that path.
func (p portal) sent(path string) []string {
	return slices.DeleteFunc(p.Requests(), func(request string) bool {
		target, _, _ := strings.Cut(strings.Fields(request)[1], "?")
		return target != path
	})
}

const (
	obtained  = "/portal/api/token/obtain/"
	refreshed = "/portal/api/token/refresh/"
	looked    = "/staging/api/v1/resources/payment-execution-payment-instructions/"
	paid      = "/staging/api/v1/operations/payments/create/"
)

// token is a JWT whose life ends at that time and that may be refreshed for six days more.
func token(end time.Time) string {
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	claims := fmt.Sprintf(`{"user_id":7,"exp":%d,"refresh_exp":%d}`, end.Unix(), end.Add(6*24*time.Hour).Unix())
	return encode(`{"typ":"JWT","alg":"HS256"}`) + "." + encode(claims) + ".c2ln"
}

func TestRequestsOnTheWire(t *testing.T) {
	t.Parallel()
	at := newClock()
	server := newPortal(t, func(r *http.Request) string {
		switch r.URL.Path {
		case obtained, refreshed:
			return `{"access":"` + token(at.Now().Add(24*time.Hour)) + `","refresh":"r-1"}`
		case looked:
			return `{"count":0,"next":null,"previous":null,"results":[]}`
		}
		return `{"result":{},"errors":[],"operation":1}`
	})
	c := server.config()
	c.Auth.Now = at.Now
	client := newClient(t, c)
	if _, err := client.Pay(t.Context(), payoutOf(t, "PAY-42", 3456789), (&providertest.CheckpointRecorder{}).Attempt()); err != nil {
		t.Fatal(err)
	}
	at.Pass(25 * time.Hour)
	if err := client.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"obtain": obtained, "look": looked, "register": paid, "refresh": refreshed} {
		t.Run(name, func(t *testing.T) {
			if len(server.sent(path)) == 0 {
				t.Fatal("no request arrived")
			}
			verify(t, name, server.sent(path)[0])
		})
	}
	if n := len(server.sent(paid)); n != 1 {
		t.Errorf("%d registrations arrived", n)
	}
}

// verify checks a request against its file, and without any code of the adapter.
func verify(t *testing.T, name, request string) {
	t.Helper()
	golden.Compare(t, name, request)
	head, body, _ := strings.Cut(request, "\n\n")
	holds := func(line string) {
		if !strings.Contains(head+"\n", "\n"+line+"\n") {
			t.Errorf("no line %q", line)
		}
	}
	switch name {
	case "obtain":
		if body != `{"email":"pagos@empresa.example","password":"p\u0026\"s=w +\u003cord\u003e"}` {
			t.Errorf("the body is %s", body)
		}
	case "refresh":
		if body != `{"email":"pagos@empresa.example","password":"p\u0026\"s=w +\u003cord\u003e","refresh":"r-1"}` {
			t.Errorf("the body is %s", body)
		}
	case "look":
		holds("Authorization: Bearer " + token(time.Date(2026, 5, 16, 9, 0, 0, 0, time.UTC)))
		if !strings.HasPrefix(head, "GET "+looked+"?instruction=3456789&limit=100&offset=0 HTTP/1.1\n") || body != "" || strings.Contains(head, "Password") {
			t.Errorf("the request is %s", request)
		}
	case "register":
		holds("Authorization: Bearer " + token(time.Date(2026, 5, 16, 9, 0, 0, 0, time.UTC)))
		holds("Username: pagos@empresa.example")
		holds(`Password: p&"s=w +<ord>`)
		holds("Content-Type: application/x-www-form-urlencoded")
		data, err := url.PathUnescape(strings.TrimPrefix(body, "data="))
		want := `{"debtor":101,"creditor":202,"amount":119000,"payment_dt":"2026-05-15","transaction_type":3,"actual_collector":"",` +
			`"instruction_amount_tuples":[[3456789,119000]],"dtes":[2285813],"erp_a":"PAY-42","erp_b":""}`
		if err != nil || data != want || strings.Count(body, "=") != 1 {
			t.Errorf("the body holds\n%s\nwant\n%s (%v)", data, want, err)
		}
	}
}
