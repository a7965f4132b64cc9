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

// app is what the routes work with.
type app struct {
	auth      *core.Auth
	users     *models.Users[Account, *Account]
	passwords *hashers.Hashers
	log       *slog.Logger
}

// newApp is the wiring of the library. Tokens travel in cookies, for the page, unless the settings say AUTH_COOKIE: the views
// for other clients are mounted with auth.WithoutCookies.
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
	if settings.JWKURL != "" {
		if deps.Keys, err = jwks.New(ctx, settings); err != nil {
			return nil, err
		}
	}
	if !settings.IsSet("AUTH_COOKIE") {
		settings.AuthCookie = true
	}
	a.auth, err = core.New(settings, deps)
	return a, err
}
