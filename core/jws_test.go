package core_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt/core"
)

func TestATokenIsThreePartsOfStrictBase64(t *testing.T) {
	t.Parallel()
	auth := tokNew(t)
	payload := tokMore(tokPayload(), `"x":"~~~???~~~"`) // has the two letters that plain base64 writes otherwise
	for len(payload)%3 != 1 {
		payload += " " // so that the last letter has unused bits
	}
	head, body := tokB64(tokHeader+" "), tokB64(payload)
	plain := base64.RawStdEncoding.EncodeToString([]byte(payload))
	if !strings.ContainsAny(plain, "+/") {
		t.Fatalf("%s has neither + nor /", plain)
	}
	// Each is signed as it stands, so that only its form can be wrong.
	signed := func(head, body string) string { return tokSigned(head+"."+body, tokHMAC(tokKey)) }
	good := signed(head, body)
	for name, c := range map[string]struct{ raw, want string }{
		"three parts":                {good, tokGood},
		"padding of the header":      {signed(head+"==", body), tokInvalid},
		"padding of the payload":     {signed(head, body+"=="), tokInvalid},
		"padding of the signature":   {good + "=", tokInvalid},
		"plain base64":               {signed(head, plain), tokInvalid},
		"a line break ahead":         {signed("\n"+head, body), tokInvalid},
		"a line break in the header": {signed(head[:4]+"\n"+head[4:], body), tokInvalid},
		"a return in the payload":    {signed(head, body[:5]+"\r"+body[5:]), tokInvalid},
		"a break after the payload":  {signed(head, body+"\r\n"), tokInvalid},
		"a line break at the end":    {good + "\n", tokInvalid},
		"a blank at the end":         {good + " ", tokInvalid},
		"a blank in the header":      {signed(head[:4]+" "+head[4:], body), tokInvalid},
		"a NUL in the payload":       {signed(head, body+"\x00"), tokInvalid},
		"a letter of another script": {signed(head+"é", body), tokInvalid},
		"a letter too many":          {good + "AA", tokInvalid},
		"loose bits of the header":   {signed(tokLoose(t, head), body), tokInvalid},
		"loose bits of the payload":  {signed(head, tokLoose(t, body)), tokInvalid},
		"loose bits, signature":      {tokLoose(t, good), tokInvalid},
		"nothing":                    {"", tokInvalid},
		"two dots":                   {"..", tokInvalid},
		"an empty header":            {signed("", body), tokInvalid},
		"an empty payload":           {signed(head, ""), tokInvalid},
		"an empty signature":         {head + "." + body + ".", tokInvalid},
		"one part":                   {head, tokInvalid},
		"two parts":                  {head + "." + body, tokInvalid},
		"an empty fourth part":       {good + ".", tokInvalid},
		"an empty part ahead":        {"." + good, tokInvalid},
		"four parts":                 {good + "." + body, tokInvalid},
		"five, as if encrypted":      {good + ".AAAA.AAAA", tokInvalid},
		"scheme and token":           {"Bearer " + good, tokInvalid},
	} {
		if got := tokParse(t, auth, c.raw); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestLengthAndDotsAreLookedAtBeforeAnythingIsDecoded(t *testing.T) {
	t.Parallel()
	auth := tokNew(t)
	for name, c := range map[string]struct {
		raw     string
		decoded bool
	}{
		"three parts that are no base64": {"!.!.!", true},
		"one byte too long":              {strings.Repeat("!", tokMaxBytes-1) + "..", false},
		"far too long":                   {strings.Repeat("!.", 1<<20), false},
		"two parts":                      {"!.!", false},
		"four parts":                     {"!.!.!.!", false},
	} {
		_, err := auth.Verify(t.Context(), c.raw)
		if !errors.Is(err, core.ErrTokenInvalid) {
			t.Errorf("%s: error %v", name, err)
		}
		if got := errors.Unwrap(err) != nil; got != c.decoded { // decoding says what it does not like
			t.Errorf("%s: decoded: %t, error %v", name, got, err)
		}
	}
}

func TestATokenMayBeSixteenKiBLong(t *testing.T) {
	t.Parallel()
	auth := tokNew(t)
	for length, want := range map[int]string{tokMaxBytes: tokGood, tokMaxBytes + 1: tokInvalid} {
		frame := len(tokTrue("")) // header, dots and signature
		payload := tokPayload()
		payload += strings.Repeat(" ", base64.RawURLEncoding.DecodedLen(length-frame)-len(payload))
		raw := tokTrue(payload)
		if len(raw) != length {
			t.Fatalf("made %d bytes, want %d", len(raw), length)
		}
		if got := tokParse(t, auth, raw); got != want {
			t.Errorf("%d bytes: %q, want %q", length, got, want)
		}
	}
}

// tokJSON are texts that are put in the place of a JSON object, made from one that is good.
func tokJSON(object string) map[string]struct{ text, want string } {
	return map[string]struct{ text, want string }{
		"an object":                       {object, tokGood},
		"blanks around":                   {" \t\r\n" + object + "\n", tokGood},
		"an unknown name":                 {tokMore(object, `"x":{"y":[null,true,"é\u00e9\ud83d\ude00"]}`), tokGood},
		"known names in another case":     {tokMore(object, `"ALG":"none","Typ":1,"CRIT":[],"Exp":0,"NBF":"x","IAT":true,"JTI":1,"Sub":1,"Token_Type":"x"`), tokGood},
		"letters that fold to known ones": {tokMore(object, `"ſub":1,"Kid":1,"iſs":1`), tokGood},
		"nothing":                         {"", tokInvalid},
		"blanks":                          {"  ", tokInvalid},
		"a list":                          {"[" + object + "]", tokInvalid},
		"a text":                          {`"` + tokTrue(tokPayload()) + `"`, tokInvalid},
		"a token in the token":            {tokTrue(tokPayload()), tokInvalid},
		"a number":                        {"1", tokInvalid},
		"null":                            {"null", tokInvalid},
		"true":                            {"true", tokInvalid},
		"two objects":                     {object + object, tokInvalid},
		"a byte behind":                   {object + "x", tokInvalid},
		"a NUL behind":                    {object + "\x00", tokInvalid},
		"a byte order mark":               {"\uFEFF" + object, tokInvalid},
		"an unfinished object":            {object[:len(object)-1], tokInvalid},
		"a comma too many":                {strings.TrimSuffix(object, "}") + ",}", tokInvalid},
		"a comment":                       {object + "/**/", tokInvalid},
		"single quotes":                   {tokMore(object, `'x':1`), tokInvalid},
		"NaN":                             {tokMore(object, `"x":NaN`), tokInvalid},
		"a number with a zero ahead":      {tokMore(object, `"x":01`), tokInvalid},
		"a line break in a text":          {tokMore(object, "\"x\":\"\n\""), tokInvalid},
		"a name twice":                    {tokMore(object, `"x":1,"x":1`), tokInvalid},
		"a name twice, once escaped":      {tokMore(object, `"x":1,"\u0078":1`), tokInvalid},
		"bytes that are no text":          {tokMore(object, "\"x\":\"\xff\""), tokInvalid},
		"bytes that are no name":          {tokMore(object, "\"\xff\":1"), tokInvalid},
		"half a surrogate pair as bytes":  {tokMore(object, "\"x\":\"\xed\xa0\xbd\""), tokInvalid},
		"an overlong byte sequence":       {tokMore(object, "\"x\":\"\xc0\x80\""), tokInvalid},
	}
}

func TestHeaderAndPayloadAreOneStrictJSONObjectEach(t *testing.T) {
	t.Parallel()
	auth := tokNew(t)
	for name, c := range tokJSON(tokPayload()) {
		if got := tokParse(t, auth, tokTrue(c.text)); got != c.want {
			t.Errorf("payload, %s: %q, want %q", name, got, c.want)
		}
	}
	for name, c := range tokJSON(tokHeader) {
		if got := tokParse(t, auth, tokJWS(c.text, tokPayload(), tokHMAC(tokKey))); got != c.want {
			t.Errorf("header, %s: %q, want %q", name, got, c.want)
		}
	}
	for name, raw := range map[string]string{
		"exp twice":       tokTrue(tokMore(tokPayload(), `"exp":`+tokUnix(1))),
		"alg twice":       tokJWS(tokMore(tokHeader, `"alg":"HS256"`), tokPayload(), tokHMAC(tokKey)),
		"no alg but Alg":  tokJWS(`{"Alg":"HS256","typ":"JWT"}`, tokPayload(), tokHMAC(tokKey)),
		"no alg but alg ": tokJWS(`{"alg ":"HS256","typ":"JWT"}`, tokPayload(), tokHMAC(tokKey)),
	} {
		if got := tokParse(t, auth, raw); got != tokInvalid {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestNumbersKeepTheirDigits(t *testing.T) {
	t.Parallel()
	auth := tokNew(t)
	raw := tokTrue(tokPayload(`token_type="refresh"`, `user_id=`, `big=9007199254740993`, `cents=1.10`, `exponent=1E+2`,
		`zero=-0`, `deep=[{"n":12345678901234567890.10}]`))
	token, err := auth.ParseToken(t.Context(), core.RefreshToken, raw)
	if err != nil {
		t.Fatal(err)
	}
	for claim, want := range map[string]any{
		"big": json.Number("9007199254740993"), "cents": json.Number("1.10"), "exponent": json.Number("1E+2"), "zero": json.Number("-0"),
		"deep": []any{map[string]any{"n": json.Number("12345678901234567890.10")}},
	} {
		if diff := cmp.Diff(want, token.Get(claim)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", claim, diff)
		}
	}
	pair, _, err := auth.Refresh(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	access := tokPart(t, pair.Access, 1)
	for _, want := range []string{`"big":9007199254740993,`, `"cents":1.10,`, `"exponent":1E+2,`, `"zero":-0}`, `"deep":[{"n":12345678901234567890.10}]`} {
		if !strings.Contains(access, want) {
			t.Errorf("the access token lacks %s: %s", want, access)
		}
	}
}

func TestTheHeaderChoosesNothing(t *testing.T) {
	t.Parallel()
	auth := tokNew(t)
	for want, headers := range map[string][]string{
		tokGood: {`{"alg":"HS256"}`},
		tokInvalid: {
			`{}`, `{"typ":"JWT"}`, `{"alg":null}`, `{"alg":""}`, `{"alg":256}`, `{"alg":["HS256"]}`, `{"alg":{"HS256":1}}`,
			`{"alg":"none"}`, `{"alg":"None"}`, `{"alg":"NONE"}`, `{"alg":"hs256"}`, `{"alg":" HS256"}`,
			`{"alg":"HS256\u0000"}`, `{"alg":"HS256\ud800"}`, `{"alg":"HS384"}`, `{"alg":"HS512"}`, `{"alg":"RS256"}`,
			`{"alg":"EdDSA"}`,
		},
	} {
		for _, header := range headers {
			if got := tokParse(t, auth, tokJWS(header, tokPayload(), tokHMAC(tokKey))); got != want {
				t.Errorf("%s: %q, want %q", header, got, want)
			}
		}
	}
	for want, members := range map[string][]string{ // beside the right alg
		tokGood: {
			`"typ":"jwt"`, `"typ":"at+jwt"`, `"typ":"AT+JWT"`, `"typ":"application/jwt"`, `"typ":"Application/at+JWT"`,
			`"kid":"a"`, `"kid":""`, `"kid":"../../dev/null"`, `"cty":"JWT"`, `"jwk":{"kty":"oct","k":"AAAA"}`,
			`"jwk":null,"jku":1,"x5u":[],"x5c":{},"x5t":true`, `"jku":"https://a.example","x5u":"file:///x"`,
		},
		tokInvalid: {
			`"typ":""`, `"typ":null`, `"typ":1`, `"typ":["JWT"]`, `"typ":"JWE"`, `"typ":"JOSE"`, `"typ":"dpop+jwt"`,
			`"typ":"JWT "`, `"typ":"application/application/jwt"`, `"crit":["exp"],"exp":1`, `"crit":["b64"],"b64":true`,
			`"crit":[]`, `"crit":null`, `"b64":false`, `"b64":true`, `"b64":null`, `"kid":1`, `"kid":null`, `"kid":["a"]`,
			`"kid":{}`, `"kid":"\ud800"`,
		},
	} {
		for _, member := range members {
			if got := tokParse(t, auth, tokJWS(tokMore(`{"alg":"HS256"}`, member), tokPayload(), tokHMAC(tokKey))); got != want {
				t.Errorf("%s: %q, want %q", member, got, want)
			}
		}
	}
}

func TestDecodeLooksWithoutTrust(t *testing.T) {
	t.Parallel()
	auth := tokNew(t)
	for name, raw := range map[string]string{
		"forged":   tokJWS(tokHeader, tokPayload("exp=0"), tokHMAC("another")),
		"unsigned": tokJWS(`{"alg":"none","crit":["x"]}`, tokPayload("exp=0"), func(string) []byte { return nil }),
	} {
		token, err := auth.Decode(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if token.JTI() != "one" || token.UserID() != "1" || !token.ExpiresAt().Equal(time.Unix(0, 0)) || token.Class().Name != core.UntypedToken {
			t.Errorf("%s: %v of class %s", name, token.Claims(), token.Class().Name)
		}
	}
	for _, raw := range []string{"", "..", tokB64(tokHeader) + "." + tokB64("[]") + ".", tokTrue(tokPayload()) + "=", tokTrue(strings.Repeat(" ", tokMaxBytes))} {
		if token, err := auth.Decode(raw); !errors.Is(err, core.ErrTokenInvalid) || token != nil {
			t.Errorf("%.40q: %v, %v", raw, token, err)
		}
	}
}

func TestATokenCannotBringItsKeyOrDoWithoutOne(t *testing.T) {
	t.Parallel()
	auth := tokNew(t)
	const theirs = "another key of thirty-two bytes and more"
	nothing := func(string) []byte { return nil }
	for name, raw := range map[string]string{
		"unsigned":                  tokJWS(`{"alg":"none"}`, tokPayload(), nothing),
		"unsigned, says HS256":      tokJWS(tokHeader, tokPayload(), nothing),
		"another key":               tokJWS(tokHeader, tokPayload(), tokHMAC(theirs)),
		"an empty key":              tokJWS(tokHeader, tokPayload(), tokHMAC("")),
		"a file without bytes":      tokJWS(`{"alg":"HS256","kid":"/dev/null"}`, tokPayload(), tokHMAC("")),
		"the key's id as the key":   tokJWS(`{"alg":"HS256","kid":"x"}`, tokPayload(), tokHMAC("x")),
		"a key in the header":       tokJWS(`{"alg":"HS256","jwk":{"kty":"oct","k":"`+tokB64(theirs)+`"}}`, tokPayload(), tokHMAC(theirs)),
		"HS512, right key":          tokJWS(`{"alg":"HS512"}`, tokPayload(), tokMAC(tokHashes()["HS512"], tokKey)),
		"says HS256, made by HS512": tokJWS(tokHeader, tokPayload(), tokMAC(tokHashes()["HS512"], tokKey)),
	} {
		if got := tokParse(t, auth, raw); got != tokInvalid {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestAPublicKeyIsNoSecret(t *testing.T) {
	t.Parallel()
	key := tokRSA()
	public := tokPublic(t, key.Public())
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	auths := map[string]*core.Auth{"signer": tokPair(t, "RS256", tokPrivate(t, key)), "verifier": tokVerifier(t, "RS256", public)}
	secrets := []string{public, strings.TrimSpace(public), string(spki), string(x509.MarshalPKCS1PublicKey(&key.PublicKey)), string(key.N.Bytes()), ""}
	for who, auth := range auths {
		if got := tokParse(t, auth, tokJWS(`{"alg":"RS256"}`, tokPayload(), tokRS256(t, key))); got != tokGood {
			t.Errorf("%s: a token with a true signature: %q", who, got)
		}
		for algorithm, newHash := range tokHashes() {
			for i, secret := range secrets {
				for _, says := range []string{algorithm, "RS256"} {
					raw := tokJWS(`{"alg":"`+says+`"}`, tokPayload(), tokMAC(newHash, secret))
					if got := tokParse(t, auth, raw); got != tokInvalid {
						t.Errorf("%s: %s with the public key (form %d) as secret, header %s: %q", who, algorithm, i, says, got)
					}
				}
			}
		}
	}
}

func TestNoLetterOfATokenMayChange(t *testing.T) {
	t.Parallel()
	auth := tokNew(t)
	raw := tokTrue(tokPayload())
	for i := range raw {
		other := byte('A')
		if raw[i] == 'A' {
			other = 'B'
		}
		if got := tokParse(t, auth, raw[:i]+string(other)+raw[i+1:]); got != tokInvalid {
			t.Errorf("letter %d changed: %q", i, got)
		}
		if got := tokParse(t, auth, raw[:i]); got != tokInvalid {
			t.Errorf("cut at letter %d: %q", i, got)
		}
	}
}

func TestAForgedTokenIsInvalidWhateverElseIsWrong(t *testing.T) {
	t.Parallel()
	auth := tokNew(t)
	expired := tokPayload("exp=0")
	for name, c := range map[string]struct{ raw, want string }{
		"expired":                        {tokTrue(expired), tokExpired},
		"forged and expired":             {tokJWS(tokHeader, expired, tokHMAC("another")), tokInvalid},
		"unsigned and expired":           {tokJWS(tokHeader, expired, func(string) []byte { return nil }), tokInvalid},
		"of another type and expired":    {tokJWS(`{"alg":"HS256","typ":"JWE"}`, expired, tokHMAC(tokKey)), tokInvalid},
		"critical and expired":           {tokJWS(`{"alg":"HS256","crit":["x"]}`, expired, tokHMAC(tokKey)), tokInvalid},
		"of another key id and expired":  {tokJWS(`{"alg":"HS256","kid":1}`, expired, tokHMAC(tokKey)), tokInvalid},
		"of no algorithm and expired":    {tokJWS(`{"alg":"none"}`, expired, tokHMAC(tokKey)), tokInvalid},
		"forged, without exp or an id":   {tokJWS(tokHeader, "{}", tokHMAC("another")), tokInvalid},
		"forged, of another token class": {tokJWS(tokHeader, tokPayload(`token_type="refresh"`), tokHMAC("another")), tokInvalid},
	} {
		if got := tokParse(t, auth, c.raw); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestNoDoorAsksAnythingBeforeATokenIsVerified(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsReuse, opsGrace, opsClasses(core.AccessToken, core.RefreshToken, core.SlidingToken))
	parse := func(class string) func(string) error {
		return func(raw string) error { _, err := e.ParseToken(opsCtx(), class, raw); return err }
	}
	doors := map[string]func(raw string) error{
		"AuthenticateToken":          func(raw string) error { _, _, err := e.AuthenticateToken(opsCtx(), raw); return err },
		"Stateless":                  func(raw string) error { _, _, err := e.Stateless().AuthenticateToken(opsCtx(), raw); return err },
		"ParseToken as RefreshToken": parse(core.RefreshToken),
		"ParseToken as SlidingToken": parse(core.SlidingToken),
		"Verify":                     func(raw string) error { _, err := e.Verify(opsCtx(), raw); return err },
		"Refresh":                    func(raw string) error { _, err := e.refresh(raw); return err },
		"RefreshSliding":             func(raw string) error { _, _, err := e.RefreshSliding(opsCtx(), raw); return err },
		"Blacklist":                  func(raw string) error { return e.Blacklist(opsCtx(), raw) },
	}
	good := e.forge(nil)
	bad := map[string]string{
		"no token":              "",
		"forged":                good[:len(good)-6] + "AAAAAA",
		"with another payload":  strings.Join([]string{strings.Split(good, ".")[0], tokB64(`{"jti":"1"}`), strings.Split(good, ".")[2]}, "."),
		"expired":               e.forge(map[string]any{"exp": e.clock.now().Add(-time.Second).Unix()}),
		"not yet good":          e.forge(map[string]any{"nbf": e.clock.now().Add(time.Minute).Unix()}),
		"from the future":       e.forge(map[string]any{"iat": e.clock.now().Add(time.Minute).Unix()}),
		"with an exp of text":   e.forge(map[string]any{"exp": "4102444800"}),
		"with a jti of numbers": e.forge(map[string]any{"jti": 1}),
	}
	for door, ask := range doors {
		for name, raw := range bad {
			e.spy.take()
			if err := ask(raw); err == nil {
				t.Errorf("%s: a token %s was let in", door, name)
			}
			if calls := e.spy.take(); len(calls) > 0 {
				t.Errorf("%s: a token %s made it ask %v", door, name, calls)
			}
		}
		_ = ask(good)
		if calls := e.spy.take(); len(calls) == 0 {
			t.Errorf("%s: a good token made it ask nothing, so this test sees nothing", door)
		}
	}
}
