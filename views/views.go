package views

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/internal/detached"
)

// Route is a view and its path below the mount point, as Django projects write it.
type Route struct {
	// Path ends in a slash unless it is empty. It may have the parameter {id}, which the view reads by http.Request.PathValue.
	Path string
	// View handles every method; those it does not serve get a 405.
	View http.Handler
}

// Routes returns the views of token pairs, which the adapters' Mount mounts: obtain pair, refresh, verify and blacklist.
func Routes(a *core.Auth) []Route {
	return []Route{{"", ObtainPair(a)}, {"refresh/", Refresh(a)}, {"verify/", Verify(a)}, {"blacklist/", Blacklist(a)}}
}

// SessionRoutes returns the views of a user's own sessions, which the adapters' MountSessions mounts: all sessions, all but the
// one that sends the request, and one by its id.
func SessionRoutes(a *core.Auth) []Route {
	return []Route{{"sessions/", Sessions(a)}, {"sessions/others/", OtherSessions(a)}, {"sessions/{id}/", Session(a)}}
}

// SlidingRoutes returns the views of sliding tokens, which the adapters' MountSliding mounts: obtain and refresh.
func SlidingRoutes(a *core.Auth) []Route {
	return []Route{{"sliding/", ObtainSliding(a)}, {"sliding/refresh/", RefreshSliding(a)}}
}

// ObtainPair returns SimpleJWT's TokenObtainPairView: it returns an access and a refresh token for a user name and a password. The
// name of the first field is that of Users.UsernameField. The optional field device_name, of 150 characters at most, names the
// device in the list of sessions. Credentials that are wrong, and users who may not log in, get the same 401.
func ObtainPair(a *core.Auth) http.Handler {
	return loginView(a, a.Settings().TokenObtainSerializer, func(ctx context.Context, in *simplejwt.SerializerInput, username, password string) (simplejwt.Attrs, error) {
		pair, user, err := a.ObtainPair(ctx, username, password)
		in.User = user
		return pairAttrs(pair), err
	})
}

// ObtainSliding returns SimpleJWT's TokenObtainSlidingView: it returns a sliding token for the fields of [ObtainPair].
func ObtainSliding(a *core.Auth) http.Handler {
	return loginView(a, a.Settings().SlidingTokenObtainSerializer, func(ctx context.Context, in *simplejwt.SerializerInput, username, password string) (simplejwt.Attrs, error) {
		token, user, err := a.ObtainSliding(ctx, username, password)
		in.User = user
		return simplejwt.Attrs{"token": token}, err
	})
}

// Refresh returns SimpleJWT's TokenRefreshView: it returns an access token for a refresh token and, with ROTATE_REFRESH_TOKENS, a new
// refresh token.
func Refresh(a *core.Auth) http.Handler {
	return tokenView(a, "refresh", a.Settings().TokenRefreshSerializer, func(ctx context.Context, in *simplejwt.SerializerInput, raw string) (simplejwt.Attrs, error) {
		pair, user, err := a.Refresh(ctx, raw)
		in.User = user
		return pairAttrs(pair), err
	})
}

// RefreshSliding returns SimpleJWT's TokenRefreshSlidingView: it returns the same sliding token with a later expiry.
func RefreshSliding(a *core.Auth) http.Handler {
	return tokenView(a, "token", a.Settings().SlidingTokenRefreshSerializer, func(ctx context.Context, in *simplejwt.SerializerInput, raw string) (simplejwt.Attrs, error) {
		token, user, err := a.RefreshSliding(ctx, raw)
		in.User = user
		return simplejwt.Attrs{"token": token}, err
	})
}

// Verify returns SimpleJWT's TokenVerifyView: it returns an empty object for a valid token of any type. A blacklisted token is a 400,
// as in SimpleJWT, where the serializer raises it; every other denial is a 401.
func Verify(a *core.Auth) http.Handler {
	v := tokenView(a, "token", a.Settings().TokenVerifySerializer, func(ctx context.Context, _ *simplejwt.SerializerInput, raw string) (simplejwt.Attrs, error) {
		_, err := a.Verify(ctx, raw)
		if isBlacklisted(err) {
			err = fmt.Errorf("%w: %w", core.ValidationError{"non_field_errors": {core.ErrTokenBlacklisted.Detail}}, err)
		}
		return simplejwt.Attrs{}, err
	})
	v.unauthorized = invalidToken
	v.cookies.issues = false
	return v
}

// Blacklist returns SimpleJWT's TokenBlacklistView: it puts a refresh token on the blacklist and ends its session. The work does not
// stop when the client hangs up; it may take 10 seconds.
func Blacklist(a *core.Auth) http.Handler {
	v := tokenView(a, "refresh", a.Settings().TokenBlacklistSerializer, func(ctx context.Context, _ *simplejwt.SerializerInput, raw string) (simplejwt.Attrs, error) {
		return simplejwt.Attrs{}, blacklistToken(ctx, a, raw)
	})
	v.cookies.issues, v.cookies.ends = false, true
	return v
}

// pairAttrs returns the members of a response with a pair. Without rotation a refresh issues no refresh token, and the member is left out.
func pairAttrs(p core.Pair) simplejwt.Attrs {
	out := simplejwt.Attrs{"access": p.Access}
	if p.Refresh != "" {
		out["refresh"] = p.Refresh
	}
	return out
}

// loginView returns a view that checks credentials. The password is not trimmed: SimpleJWT's PasswordField keeps its blanks. The work
// reads the fields from in.Attrs, as a hook may have changed them.
func loginView(a *core.Auth, hook simplejwt.Serializer, login func(ctx context.Context, in *simplejwt.SerializerInput, username, password string) (simplejwt.Attrs, error)) http.Handler {
	name := a.UsernameField()
	return &view{auth: a, hook: hook, unauthorized: invalidGrant, cookies: viewCookies{auth: a, policy: a.Transport().Cookies, issues: true},
		fields: []field{{name: name, trim: true}, {name: "password"}, {name: deviceName, trim: true, optional: true, max: maxDeviceName}},
		work: func(ctx context.Context, in *simplejwt.SerializerInput) (simplejwt.Attrs, error) {
			device := core.DeviceFrom(ctx)
			device.Name = attrText(in, deviceName)
			return login(core.WithDevice(ctx, device), in, attrText(in, name), attrText(in, "password"))
		}}
}

// tokenView returns a view that takes one token, in the field name, and hands it to use.
func tokenView(a *core.Auth, name string, hook simplejwt.Serializer, use func(ctx context.Context, in *simplejwt.SerializerInput, raw string) (simplejwt.Attrs, error)) *view {
	return &view{auth: a, hook: hook, fields: []field{{name: name, trim: true}}, unauthorized: invalidGrant, cookies: viewCookies{auth: a, policy: a.Transport().Cookies, field: name, issues: true},
		work: func(ctx context.Context, in *simplejwt.SerializerInput) (simplejwt.Attrs, error) {
			return use(ctx, in, attrText(in, name))
		}}
}

// attrText returns a field that was checked or that a hook has set. It is "" for one that a hook removed or made something else, so
// that the work rejects it as it rejects any bad token.
func attrText(in *simplejwt.SerializerInput, name string) string {
	s, _ := in.Attrs[name].(string)
	return s
}

// view is an endpoint of tokens. It reads the fields, calls the hook or the work, and writes what it returns. It does not
// change after it was made, so one view serves all requests.
type view struct {
	auth   *core.Auth
	fields []field
	hook   simplejwt.Serializer // nil for none
	// work is what SimpleJWT's serializer does: the super of the hook.
	work func(context.Context, *simplejwt.SerializerInput) (simplejwt.Attrs, error)
	// unauthorized is the OAuth error code of a 401: invalid_grant, or invalid_token for Verify.
	unauthorized string
	// cookies moves tokens between cookies and fields, with AUTH_COOKIE.
	cookies viewCookies
}

// ServeHTTP serves POST; OPTIONS gets a 204 and any other method a 405. Cookies are set before the body is written, and tokens leave the
// response before it is encoded, even if a hook has changed it.
func (v *view) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		MethodNotAllowed(http.MethodPost).ServeHTTP(w, r)
		return
	}
	input := &simplejwt.SerializerInput{}
	err := v.readFields(w, r, input)
	ctx, cancel := v.workContext(r)
	defer cancel()
	r = r.WithContext(ctx)
	var out simplejwt.Attrs
	if err == nil {
		out, err = v.callHook(ctx, input)
	}
	if v.cookies.policy != nil {
		err = v.cookies.moveTokens(w, r, input.User, out, err)
	}
	if err == nil {
		err = writeJSON(w, http.StatusOK, out)
	}
	if err != nil {
		writeError(w, r, v.auth, withoutCode(err), v.unauthorized)
	}
}

// withoutCode removes the code of an error whose body has none in SimpleJWT's views, as their serializers raise DRF's
// AuthenticationFailed. Guarded routes return the same errors with their code.
func withoutCode(err error) error {
	var denied *core.Error
	if !errors.As(err, &denied) || !errors.Is(denied, core.ErrNoActiveAccount) && !errors.Is(denied, core.ErrPasswordChanged) {
		return err
	}
	out := *denied
	out.Code = ""
	return &out
}

// readFields reads the fields of the view into input.Attrs. With AUTH_COOKIE the token comes from its cookie, and what the body has
// in its place does not count: a page could get around the check of origins by it. Without a hook no other field is decoded.
func (v *view) readFields(w http.ResponseWriter, r *http.Request, input *simplejwt.SerializerInput) error {
	var token string
	if v.cookies.policy != nil {
		var err error
		if token, err = v.cookies.takeToken(r); err != nil {
			return err
		}
	}
	wanted := v.fields
	if v.hook != nil {
		wanted = nil
	}
	in, err := readBody(w, r, v.auth.Settings().DataUploadMaxMemorySize, wanted)
	if err != nil {
		return err
	}
	if token != "" {
		in[v.cookies.field] = token
	}
	input.Attrs, err = in.validateFields(v.fields)
	return err
}

// workContext returns the context of the work and the hook, with the client's device and the request. That of a logout does not end
// when the client hangs up, but after 10 seconds: a thief could otherwise keep a session by closing the connection.
func (v *view) workContext(r *http.Request) (context.Context, context.CancelFunc) {
	ctx, cancel := r.Context(), context.CancelFunc(func() {})
	if v.cookies.ends {
		ctx, cancel = detached.Context(ctx)
	}
	return core.WithDevice(context.WithValue(ctx, requestKey{}, r), readDevice(r, v.auth.Settings().NumProxies)), cancel
}
