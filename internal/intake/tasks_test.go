package intake

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestAResultIsWrittenAsTheStandardEncoderWritesIt(t *testing.T) {
	t.Parallel()
	for _, r := range []Result{
		{}, {Line: 7, Result: "enqueued", Key: "virtualpos/a", TaskID: "virtualpos:a:1"}, {Result: "duplicate", State: "queued", First: 3},
		{Line: -1, Result: "invalid", Error: `recipient.name: must not have "<&>" or \ in it`}, {Result: "invalid", Error: "description: la cuota de ñ"},
		{Result: "invalid", Error: "account: <none> & more"}, {Error: "\x7f\n"},
	} {
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(r); err != nil {
			t.Fatal(err)
		}
		got, err := r.AppendJSON([]byte("before "))
		if err != nil || string(got)+"\n" != "before "+want.String() {
			t.Errorf("was %s\nis  %s, %v", want.String(), got, err)
		}
	}
}
