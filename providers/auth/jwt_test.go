package auth_test

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/auth"
)

func TestTheEndOfAJWT(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	token := func(payload string) providers.Secret {
		return providers.Secret("h." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".s")
	}
	for _, row := range []struct {
		name  string
		token providers.Secret
		want  time.Time
	}{
		{"exp and iat: its life counts from now, whatever the provider's clock says", token(`{"iat":1588083109,"exp":1588086709}`), now.Add(time.Hour)},
		{"exp alone", token(`{"exp":1800000600}`), now.Add(10 * time.Minute)},
		{"exp before iat", token(`{"iat":1800000900,"exp":1800000600}`), now.Add(10 * time.Minute)},
		{"no exp", token(`{"iat":1588083109}`), time.Time{}},
		{"exp twice", token(`{"exp":1800000600,"exp":1800000700}`), time.Time{}},
		{"exp as text", token(`{"exp":"1800000600"}`), time.Time{}},
		{"exp in milliseconds", token(`{"exp":1800000600000}`), time.Time{}},
		{"no JSON", token(`exp`), time.Time{}},
		{"no base64", "a.$.c", time.Time{}},
		{"no JWT", "opaque", time.Time{}},
		{"nothing", "", time.Time{}},
	} {
		if got := auth.JWTExpires(row.token, now); !got.Equal(row.want) {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
}
