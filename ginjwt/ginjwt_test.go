package ginjwt_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/ginjwt"
	"github.com/go-simplejwt/simplejwt/internal/adaptertest"
)

// seen is what an outer middleware sees after the request.
type seen struct {
	Aborted      bool
	Errors       int
	Status, Size int
}

func TestRequired_OuterMiddleware(t *testing.T) {
	t.Parallel()
	auth, alice := adaptertest.NewAuth(t)
	required, optional, require := ginjwt.Required(auth), ginjwt.Optional(auth), ginjwt.Require(auth, adaptertest.Nobody)
	for _, c := range []struct {
		name          string
		guards        []gin.HandlerFunc
		authorization string
		want          seen
		cause         error
	}{
		{"a valid token passes", []gin.HandlerFunc{required}, alice, seen{false, 0, 200, len("ok")}, nil},
		{"an anonymous request passes", []gin.HandlerFunc{optional}, "", seen{false, 0, 200, len("ok")}, nil},
		{"a request without credentials is aborted", []gin.HandlerFunc{required}, "", seen{true, 1, 401, len(adaptertest.NotProvided)}, core.ErrNotAuthenticated},
		{"a user without permission is aborted", []gin.HandlerFunc{required, require}, alice, seen{true, 1, 403, len(adaptertest.Denied)}, core.ErrPermissionDenied},
		{"an anonymous request is aborted by Require", []gin.HandlerFunc{optional, require}, "", seen{true, 1, 401, len(adaptertest.NotProvided)}, core.ErrNotAuthenticated},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got seen
			var cause error
			r := gin.New()
			r.Use(func(c *gin.Context) {
				c.Next()
				got = seen{c.IsAborted(), len(c.Errors), c.Writer.Status(), c.Writer.Size()}
				if last := c.Errors.Last(); last != nil {
					cause = last
				}
			})
			r.Use(c.guards...)
			r.GET("/", func(c *gin.Context) { c.String(http.StatusOK, "ok") })
			adaptertest.Request(t, r, http.MethodGet, "/", c.authorization)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
			if !errors.Is(cause, c.cause) {
				t.Errorf("the error of the context is %v, want %v", cause, c.cause)
			}
		})
	}
}

func TestMount_OuterMiddleware(t *testing.T) {
	t.Parallel()
	auth, _ := adaptertest.NewAuth(t)
	var status, size int
	r := gin.New()
	ginjwt.Mount(r.Group("/api/token", func(c *gin.Context) {
		c.Next()
		status, size = c.Writer.Status(), c.Writer.Size()
	}), auth)
	w := adaptertest.Request(t, r, http.MethodPost, "/api/token/verify/", "")
	if status != http.StatusBadRequest || w.Code != status || size == 0 || size != w.Body.Len() {
		t.Errorf("saw %d and %d bytes of %d %s", status, size, w.Code, w.Body)
	}
}

func TestMount_AnyRoutes(t *testing.T) {
	t.Parallel()
	auth, _ := adaptertest.NewAuth(t)
	for _, c := range []struct {
		name   string
		routes func(*gin.Engine) gin.IRoutes
		want   int // six views with and without the slash, which are one path at the root
	}{
		{"the engine takes routes", func(r *gin.Engine) gin.IRoutes { return r }, 11},
		{"a group at the root takes routes", func(r *gin.Engine) gin.IRoutes { return r.Group("/") }, 11},
		{"what Use returns takes routes", func(r *gin.Engine) gin.IRoutes { return r.Group("/api/token").Use(gin.Recovery()) }, 12},
		{"routes without a base path are taken", func(r *gin.Engine) gin.IRoutes { return struct{ gin.IRoutes }{r.Group("/api/token")} }, 12},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := gin.New()
			ginjwt.Mount(c.routes(r), auth)
			ginjwt.MountSliding(c.routes(r), auth)
			found := 0
			for _, route := range r.Routes() {
				if route.Method != http.MethodPost {
					continue
				}
				found++
				if w := adaptertest.Request(t, r, http.MethodPost, route.Path, ""); w.Code != http.StatusBadRequest {
					t.Errorf("%s: %d %s, want the view's 400", route.Path, w.Code, w.Body)
				}
			}
			if found != c.want {
				t.Errorf("%d routes for POST, want %d", found, c.want)
			}
		})
	}
}

func TestWrap_NoMethod(t *testing.T) {
	t.Parallel()
	r := newEngine()
	r.GET("/me", func(*gin.Context) { t.Error("the handler ran") })
	w := adaptertest.Request(t, r, http.MethodDelete, "/me", "")
	if w.Code != http.StatusMethodNotAllowed || w.Body.String() != `{"detail":"Method \"DELETE\" not allowed."}` {
		t.Errorf("DELETE: %d %s", w.Code, w.Body)
	}
	if allow := w.Header().Get("Allow"); allow != http.MethodGet {
		t.Errorf("DELETE: Allow is %q, want what Gin found", allow)
	}
	if w := adaptertest.Request(t, r, http.MethodOptions, "/me", ""); w.Code != http.StatusNoContent || w.Body.Len() != 0 {
		t.Errorf("OPTIONS: %d %s", w.Code, w.Body)
	}
	if w := adaptertest.Request(t, r, http.MethodGet, "/nobody", ""); w.Code != http.StatusNotFound {
		t.Errorf("an unknown path: %d %s", w.Code, w.Body)
	}
}

// TestRequired_ContextWithFallback is about handing the *gin.Context itself to code that takes a context.
func TestRequired_ContextWithFallback(t *testing.T) {
	t.Parallel()
	auth, alice := adaptertest.NewAuth(t)
	r := gin.New()
	r.ContextWithFallback = true
	r.GET("/", ginjwt.Required(auth), func(c *gin.Context) {
		if user, _, ok := core.FromContext(c); !ok || user.AuthID() != "1" {
			t.Errorf("core.FromContext is %v, %v", user, ok)
		}
	})
	if w := adaptertest.Request(t, r, http.MethodGet, "/", alice); w.Code != http.StatusOK {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
}
