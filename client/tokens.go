package client

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Tokens are the two tokens of a session; the zero value means that there are none. They print and log as "[redacted]". Only
// json.Marshal writes them, so that a Store can keep them.
type Tokens struct {
	// Access is sent with each request to the API.
	Access string `json:"access"`
	// Refresh is exchanged for new tokens.
	Refresh string `json:"refresh"`
}

// Format implements fmt.Formatter. It prints nothing of the tokens, for every verb.
func (t Tokens) Format(w fmt.State, _ rune) { fmt.Fprint(w, "client.Tokens{[redacted]}") }

// LogValue implements slog.LogValuer. It logs nothing of the tokens.
func (t Tokens) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// tokenTimes are the exp and iat of a token, by the server's clock; zero for a claim that is missing or not a time.
type tokenTimes struct{ exp, iat time.Time }

// parseTokenTimes reads an access token without verifying it, because the times only decide when to refresh. It returns the zero
// value for a token that is not a JWT.
func parseTokenTimes(token string) tokenTimes {
	parts := strings.SplitN(token, ".", 4)
	if len(parts) != 3 {
		return tokenTimes{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return tokenTimes{}
	}
	var claims struct{ Exp, Iat any }
	if err := json.Unmarshal(payload, &claims); err != nil {
		return tokenTimes{}
	}
	return tokenTimes{exp: parseNumericDate(claims.Exp), iat: parseNumericDate(claims.Iat)}
}

// parseNumericDate returns the time of a NumericDate (RFC 7519 section 2), and zero for anything else and for times after the year 9999.
func parseNumericDate(claim any) time.Time {
	const year10000 = 253402300800
	seconds, ok := claim.(float64)
	if !ok || seconds <= 0 || seconds >= year10000 {
		return time.Time{}
	}
	return time.UnixMilli(int64(seconds * 1000))
}

// tokenLifetime returns how long the token is valid from its issue; 0 if exp or iat is missing.
func (t tokenTimes) tokenLifetime() time.Duration {
	if t.exp.IsZero() || t.iat.IsZero() {
		return 0
	}
	return max(t.exp.Sub(t.iat), 0)
}
