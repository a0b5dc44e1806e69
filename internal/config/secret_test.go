package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/virtualpos"
)

func TestASecretFromAFile(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ sentence, content, want, refused string }{
		{"without a line break", "s3cret", "s3cret", ""},
		{"with the one that editors leave", "s3cret\n", "s3cret", ""},
		{"with that of Windows", "s3cret\r\n", "s3cret", ""},
		{"with two, of which one is the secret's", "s3cret\n\n", "s3cret\n", ""},
		{"with blanks, which are the secret's", " s3cret ", " s3cret ", ""},
		{"empty", "", "", "names an empty file"},
		{"only a line break", "\n", "", "names an empty file"},
		{"far too large", strings.Repeat("x", maxSecretFile+1), "", "cannot be a secret"},
	} {
		env := virtualPOS("REMESA_VIRTUALPOS_SECRET_KEY", "", "REMESA_VIRTUALPOS_SECRET_KEY_FILE", file(t, row.content))
		c, err := parse(t, env)
		if row.refused != "" {
			if err == nil || !strings.Contains(err.Error(), "REMESA_VIRTUALPOS_SECRET_KEY_FILE: "+"names") || !strings.Contains(err.Error(), row.refused) {
				t.Errorf("%s: %v", row.sentence, err)
			}
			continue
		}
		if err != nil || settings[*virtualpos.Settings](t, c).SecretKey.Reveal() != row.want {
			t.Errorf("%s: %q, %v", row.sentence, settings[*virtualpos.Settings](t, c).SecretKey.Reveal(), err)
		}
	}
}

func TestASecretGivenBothWaysIsRefused(t *testing.T) {
	t.Parallel()
	for _, name := range secretVariables() {
		_, err := parse(t, map[string]string{name: canary, name + "_FILE": file(t, "other")})
		if err == nil || !strings.Contains(err.Error(), name+": given both directly and as a file") || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAMissingSecretFileIsNotNamed(t *testing.T) {
	t.Parallel()
	_, err := parse(t, virtualPOS("REMESA_VIRTUALPOS_SECRET_KEY", "", "REMESA_VIRTUALPOS_SECRET_KEY_FILE", "/"+canary))
	if err == nil || strings.Contains(err.Error(), canary) || !strings.Contains(err.Error(), "REMESA_VIRTUALPOS_SECRET_KEY_FILE: names a file that cannot be read: no such file") {
		t.Errorf("%v", err)
	}
}

// secretVariables lists the variables of all secrets; each must have a sibling _FILE.
func secretVariables() []string {
	var names []string
	for _, f := range flagsOf(New()) {
		if f.Target.Type() == reflect.TypeFor[providers.Secret]() {
			names = append(names, variables()[f.Name])
		}
	}
	return names
}

func TestNoSettingPrintsASecret(t *testing.T) {
	t.Parallel()
	key := "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	c := mustParse(t, virtualPOS("REMESA_REDIS_URL", "redis://u:"+canary+"@127.0.0.1/0", "REMESA_TOKEN_KEY", key, "REMESA_FINGERPRINT_KEY", canary, "REMESA_DASHBOARD_USER", "u", "REMESA_DASHBOARD_PASSWORD", canary))
	marshalled, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	logger := zerolog.New(&logged)
	logger.Info().Any("config", c).Str("redis", c.Where()).Send()
	for _, a := range c.Accounts() {
		logger.Info().Str("identity", a.Identity()).Send()
	}
	all := fmt.Sprintf("%v %+v %#v %s %s", c, c, c, marshalled, logged.String())
	for _, secret := range []string{canary, key, "key-one"} {
		if strings.Contains(all, secret) {
			t.Errorf("%s is printed", secret)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	one, two := "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY="
	c := mustParse(t, map[string]string{"REMESA_TOKEN_KEY": one, "REMESA_PAYLOAD_KEYS": "new:" + two + ",old:" + one, "REMESA_FINGERPRINT_KEY": "0123456789abcdef"})
	token, err := c.Token()
	if err != nil || token.Reveal() != "01234567890123456789012345678901" {
		t.Errorf("token key: %v", err)
	}
	ring, err := c.Ring()
	if err != nil || !slices.Equal(ring.IDs(), []string{"new", "old"}) {
		t.Errorf("payload keys: %v, %v", ring, err)
	}
	none := mustParse(t, nil)
	if token, err := none.Token(); token != "" || err != nil {
		t.Errorf("no token key: %v", err)
	}
	if ring, err := none.Ring(); ring != nil || err != nil {
		t.Errorf("no payload keys: %v", err)
	}
}

func TestTheLog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := (&Logging{LogLevel: "warn", LogFormat: LogJSON}).Logger(&out)
	log.Info().Msg("quiet")
	log.Warn().Str("key", "virtualpos/a").Msg("loud")
	var line struct{ Level, Key, Message, Time string }
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%s: %s", err, out.String())
	}
	if line.Level != "warn" || line.Key != "virtualpos/a" || line.Message != "loud" || len(line.Time) != len("2026-01-02T15:04:05.000Z") {
		t.Errorf("%s", out.String())
	}
	out.Reset()
	console := (&Logging{LogLevel: "info", LogFormat: LogConsole}).Logger(&out)
	console.Info().Msg("for people")
	if text := out.String(); strings.HasPrefix(text, "{") || !strings.Contains(text, "for people") || !strings.Contains(text, "Z INF") {
		t.Errorf("%q", text)
	}
}
