package dashboard

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/remesa/remesa/idempotency"
	"github.com/remesa/remesa/seal"
)

func TestTheOverviewListsRejectedTasks(t *testing.T) {
	d := newFakeLedger()
	_, html := view(t, d, "/payments")
	contains(t, html, "Rejected tasks 0 None.")
	conflict := idempotency.RejectedTask{
		Provider: "virtualpos", Key: idempotency.Key{Provider: "virtualpos", Account: "default", Reference: "taken"}, Queue: "virtualpos", TaskID: "t-1",
		Reason: idempotency.RejectConflict, Message: "amount: differs", At: testNow.Add(-2 * time.Hour),
	}
	unreadable := idempotency.RejectedTask{Provider: "etpay", Queue: "etpay", TaskID: "t-2", Reason: idempotency.RejectUnreadable, Message: "line: <b>", At: testNow.Add(-time.Hour)}
	sealed := idempotency.RejectedTask{Provider: "etpay", Queue: "etpay", TaskID: "t-3", Reason: idempotency.RejectInvalid, At: testNow, DecryptErr: seal.ErrUnknownKey}
	d.rejected = []idempotency.RejectedTask{conflict, unreadable, sealed}
	code, html := view(t, d, "/payments")
	if code != http.StatusOK {
		t.Fatal(code)
	}
	contains(t, html, "Rejected tasks 3", "etpay invalid sealed with a key that is not here", "etpay unreadable line: &lt;b&gt; 1 h", "virtualpos/taken conflict amount: differs 2 h",
		"virtualpos t-1")
	if !strings.Contains(html, `href="`+linkTo("virtualpos/taken")+`"`) {
		t.Error("no link to the payment that has the reference")
	}
}

func TestManyRejectedTasksAreCut(t *testing.T) {
	d := newFakeLedger()
	for n := range maxRows + 1 {
		d.rejected = append(d.rejected, idempotency.RejectedTask{Provider: "etpay", TaskID: "t", Reason: idempotency.RejectInvalid, At: testNow.Add(-time.Duration(n) * time.Minute)})
	}
	_, html := view(t, d, "/payments")
	contains(t, html, "Rejected tasks 101", "The newest are shown. All rejected tasks")
}
