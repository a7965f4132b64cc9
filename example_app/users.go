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

// withDatabase opens the database for a command.
func (p *program) withDatabase(ctx context.Context, do func(*gorm.DB) error) error {
	db, err := openDatabase(ctx, p.database)
	if err != nil {
		return err
	}
	defer closeDatabase(db)
	return do(db.WithContext(ctx))
}

func (p *program) print(v any) error { return json.NewEncoder(p.stdout).Encode(v) }

// printed is what the user commands print.
type printed struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
}

func (p *program) createUser(ctx context.Context) error {
	return p.withDatabase(ctx, func(db *gorm.DB) error {
		account, err := createAccount(ctx, db, p.username, p.password, !p.inactive)
		if err != nil {
			return err
		}
		return p.print(printed{account.ID, account.Username})
	})
}

// createAccount stores a new account. Name and password may not be empty.
func createAccount(ctx context.Context, db *gorm.DB, username, password string, active bool) (*Account, error) {
	if username == "" || password == "" {
		return nil, errors.New("-username and -password are needed")
	}
	encoded, err := hashPassword(ctx, password)
	if err != nil {
		return nil, err
	}
	account := &Account{Username: username, Password: encoded, IsActive: active, DateJoined: time.Now().UTC()}
	if err := db.WithContext(ctx).Create(account).Error; err != nil {
		return nil, fmt.Errorf("create user %q: the name is taken, or the database refuses it", username)
	}
	return account, nil
}

func hashPassword(ctx context.Context, password string) (string, error) {
	h, err := hashers.New(hashers.Options{})
	if err != nil {
		return "", err
	}
	return h.Make(ctx, password)
}

// change finds the account by name, changes it and prints it.
func (p *program) change(ctx context.Context, what func(*gorm.DB, *Account) error) error {
	return p.withDatabase(ctx, func(db *gorm.DB) error {
		var account Account
		err := db.Where("username = ?", p.username).Take(&account).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return fmt.Errorf("there is no user %q", p.username)
		}
		if err == nil {
			err = what(db, &account)
		}
		if err != nil {
			return fmt.Errorf("change user %q: %w", p.username, err)
		}
		return p.print(printed{account.ID, account.Username})
	})
}

func (p *program) deactivate(ctx context.Context) error {
	return p.change(ctx, func(db *gorm.DB, a *Account) error {
		return p.thenRevoke(ctx, db, a, core.ReasonAdmin, db.Model(a).Update("is_active", false).Error)
	})
}

// thenRevoke ends all sessions of an account that was changed without an error, if the flag -revoke says so.
func (p *program) thenRevoke(ctx context.Context, db *gorm.DB, a *Account, reason core.Reason, err error) error {
	if err != nil || !p.revoke {
		return err
	}
	_, err = models.NewStore(db).Revoke(ctx, core.Scope{UserID: a.AuthID()}, reason, time.Now())
	return err
}

// deleteUser deletes the user; his token rows stay, without a user, so that what is blacklisted stays blacklisted. The
// tables made here do that by themselves; those that Django made leave it to the program.
func (p *program) deleteUser(ctx context.Context) error {
	return p.change(ctx, func(db *gorm.DB, a *Account) error {
		if err := p.thenRevoke(ctx, db, a, core.ReasonAdmin, nil); err != nil {
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

func (p *program) setPassword(ctx context.Context) error {
	if p.password == "" {
		return errors.New("-password is needed")
	}
	encoded, err := hashPassword(ctx, p.password)
	if err != nil {
		return err
	}
	return p.change(ctx, func(db *gorm.DB, a *Account) error {
		return p.thenRevoke(ctx, db, a, core.ReasonPassword, db.Model(a).Update("password", encoded).Error)
	})
}

// flushExpiredTokens deletes the rows of tokens that have expired, and that the settings do not admit any more either. Unlike
// the server it keeps none for an hour longer.
func (p *program) flushExpiredTokens(ctx context.Context) error {
	settings, err := simplejwt.FromEnv(simplejwt.Recommended())
	if p.settings != "" {
		settings, err = simplejwt.FromFile(simplejwt.Settings{}, p.settings)
	}
	if err != nil {
		return err
	}
	kept := []time.Duration{settings.Leeway, settings.RotationGracePeriod}
	if slices.ContainsFunc(settings.AuthTokenClasses, func(name core.ClassName) bool {
		return strings.HasSuffix(string(name), string(core.SlidingToken))
	}) {
		kept = append(kept, cmp.Or(settings.SlidingTokenLifetime, 5*time.Minute)) // a last refresh may reach so far beyond the row
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
				return p.print(map[string]int{"deleted": total})
			}
			if !errors.Is(err, core.ErrFlushRunning) {
				return err
			}
			select { // a server is at it: what it leaves is ours
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
}
