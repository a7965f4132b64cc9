package main

import (
	"context"
	"log/slog"

	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/hashers"
	"github.com/go-simplejwt/simplejwt/core/jwks"
	"github.com/go-simplejwt/simplejwt/models"
)

// app is what the routes work with. It is safe for concurrent use.
type app struct {
	auth      *core.Auth
	users     *models.Users[Account, *Account]
	passwords *hashers.Hashers
	log       *slog.Logger
}

// newApp wires the library: users and records in the database, password hashes, and the keys of JWK_URL, which are fetched until
// ctx ends. Without blacklist no token is recorded, as without SimpleJWT's blacklist app. Unless the settings have AUTH_COOKIE,
// it is set, for the page; the routes for other clients use auth.WithoutCookies. The error names all invalid settings.
func newApp(ctx context.Context, settings simplejwt.Settings, db *gorm.DB, blacklist bool, log *slog.Logger) (*app, error) {
	passwords, err := hashers.New(hashers.Options{})
	if err != nil {
		return nil, err
	}
	a := &app{users: models.NewUsers[Account](db), passwords: passwords, log: log}
	deps := core.Deps{Users: a.users, PasswordHashers: passwords, Logger: log}
	if blacklist {
		deps.Store = models.NewStore(db)
	}
	// jwks.New fetches the keys once before it returns, so that a wrong URL is an error now and not at the first request.
	if settings.JWKURL != "" {
		if deps.Keys, err = jwks.New(ctx, settings); err != nil {
			return nil, err
		}
	}
	// A file or the environment may say false, which the zero value alone would not show.
	if !settings.IsSet("AUTH_COOKIE") {
		settings.AuthCookie = true
	}
	a.auth, err = core.New(settings, deps)
	return a, err
}
