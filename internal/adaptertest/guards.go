package adaptertest

import (
	"context"
	"net/http"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/views"
)

func guardCases[H, M any]() []testCase[H, M] {
	return []testCase[H, M]{{
		name: "Required rejects a request without a valid token",
		rule: "the handler must not run, and the client must get DRF's body and WWW-Authenticate",
		run:  (*env[H, M]).checkRequiredRejects,
	}, {
		name: "Required passes user and token to the handler",
		rule: "User answers the application's own type and false for any other; views and core see the same user",
		run:  (*env[H, M]).checkRequiredPasses,
	}, {
		name: "Required with Stateless takes the user from the token",
		rule: "a service without the user table must be able to check tokens: nothing may ask for a user",
		run:  (*env[H, M]).checkStatelessPasses,
	}, {
		name: "Optional lets requests without credentials pass as anonymous",
		rule: "no credentials for us means anonymous; bad ones are rejected, or an expired token would pass for a visitor",
		run:  (*env[H, M]).checkOptional,
	}, {
		name: "Require asks the permission",
		rule: "the permission gets user and token; a user without it gets 403, an anonymous request 401",
		run:  (*env[H, M]).checkPermission,
	}}
}

func (e *env[H, M]) checkRequiredRejects() {
	good := "Bearer " + e.loginPair(e.alice).Access
	bobs := "Bearer " + e.loginPair(e.bob).Access
	e.users.Delete(e.bob.ID)
	app := e.Serve(e.newUnreachableHandler(), e.Required(e.auth))
	e.wantDenial(e.sendGet(app), http.StatusUnauthorized, NotProvided)
	e.wantDenial(e.sendGet(app, "Basic YWxpY2U6eA=="), http.StatusUnauthorized, NotProvided)
	e.wantDenial(e.sendGet(app, "Bearer x"), http.StatusUnauthorized, badToken)
	e.wantDenial(e.sendGet(app, good+"x"), http.StatusUnauthorized, badToken)
	e.wantDenial(e.sendGet(app, good, good), http.StatusUnauthorized, BadHeader)
	e.wantDenial(e.sendGet(app, bobs), http.StatusUnauthorized, notFound)

	stateless := e.Serve(e.newUnreachableHandler(), e.Required(e.auth.Stateless()))
	e.wantDenial(e.sendGet(stateless), http.StatusUnauthorized, NotProvided)
	e.wantDenial(e.sendGet(stateless, "Bearer x"), http.StatusUnauthorized, badToken)
}

func (e *env[H, M]) checkRequiredPasses() {
	h, seen := e.newRecordingHandler()
	e.wantOK(e.sendGet(e.Serve(h, e.Required(e.auth)), "Bearer "+e.loginPair(e.alice).Access))
	e.wantAlice(seen)
	if seen.IsTokenUser || seen.TokenUser != nil {
		e.Errorf("User of another type is %v, %v; want none", seen.TokenUser, seen.IsTokenUser)
	}
}

// wantAlice checks that the handler saw alice, by each function that returns the user.
func (e *env[H, M]) wantAlice(seen *Seen) {
	e.Helper()
	if seen.Request == nil || !seen.IsAccount || !seen.HasToken {
		e.Fatalf("saw %+v, want alice and her token", seen)
	}
	if seen.Account.Username != "alice" || seen.Token.UserID() != "1" || seen.Token.Class().Name != core.AccessToken {
		e.Errorf("saw the user %+v and a token of %q, want alice", seen.Account, seen.Token.UserID())
	}
	ctx := seen.Request.Context()
	if user, ok := views.User[*memstore.Account](ctx); !ok || user != seen.Account {
		e.Errorf("views.User is %v, %v; want the same user", user, ok)
	}
	if user, token, ok := core.FromContext(ctx); !ok || user != simplejwt.User(seen.Account) || token != seen.Token {
		e.Errorf("core.FromContext is %v, %v, %v; want the same user and token", user, token, ok)
	}
}

// unaskedUsers are Users that fail the case when they are asked.
type unaskedUsers struct{ fail func(...any) }

func (unaskedUsers) UsernameField() string { return "username" }

func (u unaskedUsers) ByUsername(context.Context, string) (simplejwt.User, error) {
	u.fail("the user was looked up by name")
	return nil, core.ErrUserNotFound
}

func (u unaskedUsers) ByField(context.Context, string, string) (simplejwt.User, error) {
	u.fail("the user was looked up")
	return nil, core.ErrUserNotFound
}

func (u unaskedUsers) FieldValue(simplejwt.User, string) (string, error) {
	u.fail("a field of the user was asked for")
	return "", core.ErrUserNotFound
}

func (e *env[H, M]) checkStatelessPasses() {
	elsewhere := e.newAuth(func(_ *simplejwt.Settings, d *core.Deps) { d.Users = unaskedUsers{e.Error} })
	h, seen := e.newRecordingHandler()
	e.wantOK(e.sendGet(e.Serve(h, e.Required(elsewhere.Stateless())), "Bearer "+e.loginPair(e.alice).Access))
	if !seen.IsTokenUser || seen.TokenUser.AuthID() != "1" || !seen.HasToken || seen.Token.UserID() != "1" {
		e.Errorf("saw %+v, want a TokenUser with the id 1", seen)
	}
	if seen.IsAccount || seen.Account != nil {
		e.Errorf("User of another type is %v, %v; want none", seen.Account, seen.IsAccount)
	}
}

func (e *env[H, M]) checkOptional() {
	good := "Bearer " + e.loginPair(e.alice).Access
	for name, header := range map[string][]string{"no header": nil, "another scheme": {"Basic YWxpY2U6eA=="}} {
		h, seen := e.newRecordingHandler()
		e.wantOK(e.sendGet(e.Serve(h, e.Optional(e.auth)), header...))
		if seen.Request == nil || seen.IsAccount || seen.IsTokenUser || seen.HasToken || seen.Account != nil || seen.Token != nil {
			e.Errorf("%s: saw %+v, want nobody", name, seen)
		}
	}
	never := e.Serve(e.newUnreachableHandler(), e.Optional(e.auth))
	e.wantDenial(e.sendGet(never, "Bearer x"), http.StatusUnauthorized, badToken)
	e.wantDenial(e.sendGet(never, good, good), http.StatusUnauthorized, BadHeader)

	h, seen := e.newRecordingHandler()
	e.wantOK(e.sendGet(e.Serve(h, e.Optional(e.auth)), good))
	e.wantAlice(seen)
}

// checkPermission counts the calls of the permission, which must not be asked about an anonymous request.
func (e *env[H, M]) checkPermission() {
	alice, bob := "Bearer "+e.loginPair(e.alice).Access, "Bearer "+e.loginPair(e.bob).Access
	asked := 0
	isAlice := e.Require(e.auth, func(_ context.Context, user simplejwt.User, token *core.Token) bool {
		asked++
		account, ok := user.(*memstore.Account)
		if !ok || token.UserID() != account.ID {
			e.Errorf("the permission got the user %v and the token of %q", user, token.UserID())
		}
		return ok && account.Username == "alice"
	})
	h, seen := e.newRecordingHandler()
	e.wantOK(e.sendGet(e.Serve(h, e.Required(e.auth), isAlice), alice))
	e.wantAlice(seen)
	e.wantDenial(e.sendGet(e.Serve(e.newUnreachableHandler(), e.Required(e.auth), isAlice), bob), http.StatusForbidden, Denied)
	if asked != 2 {
		e.Errorf("the permission was asked %d times, want 2", asked)
	}

	e.wantDenial(e.sendGet(e.Serve(e.newUnreachableHandler(), e.Optional(e.auth), isAlice)), http.StatusUnauthorized, NotProvided)
	e.wantDenial(e.sendGet(e.Serve(e.newUnreachableHandler(), isAlice), alice), http.StatusUnauthorized, NotProvided) // nothing authenticates
	if asked != 2 {
		e.Error("the permission was asked about nobody")
	}
}
