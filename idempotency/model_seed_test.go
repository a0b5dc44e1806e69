package idempotency

import (
	"flag"
	"os"
	"testing"
)

// TestMain gives the model test the same interleavings on every run of the ordinary suite, so that it fails for a change and not by
// chance. With REMESA_TEST_LONG, or with -rapid.seed, it looks for new ones.
func TestMain(m *testing.M) {
	flag.Parse()
	seed := flag.Lookup("rapid.seed")
	if os.Getenv("REMESA_TEST_LONG") == "" && seed.Value.String() == seed.DefValue {
		if err := seed.Value.Set("20260512"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
