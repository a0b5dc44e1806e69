package check

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// secrets runs secrets.sh and reads what it made.
func secrets(t testing.TB, folder string) map[string]string {
	t.Helper()
	if out, err := exec.Command(filepath.Join(deploy, "secrets.sh"), folder).CombinedOutput(); err != nil {
		t.Fatalf("secrets.sh: %s\n%s", err, out)
	}
	info, err := os.Stat(folder)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder is open to others: %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		made[e.Name()] = string(text)
	}
	return made
}
