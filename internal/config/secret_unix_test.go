//go:build unix

package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestAFileThatIsNoneEndsTheStart: nobody writes into the pipe, so that reading it would never end.
func TestAFileThatIsNoneEndsTheStart(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for sentence, path := range map[string]string{"a named pipe": pipe, "a folder": t.TempDir()} {
		for name, env := range map[string]map[string]string{
			"REMESA_REDIS_URL_FILE":              {"REMESA_REDIS_URL_FILE": path},
			"REMESA_VIRTUALPOS_SECRET_KEY_FILE":  virtualPOS("REMESA_VIRTUALPOS_SECRET_KEY", "", "REMESA_VIRTUALPOS_SECRET_KEY_FILE", path),
			"REMESA_VIRTUALPOS_CA_FILE":          virtualPOS("REMESA_VIRTUALPOS_CA_FILE", path),
			"REMESA_VIRTUALPOS_CLIENT_CERT_FILE": virtualPOS("REMESA_VIRTUALPOS_CLIENT_CERT_FILE", path, "REMESA_VIRTUALPOS_CLIENT_KEY_FILE", file(t, "x")),
			"REMESA_ACCOUNTS_FILE":               {"REMESA_ACCOUNTS_FILE": path},
		} {
			ended := make(chan error, 1)
			go func() { _, err := parse(t, env); ended <- err }()
			select {
			case err := <-ended:
				if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "not a regular file") || strings.Contains(err.Error(), path) {
					t.Errorf("%s as %s: %v", sentence, name, err)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("%s as %s: the start hangs", sentence, name)
			}
		}
	}
}

func TestASecretThatOthersCanReadIsWarnedAbout(t *testing.T) {
	t.Parallel()
	with := func(mode os.FileMode) string {
		path := file(t, "secret-1234567890")
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for mode, warned := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: true, 0o604: true, 0o644: true, 0o444: true} {
		path := with(mode)
		further := file(t, fmt.Sprintf(`[{"provider":"virtualpos","account":"b","base_url":"https://b.example","api_key_file":%q,"secret_key_file":%q}]`, path, with(0o600)))
		for name, env := range map[string]map[string]string{
			"REMESA_VIRTUALPOS_SECRET_KEY_FILE":                virtualPOS("REMESA_VIRTUALPOS_SECRET_KEY", "", "REMESA_VIRTUALPOS_SECRET_KEY_FILE", path),
			"REMESA_VIRTUALPOS_CLIENT_KEY_FILE":                virtualPOS("REMESA_VIRTUALPOS_CLIENT_CERT_FILE", with(0o644), "REMESA_VIRTUALPOS_CLIENT_KEY_FILE", path),
			"REMESA_ACCOUNTS_FILE: virtualpos/b: api_key_file": {"REMESA_ACCOUNTS_FILE": further},
			"REMESA_FINGERPRINT_KEY_FILE":                      {"REMESA_FINGERPRINT_KEY_FILE": path},
		} {
			warnings := mustParse(t, env).Warnings()
			if got := len(warnings) == 1 && strings.HasPrefix(warnings[0], name+" names a file") && !strings.Contains(warnings[0], path); got != warned || !warned && len(warnings) > 0 {
				t.Errorf("%o, %s: %q", mode, name, warnings)
			}
		}
	}
}
