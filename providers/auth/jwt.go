package auth

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/remesa/remesa/providers"
	"github.com/remesa/remesa/providers/wire"
)

// JWTExpires is when a JWT that was just issued ends, on this machine's clock: exp - iat from now
// on where it has both, so that clocks may differ, else exp. Zero where it cannot be read. The
// signature is the provider's business and not checked.
func JWTExpires(value providers.Secret, now time.Time) time.Time {
	parts := strings.Split(value.Reveal(), ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return time.Time{}
	}
	var claims struct {
		Exp *float64 `json:"exp"`
		Iat *float64 `json:"iat"`
	}
	if wire.HasDuplicateNames(payload) || json.Unmarshal(payload, &claims) != nil || claims.Exp == nil || !plausible(*claims.Exp) {
		return time.Time{}
	}
	if claims.Iat != nil && plausible(*claims.Iat) && *claims.Exp > *claims.Iat {
		return now.Add(time.Duration((*claims.Exp - *claims.Iat) * float64(time.Second)))
	}
	return time.Unix(int64(*claims.Exp), 0)
}

// plausible instants lie between the years 2001 and 2286.
func plausible(unix float64) bool { return unix >= 1e9 && unix < 1e10 }
