// Package views holds SimpleJWT's endpoints as http.Handlers, and the one decision about a request that the middleware of
// every framework asks for. Start with [ObtainPair] and [Authenticate]; the adapters ginjwt, echojwt and stdjwt mount
// both.
package views

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/internal/detached"
)

// Route is a view and the path below the mount point where Django projects put it.
type Route struct {
	// Path may have the parameter {id}, which the view reads by http.Request.PathValue.
	Path string
	View http.Handler
}

// Routes are the views that Mount mounts: obtain pair, refresh, verify, blacklist.
func Routes(a *core.Auth) []Route {
	return []Route{{"", ObtainPair(a)}, {"refresh/", Refresh(a)}, {"verify/", Verify(a)}, {"blacklist/", Blacklist(a)}}
}

// SessionRoutes are the views that MountSessions mounts: the sessions of the user who asks, all but this one, one of them.
func SessionRoutes(a *core.Auth) []Route {
	return []Route{{"sessions/", Sessions(a)}, {"sessions/others/", OtherSessions(a)}, {"sessions/{id}/", Session(a)}}
}

// SlidingRoutes are the views that MountSliding mounts: obtain and refresh of sliding tokens.
func SlidingRoutes(a *core.Auth) []Route {
	return []Route{{"sliding/", ObtainSliding(a)}, {"sliding/refresh/", RefreshSliding(a)}}
}

// ObtainPair is SimpleJWT's TokenObtainPairView: user name and password for an access and a refresh token.
func ObtainPair(a *core.Auth) http.Handler {
	return loginView(a, a.Settings().TokenObtainSerializer, func(ctx context.Context, in *simplejwt.SerializerInput, username, password string) (simplejwt.Attrs, error) {
		pair, user, err := a.ObtainPair(ctx, username, password)
		in.User = user
		return pairAttrs(pair), err
	})
}

// ObtainSliding is SimpleJWT's TokenObtainSlidingView: user name and password for a sliding token.
func ObtainSliding(a *core.Auth) http.Handler {
	return loginView(a, a.Settings().SlidingTokenObtainSerializer, func(ctx context.Context, in *simplejwt.SerializerInput, username, password string) (simplejwt.Attrs, error) {
		token, user, err := a.ObtainSliding(ctx, username, password)
		in.User = user
		return simplejwt.Attrs{"token": token}, err
	})
}

// Refresh is SimpleJWT's TokenRefreshView: a refresh token for an access token and, with rotation, a new refresh token.
func Refresh(a *core.Auth) http.Handler {
	return tokenView(a, "refresh", a.Settings().TokenRefreshSerializer, func(ctx context.Context, in *simplejwt.SerializerInput, raw string) (simplejwt.Attrs, error) {
		pair, user, err := a.Refresh(ctx, raw)
		in.User = user
		return pairAttrs(pair), err
	})
}

// RefreshSliding is SimpleJWT's TokenRefreshSlidingView: a sliding token for the same one with a later exp.
func RefreshSliding(a *core.Auth) http.Handler {
	return tokenView(a, "token", a.Settings().SlidingTokenRefreshSerializer, func(ctx context.Context, in *simplejwt.SerializerInput, raw string) (simplejwt.Attrs, error) {
		token, user, err := a.RefreshSliding(ctx, raw)
		in.User = user
		return simplejwt.Attrs{"token": token}, err
	})
}

// Verify is SimpleJWT's TokenVerifyView: an empty object for a good token of any type.
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

// Blacklist is SimpleJWT's TokenBlacklistView: it puts a refresh token on the blacklist and ends its session.
func Blacklist(a *core.Auth) http.Handler {
	v := tokenView(a, "refresh", a.Settings().TokenBlacklistSerializer, func(ctx context.Context, _ *simplejwt.SerializerInput, raw string) (simplejwt.Attrs, error) {
		return simplejwt.Attrs{}, blacklistToken(ctx, a, raw)
	})
	v.cookies.issues, v.cookies.ends = false, true
	return v
}

func pairAttrs(p core.Pair) simplejwt.Attrs {
	out := simplejwt.Attrs{"access": p.Access}
	if p.Refresh != "" {
		out["refresh"] = p.Refresh
	}
	return out
}

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

func tokenView(a *core.Auth, name string, hook simplejwt.Serializer, use func(ctx context.Context, in *simplejwt.SerializerInput, raw string) (simplejwt.Attrs, error)) *view {
	return &view{auth: a, hook: hook, fields: []field{{name: name, trim: true}}, unauthorized: invalidGrant, cookies: viewCookies{auth: a, policy: a.Transport().Cookies, field: name, issues: true},
		work: func(ctx context.Context, in *simplejwt.SerializerInput) (simplejwt.Attrs, error) {
			return use(ctx, in, attrText(in, name))
		}}
}

// attrText is a field that has been checked, or that a hook has put there.
func attrText(in *simplejwt.SerializerInput, name string) string {
	s, _ := in.Attrs[name].(string)
	return s
}

// view is an endpoint: it reads the fields, lets the hook or the work answer, and writes what comes of it.
type view struct {
	auth   *core.Auth
	fields []field
	hook   simplejwt.Serializer
	work   func(context.Context, *simplejwt.SerializerInput) (simplejwt.Attrs, error)
	// unauthorized is OAuth's word for its 401.
	unauthorized string
	// cookies is how tokens travel with AUTH_COOKIE.
	cookies viewCookies
}

// ServeHTTP answers POST; anything else is 405, OPTIONS 204.
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

// withoutCode takes the code off an error whose body has none in SimpleJWT's views, as they raise an exception of DRF's. Guarded routes
// answer the same errors with their code.
func withoutCode(err error) error {
	var denied *core.Error
	if !errors.As(err, &denied) || !errors.Is(denied, core.ErrNoActiveAccount) && !errors.Is(denied, core.ErrPasswordChanged) {
		return err
	}
	out := *denied
	out.Code = ""
	return &out
}

// readFields reads the fields, with the token of the cookie.
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
	if token != "" { // the one in the body does not count
		in[v.cookies.field] = token
	}
	input.Attrs, err = in.validateFields(v.fields)
	return err
}

// workContext returns the workContext for what follows once the request was read. That of a logout does not end when the client hangs up,
// but after 10 seconds.
func (v *view) workContext(r *http.Request) (context.Context, context.CancelFunc) {
	ctx, cancel := r.Context(), context.CancelFunc(func() {})
	if v.cookies.ends {
		ctx, cancel = detached.Context(ctx)
	}
	return core.WithDevice(context.WithValue(ctx, requestKey{}, r), readDevice(r, v.auth.Settings().NumProxies)), cancel
}

// callHook has the hook callHook, if there is one, else the work.
func (v *view) callHook(ctx context.Context, input *simplejwt.SerializerInput) (simplejwt.Attrs, error) {
	if v.hook == nil {
		return v.work(ctx, input)
	}
	return v.hook(ctx, input, func(ctx context.Context) (simplejwt.Attrs, error) { return v.work(ctx, input) })
}

type requestKey struct{}

// Request is the HTTP request behind a context that a view hands to hooks; nil outside a view.
func Request(ctx context.Context) *http.Request {
	r, _ := ctx.Value(requestKey{}).(*http.Request)
	return r
}

// MethodNotAllowed answers 405 with DRF's sentence and the given methods in Allow; OPTIONS it answers with 204. Without
// methods it leaves an Allow header that is set already.
func MethodNotAllowed(methods ...string) http.Handler {
	allow := strings.Join(append(slices.Clone(methods), http.MethodOptions), ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(methods) > 0 || w.Header().Get("Allow") == "" {
			w.Header().Set("Allow", allow)
		}
		if r.Method == http.MethodOptions {
			setSecurityHeaders(w.Header())
			w.WriteHeader(http.StatusNoContent)
			return
		}
		_ = writeJSON(w, http.StatusMethodNotAllowed, detail{Detail: `Method "` + r.Method + `" not allowed.`})
	})
}
