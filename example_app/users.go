package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/hashers"
	"github.com/go-simplejwt/simplejwt/models"
)

// withDatabase opens the database for a command, and closes it afterwards.
func (p *program) withDatabase(ctx context.Context, do func(*gorm.DB) error) error {
	db, err := openDatabase(ctx, p.database)
	if err != nil {
		return err
	}
	defer closeDatabase(db)
	return do(db.WithContext(ctx))
}

// printJSON prints v as a line of JSON.
func (p *program) printJSON(v any) error { return json.NewEncoder(p.stdout).Encode(v) }

// printedUser is what the user commands print, one line of JSON: scripts read the id of a new user from it.
type printedUser struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
}

// createUser is the command createuser. Hashing a password takes about as long as a login.
func (p *program) createUser(ctx context.Context) error {
	return p.withDatabase(ctx, func(db *gorm.DB) error {
		account, err := createAccount(ctx, db, p.username, p.password, !p.inactive)
		if err != nil {
			return err
		}
		return p.printJSON(printedUser{account.ID, account.Username})
	})
}

// createAccount stores a new account. Neither the name nor the password may be empty. The error leaves out
// that of the driver, which may quote values.
func createAccount(ctx context.Context, db *gorm.DB, username, password string, active bool) (*Account, error) {
	if username == "" || password == "" {
		return nil, errors.New("the flags -username and -password are required")
	}
	encoded, err := hashPassword(ctx, password)
	if err != nil {
		return nil, err
	}
	account := &Account{Username: username, Password: encoded, IsActive: active, DateJoined: time.Now().UTC()}
	if err := db.WithContext(ctx).Create(account).Error; err != nil {
		return nil, fmt.Errorf("create user %q: the name is taken, or the database rejects it", username)
	}
	return account, nil
}

// hashPassword hashes a password in the format of Django's default, as the login view checks it.
func hashPassword(ctx context.Context, password string) (string, error) {
	h, err := hashers.New(hashers.Options{})
	if err != nil {
		return "", err
	}
	return h.Make(ctx, password)
}

// changeUser finds the account of -username, applies change and prints the account.
func (p *program) changeUser(ctx context.Context, change func(*gorm.DB, *Account) error) error {
	return p.withDatabase(ctx, func(db *gorm.DB) error {
		// The user commands run beside servers, so they read the row and change single columns: nothing is written back as a whole.
		var account Account
		err := db.Where("username = ?", p.username).Take(&account).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return fmt.Errorf("there is no user %q", p.username)
		}
		if err == nil {
			err = change(db, &account)
		}
		if err != nil {
			return fmt.Errorf("change user %q: %w", p.username, err)
		}
		return p.printJSON(printedUser{account.ID, account.Username})
	})
}

// deactivateUser is the command deactivate.
func (p *program) deactivateUser(ctx context.Context) error {
	return p.changeUser(ctx, func(db *gorm.DB, a *Account) error {
		return p.revokeAfter(ctx, db, a, core.ReasonAdmin, db.Model(a).Update("is_active", false).Error)
	})
}

// revokeAfter ends all sessions of an account after a change of it whose error is err, if there is none and -revoke is set.
func (p *program) revokeAfter(ctx context.Context, db *gorm.DB, a *Account, reason core.Reason, err error) error {
	if err != nil || !p.revoke {
		return err
	}
	_, err = models.NewStore(db).Revoke(ctx, core.Scope{UserID: a.AuthID()}, reason, time.Now())
	return err
}

// deleteUser is the command deleteuser. The user's token rows stay, without a user, so that blacklisted tokens stay blacklisted. Tables
// that AutoMigrate made do so by ON DELETE SET NULL; those that Django made leave it to the program.
func (p *program) deleteUser(ctx context.Context) error {
	return p.changeUser(ctx, func(db *gorm.DB, a *Account) error {
		if err := p.revokeAfter(ctx, db, a, core.ReasonAdmin, nil); err != nil {
			return err
		}
		return db.Transaction(func(tx *gorm.DB) error {
			if err := tx.Model(&models.OutstandingToken{}).Where("user_id = ?", a.ID).Update("user_id", nil).Error; err != nil {
				return err
			}
			return tx.Delete(a).Error
		})
	})
}

// setPassword is the command setpassword. It is for administrators: the old password is not asked for, and sessions stay unless -revoke
// is set or CHECK_REVOKE_TOKEN is on.
func (p *program) setPassword(ctx context.Context) error {
	if p.password == "" {
		return errors.New("the flag -password is required")
	}
	encoded, err := hashPassword(ctx, p.password)
	if err != nil {
		return err
	}
	return p.changeUser(ctx, func(db *gorm.DB, a *Account) error {
		return p.revokeAfter(ctx, db, a, core.ReasonPassword, db.Model(a).Update("password", encoded).Error)
	})
}

// flushExpiredTokens is the command flushexpiredtokens. It deletes the rows of tokens that the settings no longer accept in any way: not
// within LEEWAY, within the grace period, or as a sliding token. Unlike the server it does not keep them for another hour.
func (p *program) flushExpiredTokens(ctx context.Context) error {
	settings, err := simplejwt.FromEnv(simplejwt.Recommended())
	if p.settings != "" {
		settings, err = simplejwt.FromFile(simplejwt.Settings{}, p.settings)
	}
	if err != nil {
		return err
	}
	// A row that is deleted too early lets its token pass again where only the blacklist denied it.
	kept := []time.Duration{settings.Leeway, settings.RotationGracePeriod}
	if slices.ContainsFunc(settings.AuthTokenClasses, func(name core.ClassName) bool {
		return strings.HasSuffix(string(name), string(core.SlidingToken))
	}) {
		kept = append(kept, cmp.Or(settings.SlidingTokenLifetime, 5*time.Minute)) // a last refresh may issue a token that outlives its row by so much
	}
	return p.withDatabase(ctx, func(db *gorm.DB) error {
		before := time.Now()
		for _, d := range kept {
			before = before.Add(-max(d, 0)) // one by one: a sum of centuries is more than a Duration holds
		}
		total := 0
		for {
			n, err := models.NewStore(db).FlushExpired(ctx, before)
			total += n
			if err == nil {
				return p.printJSON(map[string]int{"deleted": total})
			}
			if !errors.Is(err, core.ErrFlushRunning) {
				return err
			}
			select { // a server is flushing: delete what it leaves
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
}
