package config

import (
	"slices"
	"strings"
	"testing"
)

// dashboard are the settings of the pages' login, and others.
func dashboard(user, password string, more ...string) map[string]string {
	env := map[string]string{"REMESA_DASHBOARD_USER": user, "REMESA_DASHBOARD_PASSWORD": password}
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return env
}

// userLine has a hash of a password that opens nothing.
func userLine(name string) string {
	return name + ":$2a$10$2ca2Cm6/gv/L6O2lG7vTbezjUPrQvKXP9M4RXymwhexj18RQtnCXW\n" // #nosec G101 -- see above
}

func TestUsersAreThoseOfTheFileAndOfTheSettings(t *testing.T) {
	t.Parallel()
	env := dashboard("ana", canary, "REMESA_DASHBOARD_USERS_FILE", file(t, "# who may decide\n"+userLine("eva")+userLine("leo")))
	users, err := mustParse(t, env).Users()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, u := range users {
		names = append(names, u.Name)
	}
	if !slices.Equal(names, []string{"eva", "leo", "ana"}) {
		t.Errorf("%q", names)
	}
	if users, err := mustParse(t, nil).Users(); len(users) != 0 || err != nil {
		t.Errorf("without a setting: %d users, %v", len(users), err)
	}
}

func TestAWritableDashboardWithoutALoginIsWarnedAbout(t *testing.T) {
	login := []string{"REMESA_DASHBOARD_USER", "ana", "REMESA_DASHBOARD_PASSWORD", canary}
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
		{"a file of users", append(writable, "REMESA_DASHBOARD_USERS_FILE", file(t, userLine("eva"))), false},
	} {
		warnings := strings.Join(mustParse(t, virtualPOS(row.settings...)).Warnings(), "\n")
		if strings.Contains(warnings, "REMESA_DASHBOARD_WRITABLE has no effect") != row.warned {
			t.Errorf("%s: %s", row.says, warnings)
		}
	}
}
