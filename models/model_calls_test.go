package models_test

import (
	"context"
	"errors"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

// The four ways to end sessions, named as the schedules name them.

func revokeSession(auth *core.Auth, _, session string) error {
	return auth.RevokeSession(context.Background(), session)
}

func revokeUser(auth *core.Auth, user string) error {
	return auth.RevokeUser(context.Background(), user, "")
}

func revokeOtherSessions(auth *core.Auth, user, keep string) error {
	return auth.RevokeUser(context.Background(), user, keep)
}

func passwordChanged(auth *core.Auth, user simplejwt.User, keep string) error {
	return auth.PasswordChanged(context.Background(), user, keep)
}

// same reports whether err is the refusal that was asked for.
func same(err, want error) bool {
	if want == nil {
		return err == nil
	}
	return errors.Is(err, want)
}
