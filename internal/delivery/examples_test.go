package delivery

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/remesa/remesa/internal/eventually"
	"github.com/remesa/remesa/internal/processtest"
	"github.com/remesa/remesa/internal/receiver"
	"github.com/remesa/remesa/providers"
)

// output is what a program prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// TestTheExamplesTakeWhatIsSignedAndNothingElse, and print an event once that comes twice.
func TestTheExamplesTakeWhatIsSignedAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ program, file string }{
		{"python3", "../../examples/python-receiver/receiver.py"},
		{"node", "../../examples/node-receiver/receiver.mjs"},
	} {
		t.Run(row.program, func(t *testing.T) {
			t.Parallel()
			program, err := exec.LookPath(row.program)
			if err != nil {
				processtest.Missing(t, row.program+" is not installed")
			}
			secrets := filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(secrets, []byte(secret("one").Reveal()+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			address, printed := nobody(t), &output{}
			ctx, cancel := context.WithCancel(context.Background())
			cmd := exec.CommandContext(ctx, program, row.file, address)
			cmd.Env = append(os.Environ(), "WEBHOOK_SECRET_FILE="+secrets)
			cmd.Stdout, cmd.Stderr = printed, printed
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { cancel(); _ = cmd.Wait() })
			send := func(id string, at time.Time, keys ...providers.Secret) error {
				to := signedBy("billing", address, keys)
				return poster(t, to).Post(t.Context(), id, []byte(`{"event_id":"`+id+`","key":"virtualpos/ñ","event":"state","state":"succeeded"}`), at)
			}
			now := time.Now()
			eventually.NoError(t, patience, func() error { return send("virtualpos/a:0:1", now, secret("one")) })
			for says, err := range map[string]error{
				"again":       send("virtualpos/a:0:1", now, secret("one")),
				"two secrets": send("virtualpos/a:0:2", now, secret("two"), secret("one")),
			} {
				if err != nil {
					t.Errorf("%s: %v", says, err)
				}
			}
			for says, err := range map[string]error{
				"another secret": send("virtualpos/a:0:3", now, secret("two")),
				"too old":        send("virtualpos/a:0:4", now.Add(-6*time.Minute), secret("one")),
				"from to-morrow": send("virtualpos/a:0:5", now.Add(6*time.Minute), secret("one")),
			} {
				if result, text := Result(err); result != Refused || text != "the receiver answered HTTP 401" {
					t.Errorf("%s: %s %s", says, result, text)
				}
			}
			if got := printed.String(); got != "virtualpos/ñ state succeeded\nvirtualpos/ñ state succeeded\n" {
				t.Errorf("printed %q", got)
			}
		})
	}
}

func signedBy(name, address string, keys []providers.Secret) receiver.Receiver {
	return at(name, fmt.Sprintf("http://%s/hooks", address), func(r *receiver.Receiver) { r.Secrets = keys })
}
