package config

import (
	"strings"
	"testing"
)

func TestAWritableDashboardWithoutALoginIsWarnedAbout(t *testing.T) {
	login := []string{"REMESA_DASHBOARD_USER", "ana", "REMESA_DASHBOARD_PASSWORD", "secret"}
	writable := []string{"REMESA_DASHBOARD_WRITABLE", "true"}
	for _, row := range []struct {
		says     string
		settings []string
		warned   bool
	}{
		{"neither", nil, false},
		{"writable", writable, true},
		{"a login", login, false},
		{"both", append(login, writable...), false},
	} {
		warnings := strings.Join(mustParse(t, virtualPOS(row.settings...)).Warnings(), "\n")
		if strings.Contains(warnings, "REMESA_DASHBOARD_WRITABLE has no effect") != row.warned {
			t.Errorf("%s: %s", row.says, warnings)
		}
	}
}
