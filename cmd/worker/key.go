package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/remesa/remesa/internal/config"
	"github.com/remesa/remesa/seal"
)

type keyCmd struct {
	ID string `name:"id" placeholder:"ID" help:"1 to 32 letters, digits, _ or -; without it the date and a random end."`
}

// Run prints one new payload key and nothing else, so that it can go straight into a file.
func (cmd keyCmd) Run(*config.Config) error {
	if cmd.ID == "" {
		cmd.ID = keyID(time.Now())
	}
	key, err := seal.NewKey(cmd.ID)
	if err != nil {
		return fmt.Errorf("--id: %w", err)
	}
	fmt.Println(key)
	return nil
}

// keyID is the date on which a key was made, and a random end that keeps two of one day apart.
func keyID(now time.Time) string {
	var end [2]byte
	_, _ = rand.Read(end[:]) // never fails (crypto/rand)
	return now.UTC().Format(time.DateOnly) + "-" + hex.EncodeToString(end[:])
}
