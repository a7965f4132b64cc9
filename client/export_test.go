package client

import "time"

// ParseTokenTimes returns the times that are read from an access token.
func ParseTokenTimes(token string) (exp, iat time.Time) {
	t := parseTokenTimes(token)
	return t.exp, t.iat
}

// OriginOf returns the form in which origins are compared.
var OriginOf = originOf
