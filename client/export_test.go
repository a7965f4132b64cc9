package client

import "time"

// TimesOf is what is read from an access token.
func TimesOf(token string) (exp, iat time.Time) {
	t := timesOf(token)
	return t.exp, t.iat
}

// OriginOf is the form in which origins are compared.
var OriginOf = originOf
