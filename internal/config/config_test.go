package config

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/remesa/remesa/providers/catalog"
	"github.com/remesa/remesa/providers/etpay"
	"github.com/remesa/remesa/providers/pagandocheck"
	"github.com/remesa/remesa/providers/spec"
	"github.com/remesa/remesa/providers/virtualpos"
)

// canary stands for a secret: no error may repeat it.
const canary = "canary-secret-value"

// parse reads flags and variables as a command does, and completes them.
func parse(t *testing.T, env map[string]string, args ...string) (*Config, error) {
	t.Helper()
	c := New()
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	parser, err := kong.New(c, append(Options(lookup), kong.Name("test"), kong.Exit(func(int) { t.Error("the parser wants to exit") }))...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		return c, err
	}
	return c, c.Complete()
}

func mustParse(t *testing.T, env map[string]string, args ...string) *Config {
	t.Helper()
	c, err := parse(t, env, args...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// settings are those of the account "default" of the provider that has settings of this type.
func settings[S spec.Settings](t *testing.T, c *Config) S {
	t.Helper()
	for _, p := range catalog.Providers() {
		if s, ok := c.Settings(p.Name).(S); ok {
			return s
		}
	}
	t.Fatal("no provider has such settings")
	panic("unreachable")
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func virtualPOS(more ...string) map[string]string {
	env := map[string]string{
		"REMESA_VIRTUALPOS_BASE_URL": "https://payout.example.com", "REMESA_VIRTUALPOS_API_KEY": "key-one", "REMESA_VIRTUALPOS_SECRET_KEY": canary,
	}
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return env
}

// etpayEnv is an account with payouts.
func etpayEnv(more ...string) map[string]string {
	env := map[string]string{
		"REMESA_ETPAY_MERCHANT_CODE": "m", "REMESA_ETPAY_MERCHANT_API_TOKEN": canary, "REMESA_ETPAY_BASE_URL": "http://127.0.0.1:1",
		"REMESA_ETPAY_PAYMENT_URL": "http://127.0.0.1:1", "REMESA_ETPAY_PAYOUTS_URL": "https://o.example", "REMESA_ETPAY_PAYOUTS_USERNAME": "ops@example.cl",
		"REMESA_ETPAY_PAYOUTS_PASSWORD": canary,
	}
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return env
}

func TestPayoutsOfETpayAreOffUnlessTheirSettingsAreThere(t *testing.T) {
	t.Parallel()
	for sentence, row := range map[string]struct {
		env      map[string]string
		on, real bool
		identity string
	}{
		"without their settings": {
			etpayEnv("REMESA_ETPAY_PAYOUTS_URL", "", "REMESA_ETPAY_PAYOUTS_USERNAME", "", "REMESA_ETPAY_PAYOUTS_PASSWORD", "", "REMESA_ON_NOT_FOUND", "resend"),
			false, false, "127.0.0.1:1 m",
		},
		"with them":           {etpayEnv("REMESA_ON_NOT_FOUND", "resend", "REMESA_ETPAY_ON_NOT_FOUND", "hold"), true, true, "127.0.0.1:1 m o.example ops@example.cl"},
		"on the same machine": {etpayEnv("REMESA_ETPAY_PAYOUTS_URL", "http://127.0.0.1:2"), true, false, "127.0.0.1:1 m 127.0.0.1:2 ops@example.cl"},
	} {
		a := mustParse(t, row.env).Accounts()[0]
		if a.Makes(spec.Payout) != row.on || a.Live() != row.real || a.Identity() != row.identity {
			t.Errorf("%s: pays out %t, real %t, identity %q", sentence, a.Makes(spec.Payout), a.Live(), a.Identity())
		}
	}
	env := etpayEnv("REMESA_ETPAY_PAYOUTS_PASSWORD", "", "REMESA_ETPAY_PAYOUTS_PASSWORD_FILE", file(t, canary+"\n"))
	c := mustParse(t, env)
	own := settings[*etpay.Settings](t, c)
	if own.PayoutsPassword.Reveal() != canary || own.PayoutsCreatePath != "/v1/payouts" || own.PayoutsStatusPath != "/v1/payouts/{id}" || own.PayoutsRangePath != "/v1/payouts" {
		t.Errorf("got %+v", own)
	}
}

func TestEveryVariableIsASetting(t *testing.T) {
	t.Parallel()
	general := strings.Fields(`REDIS_URL REDIS_URL_FILE HTTP_ADDR DASHBOARD_USER DASHBOARD_PASSWORD DASHBOARD_PASSWORD_FILE DASHBOARD_USERS_FILE DASHBOARD_WRITABLE
		CONCURRENCY REQUEST_TIMEOUT LEASE SETTLE_TIME NOT_FOUND_CONFIRMATIONS NOT_FOUND_INTERVAL REDIS_DURABILITY ON_NOT_FOUND MAX_RESENDS
		RETRY_BASE RETRY_MAX POLL_FIRST POLL_MAX POLL_DEADLINE LEDGER_REPLICAS LEDGER_RETENTION OUTCOMES OUTCOMES_RETENTION TOKEN_KEY TOKEN_KEY_FILE
		FINGERPRINT_KEY FINGERPRINT_KEY_FILE EXPORT_KEY EXPORT_KEY_FILE METRICS_ADDR WEBHOOK_ADDR PAYLOAD_KEYS PAYLOAD_KEYS_FILE LOG_LEVEL LOG_FORMAT ACCOUNTS_FILE FAST_PATH JANITOR_INTERVAL SWEEP_INTERVAL SWEEP_LIMIT
		CIRCUIT_COOLDOWN INTAKE_MEMORY_STOP ALLOW_UNSAFE_REDIS JOURNAL_DIR API_ADDR API_METRICS_ADDR API_CERT_FILE API_CERT_KEY_FILE API_ALLOW_PLAIN API_RATE LANG COLOR TIMEZONE
		WEBHOOKS_FILE`)
	own := map[string]string{
		"VIRTUALPOS": `BASE_URL API_KEY API_KEY_FILE SECRET_KEY SECRET_KEY_FILE CLIENT_CERT_FILE CLIENT_KEY_FILE CA_FILE CREATE_PATH STATUS_PATH
			STATUS_BY_MERCHANT_PATH BODY STATUS_SIGNATURE`,
		"PAGOSEGURO":   `BASE_URL ACCOUNT_ID API_KEY API_KEY_FILE HARD_DECLINES`,
		"PAGANDOCHECK": `BASE_URL USER PASSWORD PASSWORD_FILE TWO_STEP ORIGIN TOKEN_HEADER HARD_DECLINES UNCERTAIN_DECLINES`,
		"ETPAY": `BASE_URL PAYMENT_URL MERCHANT_CODE MERCHANT_API_TOKEN MERCHANT_API_TOKEN_FILE WEBHOOK_URL PAYOUTS_URL PAYOUTS_USERNAME
			PAYOUTS_PASSWORD PAYOUTS_PASSWORD_FILE PAYOUTS_CREATE_PATH PAYOUTS_STATUS_PATH PAYOUTS_RANGE_PATH`,
		"COORDINADOR": `PORTAL_URL GATEWAY_URL USERNAME PASSWORD PASSWORD_FILE`,
	}
	for _, p := range catalog.Providers() { // those above are a contract; another provider is not in it
		if _, listed := own[strings.ToUpper(p.Name)]; listed {
			continue
		}
		for _, f := range flagsOf(p.Settings()) {
			own[strings.ToUpper(p.Name)] += " " + strings.ToUpper(jsonName(f.Name))
		}
	}
	overrides := " CONCURRENCY PARTITIONS RATE SETTLE_TIME NOT_FOUND_CONFIRMATIONS NOT_FOUND_INTERVAL ON_NOT_FOUND MAX_RESENDS" +
		" LIMIT_AMOUNT LIMIT_HOUR LIMIT_DAY LIMIT_DOUBT LOOKALIKE_WINDOW"
	want := general
	for provider, names := range own {
		for _, name := range strings.Fields(names + overrides) {
			want = append(want, provider+"_"+name)
		}
	}
	for i := range want {
		want[i] = "REMESA_" + want[i]
	}
	want = append(want, "OTEL_EXPORTER_OTLP_ENDPOINT")
	slices.Sort(want)
	if got := Variables(); !slices.Equal(got, want) {
		for _, name := range want {
			if !slices.Contains(got, name) {
				t.Errorf("missing: %s", name)
			}
		}
		for _, name := range got {
			if !slices.Contains(want, name) {
				t.Errorf("not expected: %s", name)
			}
		}
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c := mustParse(t, nil)
	check, pos := settings[*pagandocheck.Settings](t, c), settings[*virtualpos.Settings](t, c)
	for what, ok := range map[string]bool{
		"redis":      c.Where() == "127.0.0.1:6379/0" && c.Durability == Always && c.LedgerReplicas == 0 && !c.AllowUnsafeRedis,
		"http":       c.Addr == "127.0.0.1:8080" && c.WebhookAddr == "" && !c.DashboardWritable,
		"timing":     c.Concurrency == 64 && c.RequestTimeout == 20*time.Second && c.Lease == time.Minute,
		"settling":   c.SettleTime == 5*time.Minute && c.NotFoundConfirmations == 2 && c.NotFoundInterval == 15*time.Second && c.OnNotFound == Hold && c.MaxResends == 1,
		"retry":      c.RetryBase == time.Second && c.RetryMax == 10*time.Minute,
		"poll":       c.PollFirst == 2*time.Second && c.PollMax == 15*time.Minute && c.PollDeadline == 72*time.Hour,
		"background": c.JanitorInterval == time.Second && c.CircuitCooldown == 30*time.Second,
		"ledger":     c.LedgerRetention == 400*24*time.Hour && c.OutcomesRetention == 30*24*time.Hour && c.IntakeMemoryStop == 0.7,
		"logging":    c.LogLevel == "info" && c.LogFormat == LogJSON,
		"providers":  len(c.Accounts()) == 0 && !c.LiveURLs() && check.TwoStep && check.Origin == "MAGENTO",
		"virtualpos": pos.CreatePath == "/v3/payout" && pos.StatusPath == "/v3/payout/{id}" && pos.StatusByMerchantPath == "/v3/payout/merchant/{merchant_id}" && pos.Body == "wrapped" && pos.StatusSignature == "tef",
	} {
		if !ok {
			t.Errorf("%s: not as documented: %+v", what, c)
		}
	}
}

func TestWhereAValueComesFrom(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		sentence string
		env      map[string]string
		args     []string
		want     time.Duration
	}{
		{"the default, where nothing is said", nil, nil, time.Minute},
		{"a variable", map[string]string{"REMESA_LEASE": "90s"}, nil, 90 * time.Second},
		{"a flag goes before a variable", map[string]string{"REMESA_LEASE": "90s"}, []string{"--lease=2m"}, 2 * time.Minute},
		{"a variable set to nothing is not set", map[string]string{"REMESA_LEASE": ""}, nil, time.Minute},
	} {
		if got := mustParse(t, row.env, row.args...).Lease; got != row.want {
			t.Errorf("%s: %s, want %s", row.sentence, got, row.want)
		}
	}
}

func TestSwitches(t *testing.T) {
	t.Parallel()
	c := mustParse(t, map[string]string{"REMESA_PAGANDOCHECK_TWO_STEP": "false", "REMESA_ALLOW_UNSAFE_REDIS": "TRUE"}, "--dashboard-writable")
	check := settings[*pagandocheck.Settings](t, c)
	if check.TwoStep || !c.AllowUnsafeRedis || !c.DashboardWritable {
		t.Errorf("two step %t, unsafe %t, writable %t", check.TwoStep, c.AllowUnsafeRedis, c.DashboardWritable)
	}
}

func TestDurationsTakeDays(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"400d": 400 * 24 * time.Hour, "1d12h": 36 * time.Hour, "1h30m": 90 * time.Minute, "0s": 0, "250ms": 250 * time.Millisecond,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "5", "d", "-1d", "-5s", "1.5d", "99999d", "1d-2h", "5 m", "1h2d", canary} {
		if _, err := ParseDuration(text); err == nil {
			t.Errorf("%q: accepted", text)
		} else if strings.Contains(err.Error(), canary) {
			t.Errorf("the error repeats the text: %s", err)
		}
	}
}

func TestWhatIsRefusedNamesTheVariableAndNoValue(t *testing.T) {
	t.Parallel()
	key := "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	for sentence, row := range map[string]struct {
		env  map[string]string
		want string
	}{
		"a duration without unit":                    {map[string]string{"REMESA_LEASE": "60"}, "REMESA_LEASE: not a duration such as 90s, 5m, 72h or 400d (found 2 digits without a unit)"},
		"a secret where a duration belongs":          {map[string]string{"REMESA_LEASE": canary}, "REMESA_LEASE: not a duration"},
		"a secret where a number belongs":            {map[string]string{"REMESA_CONCURRENCY": canary}, "REMESA_CONCURRENCY: not a whole number"},
		"a secret where a share belongs":             {map[string]string{"REMESA_INTAKE_MEMORY_STOP": canary}, "REMESA_INTAKE_MEMORY_STOP: not a number"},
		"a secret where a switch belongs":            {map[string]string{"REMESA_ALLOW_UNSAFE_REDIS": canary}, "REMESA_ALLOW_UNSAFE_REDIS: must be true or false"},
		"a secret where a word belongs":              {map[string]string{"REMESA_ON_NOT_FOUND": canary}, "REMESA_ON_NOT_FOUND: must be hold or resend"},
		"a provider's number of its own":             {map[string]string{"REMESA_ETPAY_MAX_RESENDS": "-1"}, "REMESA_ETPAY_MAX_RESENDS: must be between 0 and 100"},
		"a provider's word of its own":               {map[string]string{"REMESA_ETPAY_ON_NOT_FOUND": "x"}, "REMESA_ETPAY_ON_NOT_FOUND: must be hold or resend"},
		"no concurrency":                             {map[string]string{"REMESA_CONCURRENCY": "0"}, "REMESA_CONCURRENCY: must be between"},
		"no confirmations":                           {map[string]string{"REMESA_NOT_FOUND_CONFIRMATIONS": "0"}, "REMESA_NOT_FOUND_CONFIRMATIONS: must be between"},
		"too many partitions":                        {map[string]string{"REMESA_ETPAY_PARTITIONS": "65"}, "REMESA_ETPAY_PARTITIONS: must be between 1 and 64"},
		"less than no partition":                     {map[string]string{"REMESA_ETPAY_PARTITIONS": "-1"}, "REMESA_ETPAY_PARTITIONS: must be between 1 and 64"},
		"partitions beside exclusive objects":        {map[string]string{"REMESA_COORDINADOR_PARTITIONS": "2"}, "REMESA_COORDINADOR_PARTITIONS: must be 1: two payments of one instruction"},
		"partitions beside a limit that counts":      {map[string]string{"REMESA_ETPAY_PARTITIONS": "2", "REMESA_ETPAY_LIMIT_HOUR": "count=3"}, "REMESA_ETPAY_PARTITIONS: must be 1 beside REMESA_ETPAY_LIMIT_HOUR: each partition would count by itself"},
		"partitions beside a limit by the day":       {map[string]string{"REMESA_ETPAY_PARTITIONS": "2", "REMESA_ETPAY_LIMIT_DAY": "sum=3"}, "REMESA_ETPAY_PARTITIONS: must be 1 beside REMESA_ETPAY_LIMIT_DAY: each"},
		"partitions beside a limit of doubt":         {map[string]string{"REMESA_ETPAY_PARTITIONS": "2", "REMESA_ETPAY_LIMIT_DOUBT": "3"}, "REMESA_ETPAY_PARTITIONS: must be 1 beside REMESA_ETPAY_LIMIT_DOUBT: each"},
		"partitions beside look-alikes":              {map[string]string{"REMESA_ETPAY_PARTITIONS": "2", "REMESA_ETPAY_LOOKALIKE_WINDOW": "9m"}, "REMESA_ETPAY_PARTITIONS: must be 1 beside REMESA_ETPAY_LOOKALIKE_WINDOW: each"},
		"no settle time":                             {map[string]string{"REMESA_SETTLE_TIME": "0s"}, "REMESA_SETTLE_TIME: must be a duration of 1ms or more"},
		"a negative rate":                            {map[string]string{"REMESA_ETPAY_RATE": "-1"}, "REMESA_ETPAY_RATE: must be above 0"},
		"a lease that two requests do not fit into":  {map[string]string{"REMESA_LEASE": "30s"}, "REMESA_LEASE: 30s is too short"},
		"a retry that shrinks":                       {map[string]string{"REMESA_RETRY_MAX": "1ms"}, "REMESA_RETRY_MAX: must not be below"},
		"polls that shrink":                          {map[string]string{"REMESA_POLL_MAX": "1s"}, "REMESA_POLL_MAX: must not be below"},
		"a share above one":                          {map[string]string{"REMESA_INTAKE_MEMORY_STOP": "70"}, "REMESA_INTAKE_MEMORY_STOP: must be a share"},
		"a share that is no number":                  {map[string]string{"REMESA_INTAKE_MEMORY_STOP": "NaN"}, "REMESA_INTAKE_MEMORY_STOP: must be a share"},
		"an unknown durability":                      {map[string]string{"REMESA_REDIS_DURABILITY": "no"}, "REMESA_REDIS_DURABILITY: must be always or everysec"},
		"an unknown log level":                       {map[string]string{"REMESA_LOG_LEVEL": "loud"}, "REMESA_LOG_LEVEL: must be"},
		"an unknown log format":                      {map[string]string{"REMESA_LOG_FORMAT": "xml"}, "REMESA_LOG_FORMAT: must be"},
		"an address without port":                    {map[string]string{"REMESA_HTTP_ADDR": "127.0.0.1"}, "REMESA_HTTP_ADDR: must be HOST:PORT"},
		"a user without password":                    {map[string]string{"REMESA_DASHBOARD_USER": "ana"}, "REMESA_DASHBOARD_USER: needs REMESA_DASHBOARD_PASSWORD"},
		"a user who has no name":                     {dashboard("ana, the boss", canary), "REMESA_DASHBOARD_USER: the user's name must be"},
		"a password that can be guessed":             {dashboard("ana", "eleven-char"), "REMESA_DASHBOARD_PASSWORD: has 11 characters, needs at least 12"},
		"a password that is an example's":            {dashboard("ana", "CHANGE-ME-CHANGE-ME"), "REMESA_DASHBOARD_PASSWORD: is still the placeholder"},
		"a file of users that is missing":            {map[string]string{"REMESA_DASHBOARD_USERS_FILE": canary}, "REMESA_DASHBOARD_USERS_FILE: names a file that cannot be read"},
		"a file of users that names nobody":          {map[string]string{"REMESA_DASHBOARD_USERS_FILE": file(t, "# nobody yet\n")}, "REMESA_DASHBOARD_USERS_FILE: names nobody"},
		"a file of users with a plain password":      {map[string]string{"REMESA_DASHBOARD_USERS_FILE": file(t, "ana:"+canary)}, "REMESA_DASHBOARD_USERS_FILE: line 1: the hash"},
		"a user twice":                               {dashboard("ana", canary, "REMESA_DASHBOARD_USERS_FILE", file(t, userLine("ana"))), "REMESA_DASHBOARD_USER: stands in REMESA_DASHBOARD_USERS_FILE, too"},
		"a token key that is too short":              {map[string]string{"REMESA_TOKEN_KEY": "YWJj"}, "REMESA_TOKEN_KEY: holds 3 bytes instead of 32"},
		"a token key that is no base64":              {map[string]string{"REMESA_TOKEN_KEY": canary + "!"}, "REMESA_TOKEN_KEY: is not base64"},
		"a payload key without id":                   {map[string]string{"REMESA_PAYLOAD_KEYS": key}, "REMESA_PAYLOAD_KEYS: entry 1 is not ID:BASE64"},
		"a payload key twice":                        {map[string]string{"REMESA_PAYLOAD_KEYS": "a:" + key + ",a:" + key}, "REMESA_PAYLOAD_KEYS: entry 2 has the id of an earlier one"},
		"payload keys without fingerprint key":       {map[string]string{"REMESA_PAYLOAD_KEYS": "a:" + key}, "REMESA_FINGERPRINT_KEY: required with REMESA_PAYLOAD_KEYS"},
		"a short fingerprint key":                    {map[string]string{"REMESA_FINGERPRINT_KEY": "short"}, "REMESA_FINGERPRINT_KEY: has 5 characters"},
		"half of the credentials":                    {map[string]string{"REMESA_VIRTUALPOS_API_KEY": canary, "REMESA_VIRTUALPOS_BASE_URL": "https://x.example"}, "REMESA_VIRTUALPOS_SECRET_KEY: missing"},
		"credentials without URL":                    {virtualPOS("REMESA_VIRTUALPOS_BASE_URL", ""), "REMESA_VIRTUALPOS_BASE_URL: missing"},
		"plain http off loopback":                    {virtualPOS("REMESA_VIRTUALPOS_BASE_URL", "http://payout.example.com"), "REMESA_VIRTUALPOS_BASE_URL: must be https"},
		"a host that only begins like loopback":      {virtualPOS("REMESA_VIRTUALPOS_BASE_URL", "http://localhost.example.com"), "must be https"},
		"a URL with a password":                      {virtualPOS("REMESA_VIRTUALPOS_BASE_URL", "https://u:"+canary+"@x.example"), "REMESA_VIRTUALPOS_BASE_URL: holds a user or password"},
		"a URL that cannot be read":                  {virtualPOS("REMESA_VIRTUALPOS_BASE_URL", canary+"\x7f"), "REMESA_VIRTUALPOS_BASE_URL: not a URL"},
		"a URL with a query":                         {virtualPOS("REMESA_VIRTUALPOS_BASE_URL", "https://x.example/?k="+canary), "REMESA_VIRTUALPOS_BASE_URL: may carry a path, but no query"},
		"a certificate without its key":              {virtualPOS("REMESA_VIRTUALPOS_CLIENT_CERT_FILE", "c.pem"), "REMESA_VIRTUALPOS_CLIENT_CERT_FILE: a client certificate and its key"},
		"a status path without the id":               {virtualPOS("REMESA_VIRTUALPOS_STATUS_PATH", "/v3/payout"), "REMESA_VIRTUALPOS_STATUS_PATH: must begin with / and hold {id}"},
		"a status path without the reference":        {virtualPOS("REMESA_VIRTUALPOS_STATUS_BY_MERCHANT_PATH", "/x"), "hold {merchant_id}"},
		"a relative path":                            {virtualPOS("REMESA_VIRTUALPOS_CREATE_PATH", "v3"), "REMESA_VIRTUALPOS_CREATE_PATH: must begin with /"},
		"an unknown body":                            {virtualPOS("REMESA_VIRTUALPOS_BODY", "x"), "REMESA_VIRTUALPOS_BODY: must be wrapped or flat"},
		"an unknown signature":                       {virtualPOS("REMESA_VIRTUALPOS_STATUS_SIGNATURE", "x"), "REMESA_VIRTUALPOS_STATUS_SIGNATURE: must be tef or api_key"},
		"one of two URLs":                            {map[string]string{"REMESA_COORDINADOR_USERNAME": "u", "REMESA_COORDINADOR_PASSWORD": canary, "REMESA_COORDINADOR_PORTAL_URL": "https://p.example"}, "REMESA_COORDINADOR_GATEWAY_URL: missing"},
		"a webhook URL over plain http":              {map[string]string{"REMESA_ETPAY_MERCHANT_CODE": "m", "REMESA_ETPAY_MERCHANT_API_TOKEN": canary, "REMESA_ETPAY_BASE_URL": "https://e.example", "REMESA_ETPAY_PAYMENT_URL": "https://p.example", "REMESA_ETPAY_WEBHOOK_URL": "http://w.example"}, "REMESA_ETPAY_WEBHOOK_URL: must be https"},
		"payouts of ETpay without a user":            {etpayEnv("REMESA_ETPAY_PAYOUTS_USERNAME", ""), "REMESA_ETPAY_PAYOUTS_USERNAME: missing"},
		"payouts of ETpay without a password":        {etpayEnv("REMESA_ETPAY_PAYOUTS_PASSWORD", ""), "REMESA_ETPAY_PAYOUTS_PASSWORD: missing"},
		"payouts of ETpay without a URL":             {etpayEnv("REMESA_ETPAY_PAYOUTS_URL", ""), "REMESA_ETPAY_PAYOUTS_URL: missing"},
		"payouts of ETpay over plain http":           {etpayEnv("REMESA_ETPAY_PAYOUTS_URL", "http://o.example"), "REMESA_ETPAY_PAYOUTS_URL: must be https"},
		"payouts of ETpay without its sessions":      {map[string]string{"REMESA_ETPAY_PAYOUTS_URL": "https://o.example", "REMESA_ETPAY_PAYOUTS_USERNAME": "u", "REMESA_ETPAY_PAYOUTS_PASSWORD": canary}, "REMESA_ETPAY_MERCHANT_CODE: missing"},
		"a status path of payouts without the id":    {etpayEnv("REMESA_ETPAY_PAYOUTS_STATUS_PATH", "/v1/payouts"), "REMESA_ETPAY_PAYOUTS_STATUS_PATH: must begin with / and hold {id}"},
		"a relative path of payouts":                 {etpayEnv("REMESA_ETPAY_PAYOUTS_CREATE_PATH", "v1"), "REMESA_ETPAY_PAYOUTS_CREATE_PATH: must begin with /"},
		"a relative path of the listing":             {etpayEnv("REMESA_ETPAY_PAYOUTS_RANGE_PATH", "v1"), "REMESA_ETPAY_PAYOUTS_RANGE_PATH: must begin with /"},
		"payouts of ETpay sent again when not found": {etpayEnv("REMESA_ETPAY_ON_NOT_FOUND", "resend"), "REMESA_ETPAY_ON_NOT_FOUND: must be hold"},
		"everything sent again when not found":       {etpayEnv("REMESA_ON_NOT_FOUND", "resend"), "REMESA_ETPAY_ON_NOT_FOUND: must be hold"},
		"a Pago Seguro account without its id":       {map[string]string{"REMESA_PAGOSEGURO_API_KEY": canary, "REMESA_PAGOSEGURO_BASE_URL": "https://x.example"}, "REMESA_PAGOSEGURO_ACCOUNT_ID: missing"},
		"a Pagando Check account without a password": {map[string]string{"REMESA_PAGANDOCHECK_USER": "u", "REMESA_PAGANDOCHECK_BASE_URL": "https://x.example"}, "REMESA_PAGANDOCHECK_PASSWORD: missing"},
	} {
		_, err := parse(t, row.env)
		switch {
		case err == nil:
			t.Errorf("%s: accepted", sentence)
		case !strings.Contains(err.Error(), row.want):
			t.Errorf("%s:\n got %s\nwant %s", sentence, err, row.want)
		case strings.Contains(err.Error(), canary):
			t.Errorf("%s: the error repeats the value: %s", sentence, err)
		}
	}
}

func TestEveryProblemIsToldAtOnce(t *testing.T) {
	t.Parallel()
	_, err := parse(t, map[string]string{"REMESA_LOG_LEVEL": "loud", "REMESA_HTTP_ADDR": "here", "REMESA_MAX_RESENDS": "-1"})
	for _, name := range []string{"REMESA_LOG_LEVEL", "REMESA_HTTP_ADDR", "REMESA_MAX_RESENDS"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not told: %v", name, err)
		}
	}
}

func TestTimeLimitsStandInOneRow(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ request, lease, attempt, task time.Duration }{
		{20 * time.Second, time.Minute, 55 * time.Second, 75 * time.Second},
		{time.Second, 2300 * time.Millisecond, 2070 * time.Millisecond, 18 * time.Second},
	} {
		timing := Timing{RequestTimeout: row.request, Lease: row.lease}
		if timing.AttemptDeadline() != row.attempt || timing.TaskTimeout() != row.task {
			t.Errorf("lease %s: attempt %s, task %s", row.lease, timing.AttemptDeadline(), timing.TaskTimeout())
		}
		if !(2*row.request <= row.attempt && row.attempt < row.lease && row.lease < row.task &&
			row.task < timing.ShutdownTimeout() && timing.ShutdownTimeout() < timing.Grace()) {
			t.Errorf("out of order: %s", &timing)
		}
	}
}

func TestTheLeastLeaseThatTheErrorNamesIsAccepted(t *testing.T) {
	t.Parallel()
	for _, request := range []string{"500ms", "7s", "22s", "23s", "40s"} {
		d, _ := ParseDuration(request)
		if _, err := parse(t, nil, "--request-timeout="+request, "--lease="+leastLease(d).String()); err != nil {
			t.Errorf("%s: %s", request, err)
		}
		if _, err := parse(t, nil, "--request-timeout="+request, "--lease="+(leastLease(d)-10*time.Millisecond).String()); err == nil {
			t.Errorf("%s: 10 ms less is accepted too", request)
		}
	}
}

func TestAProviderMayHaveItOtherwise(t *testing.T) {
	t.Parallel()
	c := mustParse(t, map[string]string{
		"REMESA_CONCURRENCY": "10", "REMESA_VIRTUALPOS_CONCURRENCY": "3", "REMESA_VIRTUALPOS_RATE": "2.5", "REMESA_VIRTUALPOS_SETTLE_TIME": "1d",
		"REMESA_VIRTUALPOS_ON_NOT_FOUND": "resend", "REMESA_VIRTUALPOS_MAX_RESENDS": "0", "REMESA_VIRTUALPOS_PARTITIONS": "6",
	})
	want := Policy{Concurrency: 3, Partitions: 6, Rate: 2.5, SettleTime: 24 * time.Hour, NotFoundConfirmations: 2, NotFoundInterval: 15 * time.Second, Resend: true, MaxResends: 0}
	if got := c.Policy("virtualpos"); got != want {
		t.Errorf("virtualpos: %+v, want %+v", got, want)
	}
	want = Policy{Concurrency: 10, Partitions: 1, SettleTime: 5 * time.Minute, NotFoundConfirmations: 2, NotFoundInterval: 15 * time.Second, MaxResends: 1}
	if got := c.Policy("etpay"); got != want {
		t.Errorf("etpay: %+v, want %+v", got, want)
	}
}

func TestTheDashboardIsNotLeftOpen(t *testing.T) {
	t.Parallel()
	login := map[string]string{"REMESA_DASHBOARD_USER": "ana", "REMESA_DASHBOARD_PASSWORD": canary}
	users := map[string]string{"REMESA_DASHBOARD_USERS_FILE": file(t, userLine("eva"))}
	for _, row := range []struct {
		addr string
		env  map[string]string
		ok   bool
	}{
		{"127.0.0.1:0", nil, true}, {"[::1]:8080", nil, true}, {"localhost:8080", nil, true},
		{":8080", nil, false}, {"0.0.0.0:8080", nil, false}, {"10.0.0.1:8080", nil, false},
		{":8080", login, true}, {":8080", users, true},
	} {
		err := mustParse(t, row.env, "--http-addr="+row.addr).RefuseExposed()
		if (err == nil) != row.ok {
			t.Errorf("%s with %d variables: %v", row.addr, len(row.env), err)
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	short := mustParse(t, virtualPOS("REMESA_SETTLE_TIME", "10s", "REMESA_LEDGER_RETENTION", "7d")).Warnings()
	if len(short) != 2 || !strings.Contains(short[0], "REMESA_LEDGER_RETENTION") || !strings.Contains(short[1], "REMESA_VIRTUALPOS_SETTLE_TIME is 10s") {
		t.Errorf("warnings: %q", short)
	}
	if quiet := mustParse(t, virtualPOS("REMESA_SETTLE_TIME", "10s", "REMESA_VIRTUALPOS_BASE_URL", "http://127.0.0.1:9090/virtualpos")).Warnings(); len(quiet) != 0 {
		t.Errorf("a simulator on loopback: %q", quiet)
	}
}

func TestUnknownVariablesAreToldWithoutTheirValues(t *testing.T) {
	t.Parallel()
	got := UnknownVariables([]string{"PATH=/bin", "REMESA_LEASE=1m", "REMESA_LEAS=" + canary, "REMESA_SOMETHING_ELSE_ALTOGETHER=" + canary, "REMESA_TEST_LONG=1", "REMESA_TOKEN_KEY_FILE=x"})
	want := []string{
		"REMESA_LEAS is not a setting and has no effect; did you mean REMESA_LEASE?",
		"REMESA_SOMETHING_ELSE_ALTOGETHER is not a setting and has no effect",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestHelpNamesEachVariable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	exited := false
	parser, err := kong.New(New(), append(Options(func(string) (string, bool) { return "", false }), kong.Writers(&out, &out), kong.Exit(func(int) { exited = true }))...)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = parser.Parse([]string{"--help"})
	flat := strings.Join(strings.Fields(out.String()), " ")
	for _, name := range Variables() {
		if !strings.Contains(flat, "($"+name+").") {
			t.Errorf("%s is not in the help", name)
		}
	}
	if !exited {
		t.Error("the help does not end the command")
	}
}

func TestGroupsAloneServeACommand(t *testing.T) {
	t.Parallel()
	var c struct {
		Redis   `embed:""`
		Logging `embed:""`
		By      string
	}
	lookup := func(name string) (string, bool) {
		v, ok := map[string]string{"REMESA_REDIS_URL": "redis://other:7000/1", "REMESA_BY": "nobody"}[name]
		return v, ok
	}
	parser, err := kong.New(&c, Options(lookup)...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(nil); err != nil {
		t.Fatal(err)
	}
	if err := Complete(&c.Redis, &c.Logging); err != nil {
		t.Fatal(err)
	}
	if c.Where() != "other:7000/1" || c.By != "" {
		t.Errorf("redis %s; a command's own flag was taken from the environment: %q", c.Where(), c.By)
	}
	if err := Complete(&c); err == nil {
		t.Error("what is no group was accepted")
	}
}
