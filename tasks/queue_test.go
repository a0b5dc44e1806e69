package tasks

import (
	"encoding/json"
	"slices"
	"strconv"
	"testing"

	"github.com/remesa/remesa/idempotency"
)

// TestEachPartitionHasItsQueues: names that monitoring and autoscaling know.
func TestEachPartitionHasItsQueues(t *testing.T) {
	t.Parallel()
	for number, want := range map[int][]string{
		0: {"virtualpos", "virtualpos-bulk", "virtualpos-ask"}, 3: {"virtualpos:3", "virtualpos:3-bulk", "virtualpos:3-ask"},
	} {
		w := idempotency.WakeUp{Key: idempotency.Key{Provider: "virtualpos", Account: "default", Reference: "a"}, Partition: number}
		bulk, query := w, w
		bulk.Bulk, query.Query = true, true
		if got := []string{queueOf(w), queueOf(bulk), queueOf(query)}; !slices.Equal(got, want) {
			t.Errorf("%d: %v, want %v", number, got, want)
		}
		if got := Queues(idempotency.Partition{Provider: "virtualpos", Number: number}.String()); !slices.Equal(got, want) {
			t.Errorf("%d has %v, want %v", number, got, want)
		}
	}
}

// TestMetadataIsWrittenAsTheStandardEncoderWritesIt: it stands so in records and events.
func TestMetadataIsWrittenAsTheStandardEncoderWritesIt(t *testing.T) {
	t.Parallel()
	many := map[string]string{}
	for i := range 40 {
		many[strconv.Itoa(i*7%40)] = strconv.Itoa(i)
	}
	for _, m := range []map[string]string{
		{}, {"": ""}, {"order": "7", "a": "b", "B": "c"}, {"nota": "Peña & hijos <\"cuota\\2\">"}, {"x": "\n\u2028\x7f", "ñ": "é"}, many,
	} {
		want, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if got := mapText(m); got != string(want) {
			t.Errorf("was %s\nis  %s", want, got)
		}
	}
}
