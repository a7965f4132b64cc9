package core_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

// FuzzAgainstReference holds the reader of tokens against golang-jwt with encoding/json and the rules of
// docs/security.md on top, written to be plain, not fast: both accept the same tokens, and read the same claims.
func FuzzAgainstReference(f *testing.F) {
	auth := tokNew(f)
	for _, header := range []string{
		tokHeader, `{"typ":"JWT","alg":"HS256"}`, ` {"alg":"HS256","kid":"k"} `, `{"alg":"HS256","typ":"application/AT+jwt"}`,
		`{"alg":"HS256","alg":"HS256"}`, `{"alg":"\u0048S256"}`, `{"ALG":"HS256"}`, `{"alg":"HS256","b64":true}`, `{"alg":"HS256","kid":null}`,
	} {
		f.Add(header, tokPayload(), "")
	}
	for _, changes := range [][]string{
		{"exp=1e99"}, {"exp=-0"}, {"exp=1.9e9"}, {"exp=253402300799.5"}, {"exp=253402300800"}, {"exp=01"}, {"exp=1."}, {`exp="1"`}, {"exp=true"},
		{"exp=92233720368547758070"}, {"iat=1e-400"}, {"nbf=[1]"}, {"nbf=null"}, {`sub="\ud800"`}, {`sub=1`}, {`jti="\u0000"`}, {`jti="\ud83d\ude00"`},
		{`a={"b":[1,2,{"c":null}],"b":2}`}, {`x="\ud800\u0041"`}, {`x="\/\b"`}, {`x="\x"`}, {`é="ü"`}, {"x=\"\x7f\""}, {"x=\"\x1f\""}, {"x=\"\xff\""},
		{`\u0065xp=1`}, {"x=[1,]"}, {"x=tru"}, {"x=-"}, {"x=--1"}, {"x=1e"}, {"x=+1"}, {"x=[]]"},
	} {
		f.Add(tokHeader, tokPayload(changes...), "")
	}
	f.Add(tokHeader, tokPayload()+" \r\n", "\n")
	f.Add(tokHeader, tokPayload()+"x", "=")
	f.Fuzz(func(t *testing.T, header, payload, tail string) {
		raw := tokSigned(tokB64(header)+"."+tokB64(payload)+tail, tokHMAC(tokKey))
		want, good := tokReference(raw)
		token, err := auth.ParseToken(t.Context(), core.AccessToken, raw)
		if (err == nil) != good {
			t.Fatalf("accepted: %t, by the reference: %t (%v)", err == nil, good, err)
		}
		if good && !reflect.DeepEqual(want, token.Claims()) {
			t.Fatalf("the claims are\n%v, the reference read\n%v", token.Claims(), want)
		}
	})
}

// tokReference is what an access token claims, or false where it is none.
func tokReference(raw string) (simplejwt.Claims, bool) {
	if len(raw) > tokMaxBytes || strings.ContainsAny(raw, "\r\n") {
		return nil, false
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithJSONNumber(), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation())
	claims := jwt.MapClaims{}
	token, err := parser.ParseWithClaims(raw, claims, func(*jwt.Token) (any, error) { return []byte(tokKey), nil })
	if err != nil {
		return nil, false
	}
	parts := strings.Split(raw, ".")
	for _, part := range parts[:2] {
		if data, err := base64.RawURLEncoding.DecodeString(part); err != nil || !tokStrict(data) {
			return nil, false
		}
	}
	for _, extension := range []string{"crit", "b64"} {
		if _, ok := token.Header[extension]; ok {
			return nil, false
		}
	}
	half := tokHalves(parts[1])
	for name, kid := range token.Header {
		if _, ok := kid.(string); name == "kid" && (!ok || tokHalves(parts[0])["kid"]) {
			return nil, false
		}
	}
	if typ, ok := token.Header["typ"]; ok {
		s, _ := typ.(string)
		if s = strings.TrimPrefix(strings.ToLower(s), "application/"); (s != "jwt" && s != "at+jwt") || tokHalves(parts[0])["typ"] {
			return nil, false
		}
	}
	now := float64(tokNow().UnixMicro()) / 1e6
	exp, hasExp := claims["exp"]
	for name, value := range claims {
		number, isNumber := value.(json.Number)
		text, isText := value.(string)
		isText = isText && !half[name]
		seconds, err := strconv.ParseFloat(number.String(), 64)
		inRange := isNumber && err == nil && math.Abs(seconds) <= 253402300799
		switch name {
		case "exp", "iat", "nbf":
			if !inRange || name != "exp" && math.Trunc(seconds) > now {
				return nil, false
			}
		case "sub":
			if !isText {
				return nil, false
			}
		case "jti":
			if !isText || text == "" || len(text) > 255 || strings.Contains(text, "\x00") {
				return nil, false
			}
		}
	}
	if number, _ := exp.(json.Number); hasExp {
		seconds, _ := number.Float64()
		hasExp = math.Trunc(seconds) > now
	}
	_, hasID := claims["jti"]
	return simplejwt.Claims(claims), hasExp && hasID && claims["token_type"] == "access" && !half["token_type"]
}

// tokStrict reports whether a text is UTF-8 and one JSON object whose names differ.
func tokStrict(data []byte) bool {
	if !utf8.Valid(data) || !json.Valid(data) || !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		return false
	}
	names := map[string]bool{}
	for _, name := range tokNames(data) {
		if names[name] {
			return false
		}
		names[name] = true
	}
	return true
}

// tokNames are the names of a JSON object as they stand in it, once for each time.
func tokNames(data []byte) (names []string) {
	dec := json.NewDecoder(bytes.NewReader(data))
	_, _ = dec.Token()
	for dec.More() {
		name, _ := dec.Token()
		text, _ := name.(string)
		names = append(names, text)
		var skipped json.RawMessage
		_ = dec.Decode(&skipped)
	}
	return names
}

// tokHalves are the names of a part whose values have half a surrogate pair in them.
func tokHalves(part string) map[string]bool {
	data, _ := base64.RawURLEncoding.DecodeString(part)
	var members map[string]json.RawMessage
	_ = json.Unmarshal(data, &members)
	out := map[string]bool{}
	for name, raw := range members {
		for _, escape := range tokEscape.FindAllString(string(raw), -1) {
			out[name] = out[name] || len(escape) == 6 && strings.ContainsAny(escape[2:3], "dD") && strings.ContainsAny(escape[3:4], "89abcdefABCDEF")
		}
	}
	return out
}

// tokEscape is a surrogate pair, or else any escape.
var tokEscape = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.`)
