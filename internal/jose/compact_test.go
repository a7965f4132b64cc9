package jose

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

func TestVerify_CompactForm(t *testing.T) {
	t.Parallel()
	c := newCodec(t)
	payload := addMembers(goodPayload(), `"x":"~~~???~~~"`) // has the two letters that plain base64 writes otherwise
	for len(payload)%3 != 1 {
		payload += " " // so that the last letter has unused bits
	}
	head, body := encodeBase64(goodHeader+" "), encodeBase64(payload)
	plain := base64.RawStdEncoding.EncodeToString([]byte(payload))
	if !strings.ContainsAny(plain, "+/") {
		t.Fatalf("%s has neither + nor /", plain)
	}
	// Each is signed as it stands, so that only its form can be wrong.
	signed := func(head, body string) string { return signText(head+"."+body, hs256Signer(secret)) }
	token := signed(head, body)
	for name, test := range map[string]struct{ raw, want string }{
		"three parts are good":                      {token, good},
		"padding of the header is rejected":         {signed(head+"==", body), invalid},
		"padding of the payload is rejected":        {signed(head, body+"=="), invalid},
		"padding of the signature is rejected":      {token + "=", invalid},
		"plain base64 is rejected":                  {signed(head, plain), invalid},
		"a line break ahead is rejected":            {signed("\n"+head, body), invalid},
		"a line break in the header is rejected":    {signed(head[:4]+"\n"+head[4:], body), invalid},
		"a return in the payload is rejected":       {signed(head, body[:5]+"\r"+body[5:]), invalid},
		"a break after the payload is rejected":     {signed(head, body+"\r\n"), invalid},
		"a line break at the end is rejected":       {token + "\n", invalid},
		"a blank at the end is rejected":            {token + " ", invalid},
		"a blank in the header is rejected":         {signed(head[:4]+" "+head[4:], body), invalid},
		"a NUL in the payload is rejected":          {signed(head, body+"\x00"), invalid},
		"a letter of another script is rejected":    {signed(head+"é", body), invalid},
		"a letter too many is rejected":             {token + "AA", invalid},
		"loose bits of the header are rejected":     {signed(withLooseBits(t, head), body), invalid},
		"loose bits of the payload are rejected":    {signed(head, withLooseBits(t, body)), invalid},
		"loose bits of the signature are rejected":  {withLooseBits(t, token), invalid},
		"an empty text is rejected":                 {"", invalid},
		"two dots are rejected":                     {"..", invalid},
		"an empty header is rejected":               {signed("", body), invalid},
		"an empty payload is rejected":              {signed(head, ""), invalid},
		"an empty signature is rejected":            {head + "." + body + ".", invalid},
		"one part is rejected":                      {head, invalid},
		"two parts are rejected":                    {head + "." + body, invalid},
		"an empty fourth part is rejected":          {token + ".", invalid},
		"an empty part ahead is rejected":           {"." + token, invalid},
		"four parts are rejected":                   {token + "." + body, invalid},
		"five parts, as if encrypted, are rejected": {token + ".AAAA.AAAA", invalid},
		"a scheme before the token is rejected":     {"Bearer " + token, invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := verifyToken(t, c, test.raw); got != test.want {
				t.Errorf("it is %s, want %s", got, test.want)
			}
		})
	}
}

func TestVerify_ChecksLengthAndPartsBeforeDecoding(t *testing.T) {
	t.Parallel()
	c := newCodec(t)
	for name, test := range map[string]struct {
		raw     string
		decoded bool
	}{
		"three parts are decoded":             {"!.!.!", true},
		"one byte too many is not decoded":    {strings.Repeat("!", maxTokenBytes-1) + "..", false},
		"a far too long token is not decoded": {strings.Repeat("!.", 1<<20), false},
		"two parts are not decoded":           {"!.!", false},
		"four parts are not decoded":          {"!.!.!.!", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.Verify(t.Context(), test.raw, testNow)
			want := ErrInvalid
			if test.decoded { // decoding says what is wrong
				want = errNotBase64
			}
			if !errors.Is(err, want) {
				t.Errorf("error %v, want %v", err, want)
			}
		})
	}
}

func TestVerify_MaxLength(t *testing.T) {
	t.Parallel()
	c := newCodec(t)
	for length, want := range map[int]string{maxTokenBytes: good, maxTokenBytes + 1: invalid} {
		frame := len(signPayload("")) // header, dots and signature
		payload := goodPayload()
		payload += strings.Repeat(" ", base64.RawURLEncoding.DecodedLen(length-frame)-len(payload))
		raw := signPayload(payload)
		if len(raw) != length {
			t.Fatalf("made %d bytes, want %d", len(raw), length)
		}
		if got := verifyToken(t, c, raw); got != want {
			t.Errorf("%d bytes are %s, want %s", length, got, want)
		}
	}
}

func TestVerify_ChangedLetters(t *testing.T) {
	t.Parallel()
	c := newCodec(t)
	raw := signPayload(goodPayload())
	for i := range raw {
		other := byte('A')
		if raw[i] == 'A' {
			other = 'B'
		}
		if got := verifyToken(t, c, raw[:i]+string(other)+raw[i+1:]); got != invalid {
			t.Errorf("letter %d changed: %s", i, got)
		}
		if got := verifyToken(t, c, raw[:i]); got != invalid {
			t.Errorf("truncated at letter %d: %s", i, got)
		}
	}
}

// jsonTexts returns texts that stand where a JSON object is expected, made from a good object.
func jsonTexts(object string) map[string]struct{ text, want string } {
	return map[string]struct{ text, want string }{
		"an object is good":                            {object, good},
		"blanks around are good":                       {" \t\r\n" + object + "\n", good},
		"an unknown name is good":                      {addMembers(object, `"x":{"y":[null,true,"é\u00e9\ud83d\ude00"]}`), good},
		"known names in another case are unknown":      {addMembers(object, `"ALG":"none","Typ":1,"CRIT":[],"Exp":0,"NBF":"x","IAT":true,"JTI":1,"Sub":1,"Token_Type":"x"`), good},
		"letters that fold to known names are unknown": {addMembers(object, `"ſub":1,"Kid":1,"iſs":1`), good},
		"an empty text is rejected":                    {"", invalid},
		"blanks are rejected":                          {"  ", invalid},
		"a list is rejected":                           {"[" + object + "]", invalid},
		"a string is rejected":                         {`"` + signPayload(goodPayload()) + `"`, invalid},
		"a token in the token is rejected":             {signPayload(goodPayload()), invalid},
		"a number is rejected":                         {"1", invalid},
		"null is rejected":                             {"null", invalid},
		"true is rejected":                             {"true", invalid},
		"two objects are rejected":                     {object + object, invalid},
		"a byte behind is rejected":                    {object + "x", invalid},
		"a NUL behind is rejected":                     {object + "\x00", invalid},
		"a byte order mark is rejected":                {"\uFEFF" + object, invalid},
		"an unfinished object is rejected":             {object[:len(object)-1], invalid},
		"a comma too many is rejected":                 {strings.TrimSuffix(object, "}") + ",}", invalid},
		"a comment is rejected":                        {object + "/**/", invalid},
		"single quotes are rejected":                   {addMembers(object, `'x':1`), invalid},
		"NaN is rejected":                              {addMembers(object, `"x":NaN`), invalid},
		"a number with a zero ahead is rejected":       {addMembers(object, `"x":01`), invalid},
		"a line break in a string is rejected":         {addMembers(object, "\"x\":\"\n\""), invalid},
		"a name twice is rejected":                     {addMembers(object, `"x":1,"x":1`), invalid},
		"a name twice, once escaped, is rejected":      {addMembers(object, `"x":1,"\u0078":1`), invalid},
		"bytes that are not text are rejected":         {addMembers(object, "\"x\":\"\xff\""), invalid},
		"bytes that are not a name are rejected":       {addMembers(object, "\"\xff\":1"), invalid},
		"half a surrogate pair as bytes is rejected":   {addMembers(object, "\"x\":\"\xed\xa0\xbd\""), invalid},
		"an overlong byte sequence is rejected":        {addMembers(object, "\"x\":\"\xc0\x80\""), invalid},
	}
}

func TestVerify_StrictJSON(t *testing.T) {
	t.Parallel()
	c := newCodec(t)
	for name, test := range jsonTexts(goodPayload()) {
		t.Run("in the payload "+name, func(t *testing.T) {
			t.Parallel()
			if got := verifyToken(t, c, signPayload(test.text)); got != test.want {
				t.Errorf("it is %s, want %s", got, test.want)
			}
		})
	}
	for name, test := range jsonTexts(goodHeader) {
		t.Run("in the header "+name, func(t *testing.T) {
			t.Parallel()
			if got := verifyToken(t, c, forgeToken(test.text, goodPayload(), hs256Signer(secret))); got != test.want {
				t.Errorf("it is %s, want %s", got, test.want)
			}
		})
	}
	for name, raw := range map[string]string{
		"exp twice is rejected":               signPayload(addMembers(goodPayload(), `"exp":`+unixAt(1))),
		"alg twice is rejected":               forgeToken(addMembers(goodHeader, `"alg":"HS256"`), goodPayload(), hs256Signer(secret)),
		"Alg does not stand for alg":          forgeToken(`{"Alg":"HS256","typ":"JWT"}`, goodPayload(), hs256Signer(secret)),
		"alg and a blank do not stand for it": forgeToken(`{"alg ":"HS256","typ":"JWT"}`, goodPayload(), hs256Signer(secret)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := verifyToken(t, c, raw); got != invalid {
				t.Errorf("it is %s", got)
			}
		})
	}
}
