package core_test

import (
	"testing"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// newBenchAuth returns an Auth on memstore, and the tokens of its one user.
func newBenchAuth(b *testing.B) (*core.Auth, core.Pair) {
	b.Helper()
	users := memstore.NewUsers()
	if err := users.Add(memstore.Account{ID: "1", Username: "alice"}); err != nil {
		b.Fatal(err)
	}
	settings := simplejwt.Recommended()
	settings.SigningKey = "a signing key of these benchmarks, 32 bytes and more"
	auth, err := core.New(settings, core.Deps{Users: users, Store: memstore.New()})
	if err != nil {
		b.Fatal(err)
	}
	user, err := users.ByUsername(b.Context(), "alice")
	if err != nil {
		b.Fatal(err)
	}
	pair, err := auth.Login(b.Context(), user)
	if err != nil {
		b.Fatal(err)
	}
	return auth, pair
}

// BenchmarkAuthenticateToken measures a request to a protected route without a database.
func BenchmarkAuthenticateToken(b *testing.B) {
	auth, pair := newBenchAuth(b)
	for name, a := range map[string]core.Authenticator{"user": auth, "stateless": auth.Stateless()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := a.AuthenticateToken(b.Context(), pair.Access); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRefresh measures a rotation without a database.
func BenchmarkRefresh(b *testing.B) {
	auth, pair := newBenchAuth(b)
	b.ReportAllocs()
	for b.Loop() {
		next, _, err := auth.Refresh(b.Context(), pair.Refresh)
		if err != nil {
			b.Fatal(err)
		}
		pair = next
	}
}

// BenchmarkParseToken_Cached measures all checks of a token whose signature is in the cache of verified tokens.
func BenchmarkParseToken_Cached(b *testing.B) {
	auth, signed := newES256Auth(b, 10, nil)
	raw := signed("a")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := auth.ParseToken(b.Context(), core.AccessToken, raw); err != nil {
			b.Fatal(err)
		}
	}
}
