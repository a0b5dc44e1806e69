package tasks

import (
	"slices"
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
