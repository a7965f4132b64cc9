package jose

import (
	"strings"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt"
)

const maxDateText = "253402300799" // the last second of the year 9999

func withLeeway(d time.Duration) func(*simplejwt.Settings) {
	return func(s *simplejwt.Settings) { s.Leeway = d }
}

// changesByOutcome are changes of a good payload, by the outcome of Verify that they must have.
type changesByOutcome map[string][]string

// checkEach fails unless Verify has the expected outcome for each change.
func (v changesByOutcome) checkEach(t *testing.T, c *Codec, now func() time.Time) {
	t.Helper()
	for want, changes := range v {
		for _, change := range changes {
			if got := verifyTokenAt(t, c, signPayload(goodPayload(change)), now); got != want {
				t.Errorf("%.90s: it is %s, want %s", change, got, want)
			}
		}
	}
}

func TestVerify_InvalidTimes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]*Codec{"without leeway": newCodec(t), "with an hour of leeway": newCodec(t, withLeeway(time.Hour))} {
		for _, claim := range []string{"exp", "nbf", "iat"} {
			for _, value := range []string{
				`null`, `true`, `false`, `""`, `"` + unixAt(100) + `"`, `"\ud800"`, `[]`, `[` + unixAt(100) + `]`, `{}`, `{"":1}`,
				`253402300800`, `253402300799.5`, `-253402300800`, `9223372036854775807`, `9223372036854775808`, `18446744073709551617`,
				`1e15`, `1e300`, `-1e300`, `1e400`, `-1e400`, `1e99999999999999999999`, strings.Repeat("9", 5000),
			} {
				if got := verifyToken(t, c, signPayload(goodPayload(claim+"="+value))); got != invalid {
					t.Errorf("%s: %s %.60s is %s", name, claim, value, got)
				}
			}
		}
	}
}

func TestVerify_Times(t *testing.T) {
	t.Parallel()
	c := newCodec(t)
	changesByOutcome{ // half a second past noon; fractions of claims are truncated
		good: {
			"exp=" + unixAt(1), "exp=" + unixAt(1) + ".0", "exp=" + maxDateText, "exp=2.53402300799e11",
			"Exp=" + unixAt(-1), "nbf=" + unixAt(0), "nbf=" + unixAt(0) + ".999", "nbf=" + unixAt(-1), "nbf=0",
			"nbf=-" + maxDateText, "iat=" + unixAt(0), "iat=" + unixAt(0) + ".999", "iat=0", "iat=-" + maxDateText, "iat=",
			"exp=", // SimpleJWT asks for it, PyJWT does not
		},
		expired: {
			"exp=" + unixAt(0), "exp=" + unixAt(0) + ".9", "exp=" + unixAt(-1), "exp=0", "exp=-0", "exp=0.0", "exp=0e5",
			"exp=1e-400", "exp=-1", "exp=-" + maxDateText,
		},
		invalid: {"nbf=" + unixAt(1), "nbf=" + maxDateText, "iat=" + unixAt(1), "iat=" + maxDateText},
	}.checkEach(t, c, testNow)
	changesByOutcome{
		good:    {"exp=" + unixAt(1), "nbf=" + unixAt(0)},
		expired: {"exp=" + unixAt(0)},
		invalid: {"nbf=" + unixAt(1), "iat=" + unixAt(1)},
	}.checkEach(t, c, noon)
}

func TestVerify_Leeway(t *testing.T) {
	t.Parallel()
	c := newCodec(t, withLeeway(10*time.Second))
	changesByOutcome{
		good:    {"exp=" + unixAt(-9), "nbf=" + unixAt(10), "iat=" + unixAt(10)},
		expired: {"exp=" + unixAt(-10), "exp=0"},
		invalid: {"nbf=" + unixAt(11), "iat=" + unixAt(11)},
	}.checkEach(t, c, testNow)
	changesByOutcome{
		good:    {"exp=" + unixAt(-9), "nbf=" + unixAt(10), "iat=" + unixAt(10)},
		expired: {"exp=" + unixAt(-10)},
	}.checkEach(t, c, noon)
}

func TestVerify_Issuer(t *testing.T) {
	t.Parallel()
	set := changesByOutcome{
		good: {`iss="https://a.example"`},
		invalid: {
			`iss=`, `iss=null`, `iss=""`, `iss=1`, `iss=["https://a.example"]`, `iss={"https://a.example":1}`,
			`iss="https://a.example/"`, `iss="https://A.example"`, `Iss="https://a.example"`,
			`iss="https://a.example\ud83d"`,
		},
	}
	set.checkEach(t, newCodec(t, func(s *simplejwt.Settings) { s.Issuer = "https://a.example" }), testNow)
	set.checkEach(t, newCodec(t, withSettings(t, `{"ISSUER":"https://a.example"}`)), testNow)
	changesByOutcome{ // set, even if to nothing
		good:    {`iss=""`},
		invalid: {`iss=`, `iss=null`, `iss="x"`},
	}.checkEach(t, newCodec(t, withSettings(t, `{"ISSUER":""}`)), testNow)
	for _, c := range []*Codec{newCodec(t), newCodec(t, withSettings(t, `{"ISSUER":null}`))} {
		changesByOutcome{good: {`iss="x"`, `iss=1`, `iss=["x"]`, `iss=null`}}.checkEach(t, c, testNow)
	}
}

func TestVerify_Audience(t *testing.T) {
	t.Parallel()
	for settings, v := range map[string]changesByOutcome{
		`{}`:                {good: {`aud="x"`, `aud=["x"]`, `aud=1`, `aud=[1]`, `aud=null`}},
		`{"AUDIENCE":null}`: {good: {`aud="x"`, `aud=`}},
		`{"AUDIENCE":"a"}`: {
			good: {`aud="a"`, `aud=["a"]`, `aud=["x","a","y"]`},
			invalid: {
				`aud=`, `aud=null`, `aud=""`, `aud=[]`, `aud=[""]`, `aud="A"`, `aud="a "`, `aud="aa"`, `aud=["x"]`, `Aud="a"`,
				`aud=1`, `aud=true`, `aud={"a":1}`, `aud=["a",1]`, `aud=[null,"a"]`, `aud=[["a"]]`, `aud="a\ud800"`,
			},
		},
		`{"AUDIENCE":["a","b"]}`: {good: {`aud="a"`, `aud="b"`, `aud=["b","x"]`}, invalid: {`aud="x"`, `aud="a,b"`}},
		`{"AUDIENCE":["","a"]}`:  {good: {`aud="a"`}, invalid: {`aud=""`}},
		`{"AUDIENCE":""}`:        {invalid: {`aud=""`, `aud=[""]`, `aud=`, `aud="x"`}},
		`{"AUDIENCE":[]}`:        {invalid: {`aud=""`, `aud=[]`, `aud=`, `aud="x"`}},
	} {
		t.Run(settings, func(t *testing.T) {
			t.Parallel()
			v.checkEach(t, newCodec(t, withSettings(t, settings)), testNow)
		})
	}
}

func TestVerify_SubjectAndID(t *testing.T) {
	t.Parallel()
	changesByOutcome{
		good: {
			`sub="x"`, `sub=""`, `sub="\ud83d\ude00"`, `Sub=1`,
			`jti=`, `jti=""`, `jti="x"`, `jti="\u0000"`, `jti="é\ud83d\ude00 \n"`, `jti="` + strings.Repeat("x", 300) + `"`,
		},
		invalid: {
			`sub=null`, `sub=1`, `sub=false`, `sub=["x"]`, `sub={}`, `sub="\ud83d"`,
			`jti=null`, `jti=1`, `jti=true`, `jti=["x"]`, `jti={"x":"x"}`, `jti="\ud800"`, `jti="x\udc00y"`, `jti="\ude00\ud83d"`,
		},
	}.checkEach(t, newCodec(t), testNow)
}

func TestVerify_OrderOfChecks(t *testing.T) {
	t.Parallel()
	c := newCodec(t, withSettings(t, `{"ISSUER":"i","AUDIENCE":"a"}`))
	const iss, aud = `iss="i"`, `aud="a"`
	for name, test := range map[string]struct {
		want    string
		changes []string
	}{
		"nothing is wrong":                     {good, []string{iss, aud}},
		"iat comes before exp":                 {invalid, []string{iss, aud, "iat=" + unixAt(9), "exp=0"}},
		"nbf comes before exp":                 {invalid, []string{iss, aud, "nbf=" + unixAt(9), "exp=0"}},
		"exp comes before the issuer":          {expired, []string{`iss="x"`, aud, "exp=0"}},
		"exp comes before the audience":        {expired, []string{iss, `aud="x"`, "exp=0"}},
		"exp comes before sub":                 {expired, []string{iss, aud, "sub=1", "exp=0"}},
		"exp comes before an id of no text":    {expired, []string{iss, aud, "jti=1", "exp=0"}},
		"the issuer is checked without exp":    {invalid, []string{`iss="x"`, aud, "exp="}},
		"the audience is checked without exp":  {invalid, []string{iss, `aud="x"`, "exp="}},
		"sub is checked without exp":           {invalid, []string{iss, aud, "sub=1", "exp="}},
		"an id of no text is seen without exp": {invalid, []string{iss, aud, "jti=1", "exp="}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := verifyToken(t, c, signPayload(goodPayload(test.changes...))); got != test.want {
				t.Errorf("it is %s, want %s", got, test.want)
			}
		})
	}
}
