package models_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/models"
)

// account is a user with an integer key and the fields of Django's user.
type account struct {
	ID        int64
	Username  string `gorm:"uniqueIndex"`
	Email     string
	Password  string
	IsActive  bool
	LastLogin *time.Time
	UpdatedAt time.Time
	DeletedAt gorm.DeletedAt
}

func (a *account) AuthID() string { return strconv.FormatInt(a.ID, 10) }

func (a *account) AuthActive() bool { return a.IsActive }

func (a *account) AuthPassword() string { return a.Password }

// member has a UUID as its key and logs in by e-mail address.
type member struct {
	ID    uuid.UUID `gorm:"type:uuid;primaryKey"`
	Email string    `gorm:"uniqueIndex"`
	Hash  string
}

func (m *member) AuthID() string { return m.ID.String() }

func (m *member) AuthActive() bool { return true }

func (m *member) AuthPassword() string { return m.Hash }

func (m *member) AuthUsernameField() string { return "Email" }

func (m *member) AuthPasswordField() string { return "hash" }

// badge has a text as its key.
type badge struct {
	Code     string `gorm:"primaryKey;size:40"`
	Username string `gorm:"uniqueIndex"`
	Number   *int32 `gorm:"unique"`
	Password string
}

func (b *badge) AuthID() string { return b.Code }

func (b *badge) AuthActive() bool { return true }

func (b *badge) AuthPassword() string { return b.Password }

// addAccount inserts an active account and returns its key as text.
func addAccount(ctx context.Context, db *gorm.DB, name string) (string, error) {
	a := account{Username: name, IsActive: true, Password: "old"}
	err := db.WithContext(ctx).Create(&a).Error
	return fmt.Sprint(a.ID), err
}

// adaID is the key of the member ada@example.com.
var adaID = uuid.MustParse("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0")

// createUsers makes and fills the three tables of users.
func createUsers(t testing.TB, db *gorm.DB) *gorm.DB {
	t.Helper()
	requireNoError(t, db.AutoMigrate(&account{}, &member{}, &badge{}))
	requireNoError(t, db.Create(&[]account{
		{ID: 1, Username: "ada", Email: "ada@example.com", Password: "old", IsActive: true},
		{ID: 2, Username: "Bob", Email: "", IsActive: true},
		{ID: 3, Username: "gone", IsActive: true, DeletedAt: gorm.DeletedAt{Time: now, Valid: true}},
	}).Error)
	requireNoError(t, db.Create(&member{ID: adaID, Email: "ada@example.com", Hash: "old"}).Error)
	requireNoError(t, db.Create(&[]badge{
		{Code: "B-1", Username: "ada", Number: new(int32(7))}, {Code: "b-1", Username: "bob"}, {Code: "Ünï ", Username: "uni"},
	}).Error)
	return db
}

// newLoginRecord returns the record of a login, the first token of a session.
func newLoginRecord(user simplejwt.User) core.OutstandingToken {
	jti := rand.Text()
	return core.OutstandingToken{JTI: jti, UserID: user.AuthID(), CreatedAt: now, ExpiresAt: now.Add(time.Hour), SessionID: jti, SessionStartedAt: now}
}

const rowsOfJTI = "SELECT count(*) FROM token_blacklist_outstandingtoken WHERE jti = ?"

// readAllRecords returns all records with what their blacklist rows say, by jti. Ids and devices are left out.
func readAllRecords(ctx context.Context, db *gorm.DB) (map[string]core.TokenState, error) {
	var all []models.OutstandingToken
	if err := db.WithContext(ctx).Joins("Blacklisted").Find(&all).Error; err != nil {
		return nil, err
	}
	out := map[string]core.TokenState{}
	for _, row := range all {
		state := core.TokenState{OutstandingToken: core.OutstandingToken{
			JTI: row.JTI, UserID: orZero(row.UserID), CreatedAt: orZero(row.CreatedAt).UTC(), ExpiresAt: row.ExpiresAt.UTC(),
			SessionID: orZero(row.SessionID), ParentJTI: orZero(row.ParentJTI),
			SessionStartedAt: orZero(row.SessionStartedAt).UTC(), SessionExpiresAt: orZero(row.SessionExpiresAt).UTC(),
		}}
		if b := row.Blacklisted; b != nil {
			state.Blacklisted, state.BlacklistedAt, state.Reason = true, b.BlacklistedAt.UTC(), core.Reason(orZero(b.Reason))
		}
		out[row.JTI] = state
	}
	return out, nil
}

func orZero[T any](p *T) (value T) {
	if p != nil {
		value = *p
	}
	return value
}

// runEveryOperation calls every method of a store once and checks the answers.
func runEveryOperation(t *testing.T, store core.Store, user string) {
	t.Helper()
	ctx := t.Context()
	first := recordLogin(t, store, user)
	next := newRotation(first)
	if _, ok, err := store.Rotate(ctx, next); err != nil || !ok {
		t.Fatalf("Rotate: %v, %v", ok, err)
	}
	if _, found, err := store.IsBlacklisted(ctx, first); err != nil || !found {
		t.Errorf("IsBlacklisted: %v, %v", found, err)
	}
	if state, err := store.State(ctx, first, ""); err != nil || state.Latest == nil || state.Latest.JTI != next.NewJTI {
		t.Errorf("State: %+v, %v", state, err)
	}
	if all, err := store.Sessions(ctx, user, now); err != nil || len(all) != 1 {
		t.Errorf("Sessions: %v, %v", all, err)
	}
	if found, won, err := store.Blacklist(ctx, next.NewJTI, nil, core.ReasonLogout, now); err != nil || !found || !won {
		t.Errorf("Blacklist: %v, %v, %v", found, won, err)
	}
	recordLogin(t, store, user)
	if n, err := store.Revoke(ctx, core.Scope{UserID: user}, core.ReasonAdmin, now); err != nil || n != 1 {
		t.Errorf("Revoke: %d, %v", n, err)
	}
	if n, err := store.FlushExpired(ctx, now.Add(100*time.Hour)); err != nil || n != 3 {
		t.Errorf("FlushExpired: %d, %v", n, err)
	}
}

// newRotation returns an ordinary refresh of a token at the tests' time.
func newRotation(jti string) core.Rotation {
	return core.Rotation{JTI: jti, NewJTI: rand.Text(), Now: now, ActiveAfter: now, ExpiresAt: now.Add(48 * time.Hour), Consume: true}
}

// recordLogin records the first token of a session and returns its jti.
func recordLogin(t testing.TB, store core.Store, userID string) string {
	t.Helper()
	jti := rand.Text()
	requireNoError(t, store.Record(t.Context(), core.OutstandingToken{
		JTI: jti, UserID: userID, CreatedAt: now, ExpiresAt: now.Add(24 * time.Hour), SessionID: jti, SessionStartedAt: now,
	}))
	return jti
}

const (
	sessionRows     = "SELECT count(*) FROM token_blacklist_outstandingtoken WHERE session_id = ?"
	liveSessionRows = `SELECT count(*) FROM token_blacklist_outstandingtoken o
		WHERE session_id = ? AND NOT EXISTS (SELECT 1 FROM token_blacklist_blacklistedtoken b WHERE b.token_id = o.id)`
)

// wantSessionRows checks how many rows a session has, and how many of them are of usable tokens.
func wantSessionRows(t testing.TB, db *gorm.DB, jti string, rows, live int) {
	t.Helper()
	if got := countRows(t, db, sessionRows, jti); got != rows {
		t.Errorf("the session has %d rows, want %d", got, rows)
	}
	if got := countRows(t, db, liveSessionRows, jti); got != live {
		t.Errorf("the session has %d live tokens, want %d", got, live)
	}
}

// Ends of sessions, as the random schedules and the outages call them.

func revokeSession(auth *core.Auth, user, session string) error {
	err := auth.RevokeSession(context.Background(), user, session, core.ReasonAdmin)
	if errors.Is(err, core.ErrSessionNotFound) {
		return nil // it has ended already
	}
	return err
}

func revokeUser(auth *core.Auth, user string) error {
	return auth.RevokeUser(context.Background(), user, core.ReasonAdmin)
}

func revokeOtherSessions(auth *core.Auth, user, keep string) error {
	return auth.RevokeOtherSessions(context.Background(), user, keep, core.ReasonAdmin)
}

// matchesError reports whether err is the error that is wanted; nil wants none.
func matchesError(err, want error) bool {
	if want == nil {
		return err == nil
	}
	return errors.Is(err, want)
}
