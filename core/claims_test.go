package core_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

const (
	detailNoExp     = "Token has no 'exp' claim"
	detailNoID      = "Token has no id"
	detailNoType    = "Token has no type"
	detailWrongType = "Token has wrong type"
)

// changesByDetail maps the detail ParseToken should report to the claim changes that cause it.
type changesByDetail map[string][]string

// wantDetails checks the detail that ParseToken reports for an access token with each of the changes.
func wantDetails(t *testing.T, auth *core.Auth, cases changesByDetail) {
	t.Helper()
	for want, changes := range cases {
		for _, change := range changes {
			if got := accessTokenDetail(t, auth, signPayload(makePayload(change))); got != want {
				t.Errorf("%.90s: %q, want %q", change, got, want)
			}
		}
	}
}

// idClaimCases returns valid and invalid values of the id claim, keyed by the detail ParseToken should report. A valid id is a string
// of 1 to 255 bytes without NUL or lone surrogates.
func idClaimCases(claim string) changesByDetail {
	return changesByDetail{
		detailNone: {
			claim + `="x"`, claim + `="é\ud83d\ude00 \n"`, claim + `="` + strings.Repeat("x", 255) + `"`,
			claim + `="` + strings.Repeat("é", 127) + `x"`,
		},
		detailNoID: {claim + `=`},
		detailInvalid: {
			claim + `="` + strings.Repeat("x", 256) + `"`, claim + `="` + strings.Repeat("é", 128) + `"`, claim + `=""`,
			claim + `="\u0000"`, claim + `="x\u0000"`, claim + `="\ud800"`, claim + `="x\udc00y"`,
			claim + `="\ude00\ud83d"`, claim + `=null`, claim + `=1`, claim + `=true`, claim + `=["x"]`,
			claim + `={"x":"x"}`,
		},
	}
}

func TestParseToken_IDClaim(t *testing.T) {
	t.Parallel()
	wantDetails(t, newAuth(t), idClaimCases("jti"))
	named := newAuth(t, withJSON(t, `{"JTI_CLAIM":"token_id"}`))
	wantDetails(t, named, idClaimCases("token_id"))
	beside := changesByDetail{ // jti is then not the id claim, but RFC 7519, section 4.1.7 still requires a string
		detailNone:    {`jti=`, `jti=""`, `jti="` + strings.Repeat("x", 300) + `"`},
		detailInvalid: {`jti=1`, `jti=null`, `jti="\ud800"`},
	}
	for want, changes := range beside {
		for _, change := range changes {
			if got := accessTokenDetail(t, named, signPayload(makePayload(`token_id="x"`, change))); got != want {
				t.Errorf("with token_id, %.40s: %q, want %q", change, got, want)
			}
		}
	}
	wantDetails(t, newAuth(t, withJSON(t, `{"JTI_CLAIM":null}`)), changesByDetail{
		detailNone:    {`jti=`, `jti=""`, `jti="\u0000"`, `jti="` + strings.Repeat("x", 300) + `"`},
		detailInvalid: {`jti=1`, `jti=null`, `jti="\ud800"`},
	})
}

// TestVerify_IDClaim checks that Verify requires a valid id, though it accepts tokens of every class.
func TestVerify_IDClaim(t *testing.T) {
	t.Parallel()
	auth := newAuth(t)
	for want, changes := range idClaimCases("jti") {
		for _, change := range changes {
			if _, err := auth.Verify(t.Context(), signPayload(makePayload(change))); readDetail(err) != want {
				t.Errorf("Verify, %.40s: error %v, want %q", change, err, want)
			}
		}
	}
}

func TestParseToken_TypeClaim(t *testing.T) {
	t.Parallel()
	wantDetails(t, newAuth(t), changesByDetail{
		detailNone:   {`token_type="access"`, `token_type="\u0061ccess"`, `Token_type="refresh"`, `typ="refresh"`},
		detailNoType: {`token_type=`},
		detailWrongType: {
			`token_type=null`, `token_type=""`, `token_type="refresh"`, `token_type="sliding"`, `token_type="untyped"`,
			`token_type="Access"`, `token_type="access "`, `token_type="access\u0000"`, `token_type="access\ud800"`,
			`token_type=["access"]`, `token_type={"access":1}`, `token_type=1`, `token_type=true`,
			`token_type=["access",["x"]]`,
		},
	})
	wantDetails(t, newAuth(t, withJSON(t, `{"TOKEN_TYPE_CLAIM":null}`)), changesByDetail{
		detailNone: {`token_type=`, `token_type="refresh"`, `token_type=1`},
	})
	wantDetails(t, newAuth(t, withJSON(t, `{"TOKEN_TYPE_CLAIM":"kind"}`)), changesByDetail{
		detailNone:      {`kind="access"`},
		detailNoType:    {`kind=`},
		detailWrongType: {`kind="refresh"`},
	})
}

// TestVerify_TypeClaim checks that Verify ignores the type.
func TestVerify_TypeClaim(t *testing.T) {
	t.Parallel()
	for _, change := range []string{`token_type=`, `token_type="refresh"`, `token_type="untyped"`, `token_type=1`} {
		if _, err := newAuth(t).Verify(t.Context(), signPayload(makePayload(change))); err != nil {
			t.Errorf("Verify(%s) = %v, want nil", change, err)
		}
	}
}

func TestParseToken_TypeOfEachClass(t *testing.T) {
	t.Parallel()
	auth := newAuth(t)
	types := map[core.ClassName]string{core.AccessToken: "access", core.RefreshToken: "refresh", core.SlidingToken: "sliding"}
	for class, own := range types {
		for _, kind := range types {
			want := detailWrongType
			if kind == own {
				want = detailNone
			}
			_, err := auth.ParseToken(t.Context(), class, signPayload(makePayload("token_type="+strconv.Quote(kind))))
			if got := readDetail(err); got != want {
				t.Errorf("token of type %s parsed as %s: %q, want %q", kind, class, got, want)
			}
		}
	}
}

func TestParseToken_OrderOfChecks(t *testing.T) {
	t.Parallel()
	auth := newAuth(t, withJSON(t, `{"ISSUER":"i","AUDIENCE":"a"}`))
	const iss, aud = `iss="i"`, `aud="a"`
	for name, c := range map[string]struct {
		want    string
		changes []string
	}{
		"valid claims":                          {detailNone, []string{iss, aud}},
		"a future iat before exp":               {detailInvalid, []string{iss, aud, "iat=" + unixClaim(9), "exp=0"}},
		"a future nbf before exp":               {detailInvalid, []string{iss, aud, "nbf=" + unixClaim(9), "exp=0"}},
		"exp before a wrong issuer":             {detailExpired, []string{`iss="x"`, aud, "exp=0"}},
		"exp before a wrong audience":           {detailExpired, []string{iss, `aud="x"`, "exp=0"}},
		"exp before a non-string sub":           {detailExpired, []string{iss, aud, "sub=1", "exp=0"}},
		"exp before a non-string id":            {detailExpired, []string{iss, aud, "jti=1", "exp=0"}},
		"exp before a missing id":               {detailExpired, []string{iss, aud, "jti=", "exp=0"}},
		"exp before a wrong type":               {detailExpired, []string{iss, aud, `token_type="refresh"`, "exp=0"}},
		"a wrong issuer before a missing exp":   {detailInvalid, []string{`iss="x"`, aud, "exp="}},
		"a wrong audience before a missing exp": {detailInvalid, []string{iss, `aud="x"`, "exp="}},
		"a non-string sub before a missing exp": {detailInvalid, []string{iss, aud, "sub=1", "exp="}},
		"a non-string id before a missing exp":  {detailInvalid, []string{iss, aud, "jti=1", "exp="}},
		"a missing exp before a missing id":     {detailNoExp, []string{iss, aud, "exp=", "jti="}},
		"a missing exp before an empty id":      {detailNoExp, []string{iss, aud, "exp=", `jti=""`}},
		"a missing exp before a wrong type":     {detailNoExp, []string{iss, aud, "exp=", `token_type="refresh"`}},
		"a missing id before a missing type":    {detailNoID, []string{iss, aud, "jti=", "token_type="}},
		"a missing id before a wrong type":      {detailNoID, []string{iss, aud, "jti=", `token_type="refresh"`}},
		"an empty id before a missing type":     {detailInvalid, []string{iss, aud, `jti=""`, "token_type="}},
	} {
		if got := accessTokenDetail(t, auth, signPayload(makePayload(c.changes...))); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestParseToken_Blacklist(t *testing.T) {
	t.Parallel()
	auth := newAuth(t)
	refresh, err := auth.ForUser(t.Context(), core.RefreshToken, newAlice())
	if err != nil {
		t.Fatal(err)
	}
	if err := refresh.Blacklist(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := "jti=" + strconv.Quote(refresh.JTI())
	for name, c := range map[string]struct {
		class   core.ClassName
		want    string
		changes []string
	}{
		"as a refresh token":                   {core.RefreshToken, "Token is blacklisted", []string{`token_type="refresh"`}},
		"of type access, as a refresh token":   {core.RefreshToken, "Token is blacklisted", []string{`token_type="access"`}},
		"as a sliding token":                   {core.SlidingToken, "Token is blacklisted", []string{`token_type="refresh"`}},
		"without exp":                          {core.RefreshToken, "Token is blacklisted", []string{"exp="}},
		"expired":                              {core.RefreshToken, detailExpired, []string{`token_type="refresh"`, "exp=0"}},
		"of type access, as an access token":   {core.AccessToken, detailNone, []string{`token_type="access"`}},
		"refresh token parsed as access token": {core.AccessToken, detailWrongType, []string{`token_type="refresh"`}},
		"as a token of any type":               {core.UntypedToken, detailNone, []string{`token_type="refresh"`}},
	} {
		_, err := auth.ParseToken(t.Context(), c.class, signPayload(makePayload(append(c.changes, id)...)))
		if got := readDetail(err); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if _, err := auth.Verify(t.Context(), signPayload(makePayload(id))); readDetail(err) != "Token is blacklisted" {
		t.Errorf("Verify: %v", err)
	}
}

// recordingUsers are Users that record the field and value of each ByField call.
type recordingUsers struct {
	core.Users
	asked []string
}

func (u *recordingUsers) ByField(ctx context.Context, field, value string) (simplejwt.User, error) {
	u.asked = append(u.asked, field+" "+value)
	return u.Users.ByField(ctx, field, value)
}

func TestAuthenticateToken_UserIDClaim(t *testing.T) {
	t.Parallel()
	users := &recordingUsers{Users: newDeps(t).Users}
	auth := newAuth(t, func(_ *simplejwt.Settings, d *core.Deps) { d.Users = users })
	const alice, nobody = "alice", "nobody"
	for value, c := range map[string]struct {
		asked         string // the value passed to Users.ByField, "" if it is not called
		authenticates bool   // whether authentication succeeds
		refreshes     string // which user Refresh returns, "" if it is denied
	}{
		`"1"`:                      {"1", true, alice},
		`1`:                        {"1", true, alice},
		`"01"`:                     {"01", false, ""},
		`" 1"`:                     {" 1", false, ""},
		`"\u0031"`:                 {"1", true, alice},
		`"1\u0000"`:                {"1\x00", false, ""},
		`-1`:                       {"-1", false, ""},
		`123456789012345678901234`: {"123456789012345678901234", false, ""},
		`1.0`:                      {"", false, ""}, // Python would find user 1
		`1e0`:                      {"", false, ""},
		`1E+400`:                   {"", false, ""},
		`0.5`:                      {"", false, ""},
		`true`:                     {"", false, ""},
		`[1]`:                      {"", false, ""},
		`{"id":1}`:                 {"", false, ""},
		`"1\ud800"`:                {"", false, ""},
		`0`:                        {"", false, nobody}, // SimpleJWT ignores a falsy user id
		`-0.0`:                     {"", false, nobody},
		`""`:                       {"", false, nobody},
		`false`:                    {"", false, nobody},
		`null`:                     {"", false, nobody},
		`[]`:                       {"", false, nobody},
		`{}`:                       {"", false, nobody},
	} {
		users.asked = nil
		user, _, err := auth.AuthenticateToken(t.Context(), signPayload(makePayload("user_id="+value)))
		if c.authenticates != (err == nil && user.AuthID() == "1") || !c.authenticates && !errors.Is(err, core.ErrUnknownUser) {
			t.Errorf("authenticate with %s: user %v, error %v", value, user, err)
		}
		_, user, err = auth.Refresh(t.Context(), signPayload(makePayload(`token_type="refresh"`, "user_id="+value)))
		switch c.refreshes {
		case alice:
			if err != nil || user == nil || user.AuthID() != "1" {
				t.Errorf("refresh with %s: user %v, error %v", value, user, err)
			}
		case nobody:
			if err != nil || user != nil {
				t.Errorf("refresh with %s: user %v, error %v", value, user, err)
			}
		default:
			if !errors.Is(err, core.ErrNoActiveAccount) {
				t.Errorf("refresh with %s: user %v, error %v", value, user, err)
			}
		}
		var want []string
		if c.asked != "" {
			want = []string{"id " + c.asked, "id " + c.asked}
		}
		if !slices.Equal(users.asked, want) {
			t.Errorf("with %s ByField was called with %q, want %q", value, users.asked, want)
		}
	}
	if _, _, err := auth.AuthenticateToken(t.Context(), signPayload(makePayload("user_id="))); !errors.Is(err, core.ErrTokenNoUser) {
		t.Errorf("authenticate without the claim: %v, want ErrTokenNoUser", err)
	}
}

func TestRefresh_NumbersKeepTheirDigits(t *testing.T) {
	t.Parallel()
	auth := newAuth(t)
	raw := signPayload(makePayload(`token_type="refresh"`, `user_id=`, `big=9007199254740993`, `cents=1.10`, `exponent=1E+2`,
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
	access := decodePart(t, pair.Access, 1)
	for _, want := range []string{`"big":9007199254740993,`, `"cents":1.10,`, `"exponent":1E+2,`, `"zero":-0}`, `"deep":[{"n":12345678901234567890.10}]`} {
		if !strings.Contains(access, want) {
			t.Errorf("the access token does not contain %s: %s", want, access)
		}
	}
}
