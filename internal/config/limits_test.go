package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLimitsAreReadAsHundredths(t *testing.T) {
	t.Parallel()
	b, problems := Limits{
		LimitAmount: "12500", LimitHour: "sum=50000000,count=2000", LimitDay: "count=7", LimitDoubt: "149.5", LookalikeWindow: "10m",
	}.read(strings.ToLower)
	want := Brakes{Amount: 1_250_000, HourSum: 5_000_000_000, HourCount: 2000, DayCount: 7, Doubt: 14_950, Lookalike: 10 * time.Minute}
	if b != want || len(problems) > 0 {
		t.Errorf("%+v, %v; want %+v", b, problems, want)
	}
	if b, problems := (Limits{LimitAmount: "none", LimitHour: "none", LookalikeWindow: "none"}).read(strings.ToLower); b != (Brakes{}) || len(problems) > 0 {
		t.Errorf("none: %+v, %v", b, problems)
	}
}

func TestWhatIsNoLimitIsRefused(t *testing.T) {
	t.Parallel()
	for _, l := range []Limits{
		{LimitAmount: "0"}, {LimitAmount: "-5"}, {LimitAmount: "1e9"}, {LimitAmount: "1.234"}, {LimitAmount: "12.500,00"}, {LimitAmount: "12345678901234"},
		{LimitHour: "50000"}, {LimitHour: "sum=none"}, {LimitHour: "sum=1,sum=2"}, {LimitHour: "sum="}, {LimitHour: "count=0"}, {LimitHour: "count=1.5"}, {LimitHour: "sum=1;count=2"},
		{LimitDay: "sum=0"}, {LimitDoubt: "x"}, {LookalikeWindow: "10"}, {LookalikeWindow: "31d"}, {LookalikeWindow: "1ms"},
	} {
		b, problems := l.read(func(setting string) string { return "NAME_" + setting })
		if len(problems) != 1 || b != (Brakes{}) || !strings.HasPrefix(problems[0].Error(), "NAME_L") {
			t.Errorf("%+v: %+v, %v", l, b, problems)
		}
	}
}

func TestAnAccountHasItsOwnLimitsOrItsProviders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "accounts.json")
	for name, content := range map[string]string{"key": "k", "secret": "s"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	entry := `{"provider":"virtualpos","account":"NAME","base_url":"https://vp.example","api_key_file":"` + dir + `/key","secret_key_file":"` + dir + `/secret" LIMITS}`
	entries := []string{
		strings.NewReplacer("NAME", "plain", " LIMITS", "").Replace(entry),
		strings.NewReplacer("NAME", "own", " LIMITS", `,"limit_amount":500,"limit_hour":"none"`).Replace(entry),
	}
	if err := os.WriteFile(file, []byte("["+strings.Join(entries, ",")+"]"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := From(map[string]string{
		"REMESA_ACCOUNTS_FILE": file, "REMESA_VIRTUALPOS_LIMIT_AMOUNT": "1000", "REMESA_VIRTUALPOS_LIMIT_HOUR": "count=3", "REMESA_ETPAY_LIMIT_DAY": "count=9",
	})
	if err != nil {
		t.Fatal(err)
	}
	for account, want := range map[string]Brakes{
		"default": {Amount: 100_000, HourCount: 3}, "plain": {Amount: 100_000, HourCount: 3}, "own": {Amount: 50_000},
	} {
		if got := c.Brakes("virtualpos", account); got != want {
			t.Errorf("%s: %+v, want %+v", account, got, want)
		}
	}
	if got := c.Brakes("coordinador", "default"); got != (Brakes{}) {
		t.Errorf("no variable is set, and the limits are %+v", got)
	}
	if _, err := From(map[string]string{"REMESA_ACCOUNTS_FILE": file, "REMESA_VIRTUALPOS_PARTITIONS": "2", "REMESA_VIRTUALPOS_LIMIT_AMOUNT": "1000"}); err != nil {
		t.Errorf("an amount's limit beside partitions: %v", err)
	}
	entries[1] = strings.NewReplacer("NAME", "own", " LIMITS", `,"limit_day":"count=3"`).Replace(entry)
	if err := os.WriteFile(file, []byte("["+strings.Join(entries, ",")+"]"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = From(map[string]string{"REMESA_ACCOUNTS_FILE": file, "REMESA_VIRTUALPOS_PARTITIONS": "2"})
	if want := "REMESA_VIRTUALPOS_PARTITIONS: must be 1 beside limit_day of the account virtualpos/own"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("a further account's limit beside partitions: %v", err)
	}
	entries[1] = strings.NewReplacer("NAME", "own", " LIMITS", `,"limit_amount":"all"`).Replace(entry)
	if err := os.WriteFile(file, []byte("["+strings.Join(entries, ",")+"]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := From(map[string]string{"REMESA_ACCOUNTS_FILE": file}); err == nil || !strings.Contains(err.Error(), "limit_amount") {
		t.Errorf("a wrong limit in the file: %v", err)
	}
	if _, err := From(map[string]string{"REMESA_ETPAY_LIMIT_DAY": "many"}); err == nil || !strings.Contains(err.Error(), "REMESA_ETPAY_LIMIT_DAY") {
		t.Errorf("a wrong variable: %v", err)
	}
}
