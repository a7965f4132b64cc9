package jose

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
)

// FuzzAgainstReference compares Verify with a plain implementation of the rules of docs/security.md on top of golang-jwt
// and encoding/json: the outcome is the same for all tokens, and the claims are equal.
func FuzzAgainstReference(f *testing.F) {
	c := newCodec(f)
	for _, header := range []string{
		goodHeader, `{"typ":"JWT","alg":"HS256"}`, ` {"alg":"HS256","kid":"k"} `, `{"alg":"HS256","typ":"application/AT+jwt"}`,
		`{"alg":"HS256","alg":"HS256"}`, `{"alg":"\u0048S256"}`, `{"ALG":"HS256"}`, `{"alg":"HS256","b64":true}`, `{"alg":"HS256","kid":null}`,
	} {
		f.Add(header, goodPayload(), "")
	}
	for _, changes := range [][]string{
		{"exp=1e99"}, {"exp=-0"}, {"exp=1.9e9"}, {"exp=253402300799.5"}, {"exp=253402300800"}, {"exp=01"}, {"exp=1."}, {`exp="1"`}, {"exp=true"},
		{"exp=92233720368547758070"}, {"iat=1e-400"}, {"nbf=[1]"}, {"nbf=null"}, {`sub="\ud800"`}, {`sub=1`}, {`jti="\u0000"`}, {`jti="\ud83d\ude00"`},
		{`a={"b":[1,2,{"c":null}],"b":2}`}, {`x="\ud800\u0041"`}, {`x="\/\b"`}, {`x="\x"`}, {`é="ü"`}, {"x=\"\x7f\""}, {"x=\"\x1f\""}, {"x=\"\xff\""},
		{`\u0065xp=1`}, {"x=[1,]"}, {"x=tru"}, {"x=-"}, {"x=--1"}, {"x=1e"}, {"x=+1"}, {"x=[]]"},
	} {
		f.Add(goodHeader, goodPayload(changes...), "")
	}
	f.Add(goodHeader, goodPayload()+" \r\n", "\n")
	f.Add(goodHeader, goodPayload()+"x", "=")
	f.Fuzz(func(t *testing.T, header, payload, tail string) {
		raw := signText(encodeBase64(header)+"."+encodeBase64(payload)+tail, hs256Signer(secret))
		want, outcome := verifyByReference(raw)
		claims, err := c.Verify(t.Context(), raw, testNow)
		if got := outcomeOf(err); got != outcome {
			t.Fatalf("it is %s, by the reference %s (%v)", got, outcome, err)
		}
		if outcome == good && !reflect.DeepEqual(want, claims.Map()) {
			t.Fatalf("the claims are\n%v, the reference read\n%v", claims.Map(), want)
		}
	})
}

// verifyByReference returns the claims of a token and the outcome.
func verifyByReference(raw string) (simplejwt.Claims, string) {
	if len(raw) > maxTokenBytes || strings.ContainsAny(raw, "\r\n") {
		return nil, invalid
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithJSONNumber(), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation())
	claims := jwt.MapClaims{}
	token, err := parser.ParseWithClaims(raw, claims, func(*jwt.Token) (any, error) { return []byte(secret), nil })
	if err != nil {
		return nil, invalid
	}
	parts := strings.Split(raw, ".")
	for _, part := range parts[:2] {
		if data, err := base64.RawURLEncoding.DecodeString(part); err != nil || !isStrictObject(data) {
			return nil, invalid
		}
	}
	for _, extension := range []string{"crit", "b64"} {
		if _, ok := token.Header[extension]; ok {
			return nil, invalid
		}
	}
	half := findLoneSurrogates(parts[1])
	for name, kid := range token.Header {
		if _, ok := kid.(string); name == "kid" && (!ok || findLoneSurrogates(parts[0])["kid"]) {
			return nil, invalid
		}
	}
	if typ, ok := token.Header["typ"]; ok {
		s, _ := typ.(string)
		if s = strings.TrimPrefix(strings.ToLower(s), "application/"); (s != "jwt" && s != "at+jwt") || findLoneSurrogates(parts[0])["typ"] {
			return nil, invalid
		}
	}
	now := float64(testNow().UnixMicro()) / 1e6
	for _, name := range []string{"iat", "nbf", "exp"} {
		value, ok := claims[name]
		if !ok {
			continue
		}
		number, isNumber := value.(json.Number)
		seconds, err := strconv.ParseFloat(number.String(), 64)
		passed := math.Trunc(seconds) <= now
		switch {
		case !isNumber || err != nil || math.Abs(seconds) > 253402300799, name != "exp" && !passed:
			return nil, invalid
		case name == "exp" && passed:
			return nil, expired
		}
	}
	for _, name := range []string{"sub", "jti"} {
		value, ok := claims[name]
		if _, isText := value.(string); ok && (!isText || half[name]) {
			return nil, invalid
		}
	}
	return simplejwt.Claims(claims), good
}

// isStrictObject reports whether data is one JSON object in UTF-8 without a repeated name.
func isStrictObject(data []byte) bool {
	if !utf8.Valid(data) || !json.Valid(data) || !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		return false
	}
	names := map[string]bool{}
	for _, name := range memberNames(data) {
		if names[name] {
			return false
		}
		names[name] = true
	}
	return true
}

// memberNames returns the names in a JSON object in order, repeated ones each time.
func memberNames(data []byte) (names []string) {
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

// findLoneSurrogates returns the names in a part of a token whose values hold an unpaired surrogate.
func findLoneSurrogates(part string) map[string]bool {
	data, _ := base64.RawURLEncoding.DecodeString(part)
	var members map[string]json.RawMessage
	_ = json.Unmarshal(data, &members)
	out := map[string]bool{}
	for name, raw := range members {
		for _, escape := range escapePattern.FindAllString(string(raw), -1) {
			out[name] = out[name] || len(escape) == 6 && strings.ContainsAny(escape[2:3], "dD") && strings.ContainsAny(escape[3:4], "89abcdefABCDEF")
		}
	}
	return out
}

// escapePattern matches a surrogate pair, or else any escape.
var escapePattern = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.`)
