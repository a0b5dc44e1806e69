package main

import "github.com/remesa/remesa/internal/view"

type showCmd struct {
	Key string `arg:"" help:"provider/reference, or provider/account/reference."`
}

// Run prints one payment.
func (c *showCmd) Run(a *app) error {
	k, err := parseKey(c.Key)
	if err != nil {
		return err
	}
	r, err := a.ledger.Show(a.ctx, k)
	if err != nil {
		return a.failed(err)
	}
	a.sealedHere(r.DecryptErr)
	if err := a.print(view.NewShownPayment(r)); err != nil {
		return err
	}
	return a.flush()
}
