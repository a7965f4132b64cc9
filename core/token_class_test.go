package core_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

// withInviteToken adds a custom token class, which opens protected routes beside access tokens.
func withInviteToken(blacklistable bool) authOption {
	return func(s *simplejwt.Settings, d *core.Deps) {
		d.TokenClasses = []core.TokenClass{{Name: "InviteToken", Type: "invite", Lifetime: time.Hour, Blacklistable: blacklistable}}
		s.AuthTokenClasses = []core.ClassName{core.AccessToken, "InviteToken"}
	}
}

func TestTokenClass(t *testing.T) {
	t.Parallel()
	for _, listed := range []bool{false, true} {
		auth := newAuth(t, withInviteToken(listed))
		token, err := auth.ForUser(t.Context(), "InviteToken", newAlice())
		if err != nil {
			t.Fatal(err)
		}
		if token.Get("token_type") != "invite" || token.Get("exp") != startTime().Unix()+3600 || token.Has("refresh_exp") || token.Has("sid") != listed {
			t.Errorf("claims %v", token.Claims())
		}
		raw := signToken(t, token)
		user, parsed, err := auth.AuthenticateToken(t.Context(), raw)
		if err != nil || user.AuthID() != "1" || parsed.Class().Name != "InviteToken" {
			t.Errorf("authenticate: user %v, token %v, error %v", user, parsed, err)
		}
		if _, err := auth.ParseToken(t.Context(), "InviteToken", signPayload(makePayload())); !errors.Is(err, core.ErrTokenWrongType) {
			t.Errorf("an access token as InviteToken: %v", err)
		}
		if err := token.Blacklist(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, _, err = auth.AuthenticateToken(t.Context(), raw)
		if listed != errors.Is(err, core.ErrTokenNotAllowed) || !listed && err != nil {
			t.Errorf("on the blacklist, looked up: %t, error %v", listed, err)
		}
		var denial *core.Error
		_, _, err = auth.Stateless().AuthenticateToken(t.Context(), signPayload(makePayload(`token_type="refresh"`)))
		if !errors.As(err, &denial) {
			t.Fatalf("a refresh token: %v", err)
		}
		want := []core.Message{
			{TokenClass: "AccessToken", TokenType: "access", Message: detailWrongType},
			{TokenClass: "InviteToken", TokenType: "invite", Message: detailWrongType},
		}
		if diff := cmp.Diff(want, denial.Messages); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
	}
}

func TestTokenClass_Unknown(t *testing.T) {
	t.Parallel()
	auth := newAuth(t)
	for _, class := range []core.ClassName{"", "accesstoken", "rest_framework_simplejwt.tokens.AccessToken", core.UntypedToken} {
		made, err := auth.NewToken(class)
		wantNoDenial(t, "NewToken of "+string(class), made, err)
		made, err = auth.ForUser(t.Context(), class, newAlice())
		wantNoDenial(t, "ForUser of "+string(class), made, err)
		if class != core.UntypedToken {
			parsed, err := auth.ParseToken(t.Context(), class, signPayload(makePayload()))
			wantNoDenial(t, "ParseToken of "+string(class), parsed, err)
		}
	}
}
