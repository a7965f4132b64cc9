package models_test

import (
	"context"
	"errors"

	"github.com/go-simplejwt/simplejwt/core"
)

// The ways to end sessions, named as the schedules name them.

func revokeSession(auth *core.Auth, user, session string) error {
	err := auth.RevokeSession(context.Background(), user, session, core.ReasonAdmin)
	if errors.Is(err, core.ErrSessionNotFound) {
		return nil // it is over already
	}
	return err
}

func revokeUser(auth *core.Auth, user string) error {
	return auth.RevokeUser(context.Background(), user, core.ReasonAdmin)
}

func revokeOtherSessions(auth *core.Auth, user, keep string) error {
	return auth.RevokeOtherSessions(context.Background(), user, keep, core.ReasonAdmin)
}

// same reports whether err is the refusal that was asked for.
func matchesError(err, want error) bool {
	if want == nil {
		return err == nil
	}
	return errors.Is(err, want)
}
