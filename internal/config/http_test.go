package config

import "testing"

func TestAWritableDashboardWithoutALoginIsWarnedAbout(t *testing.T) {
	for _, row := range []struct {
		h    HTTP
		want int
	}{
		{HTTP{}, 0},
		{HTTP{DashboardWritable: true}, 1},
		{HTTP{DashboardWritable: true, DashboardUser: "ana", DashboardPassword: "secret"}, 0},
		{HTTP{DashboardUser: "ana", DashboardPassword: "secret"}, 0},
	} {
		c := Config{HTTP: row.h}
		if got := c.HTTP.warnings(); len(got) != row.want {
			t.Errorf("%+v: %q", row.h, got)
		}
	}
}
