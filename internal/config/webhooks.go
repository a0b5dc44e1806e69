package config

import (
	"fmt"
	"math"

	"github.com/remesa/remesa/internal/receiver"
)

const webhooksSetting = "REMESA_WEBHOOKS_FILE"

// Webhooks says which billing systems get outcome events as webhooks.
type Webhooks struct {
	WebhooksFile string `placeholder:"FILE" help:"File of the billing systems that get outcome events as webhooks (JSON); see docs/webhooks.md."`
	receivers    []receiver.Receiver
}

// Receivers are those of the file, once Complete has read it.
func (w *Webhooks) Receivers() []receiver.Receiver { return w.receivers }

func (w *Webhooks) complete() []error {
	w.receivers = nil
	if w.WebhooksFile == "" {
		return nil
	}
	content, err := readFile(w.WebhooksFile, math.MaxInt64)
	if err != nil {
		return []error{problem(webhooksSetting, "names a file that cannot be read: %s", err)}
	}
	all, found := receiver.Parse(content, secretFile)
	problems := make([]error, len(found))
	for i, p := range found {
		problems[i] = fmt.Errorf("%s: %w", webhooksSetting, p)
	}
	w.receivers = all
	return problems
}

func (w *Webhooks) warnings() []string {
	var warnings []string
	for _, r := range w.receivers {
		for _, path := range r.SecretFiles {
			if readByOthers(path) {
				warnings = append(warnings, fmt.Sprintf("%s: %s: a file of its secret can be read by other users of this machine: let only the worker's user read it (chmod 600)", webhooksSetting, r.Name))
			}
		}
	}
	return warnings
}
