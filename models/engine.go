package models

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"

	"github.com/go-simplejwt/simplejwt/core"
)

// engine is everything that differs by database. Every Store, Users and migration has one of its own, so it may keep state.
type engine interface {
	operations
	migrator

	// classifyError returns what an error of the database means. Call kindOf instead, which also knows the errors of this
	// package and of GORM.
	classifyError(err error) errorKind
	// fieldEquals is the condition that a field of the user model has a value.
	fieldEquals(field *schema.Field, value any) clause.Expression
	// lockUser makes a query lock the user's row that it finds: until the transaction ends, nobody changes it. Others may
	// lock it in the same way meanwhile, so logins of one user do not wait for each other.
	lockUser(query *gorm.DB) *gorm.DB
}

// operations are what a Store does, as single attempts: pool.withRetry limits and repeats them, so each is atomic and can be
// repeated after an error. An owner is the primary key of the user whom the token claims; nil compares no user, and a row
// without a user is anybody's: its user was deleted.
type operations interface {
	// insertToken records a token; it does not change a jti that is already on record.
	insertToken(ctx context.Context, on conn, t core.OutstandingToken) error
	// insertLogin is insertToken if the query finds a user, whose row it locks. It reports whether it inserted the token. An
	// engine that cannot do that returns errors.ErrUnsupported.
	insertLogin(ctx context.Context, on conn, user userQuery, t core.OutstandingToken) (bool, error)
	// rotateToken records the successor that core.Rotation.Successor computes and, with Consume, consumes the presented
	// token. It returns false, and changes nothing, where the token is unknown, expired, consumed or another user's.
	rotateToken(ctx context.Context, on conn, r core.Rotation) (core.OutstandingToken, bool, error)
	// blacklistToken consumes a token of the owner. found: it is on record, and the owner's; won: this call consumed it.
	blacklistToken(ctx context.Context, on conn, jti string, owner *string, reason core.Reason, now time.Time) (found, won bool, err error)
	// isBlacklisted returns whose row a token has: nil without a row, "" for a row without a user.
	isBlacklisted(ctx context.Context, on conn, jti string) (owner *string, blacklisted bool, err error)
	// readState reads the presented token and the latest token of its session, or of sid where its row has none, in one snapshot.
	readState(ctx context.Context, on conn, jti, sid string) (core.SessionState, error)
	// listSessions returns the newest usable token of each session of a user, the session that began last first,
	// at most core.MaxSessions.
	listSessions(ctx context.Context, on conn, userID string, now time.Time) ([]core.OutstandingToken, error)
	// runSweep consumes what it sees of the sweep's tokens, and reports what another transaction consumed first.
	runSweep(ctx context.Context, on conn, s sweep) (swept, error)
	// deleteBatch deletes expired records with their blacklist rows, the oldest first. It returns core.ErrFlushRunning
	// where another process flushes and this one should leave the rest to it.
	deleteBatch(ctx context.Context, on conn, b batch) (flushed, error)
}

// migrator is what AutoMigrate asks of a database. All methods but migrateAlone run within its transaction.
type migrator interface {
	// migrateAlone runs do while no other process is in it. An error undoes what do did, where the database can undo it.
	migrateAlone(db *gorm.DB, do func(tx *gorm.DB) error) error
	// hasTable reports whether a statement would find a table under this name.
	hasTable(tx *gorm.DB, table string) (bool, error)
	// columnNames returns the names of a table's columns as the keys of a map.
	columnNames(tx *gorm.DB, table string) (map[string]bool, error)
	// hasIndex looks for an index of the outstanding table.
	hasIndex(tx *gorm.DB, name string) (bool, error)
	// keyType is the SQL type for a column that refers to the key of the user's table.
	keyType(tx *gorm.DB, table string, key *schema.Field) (string, error)
	// columnType is the SQL type of a column of the token tables, with NOT NULL and the like.
	columnType(tx *gorm.DB, field *schema.Field) string
}

// errorKind is what an error of the database means to a Store or to Users.
type errorKind int

const (
	kindOther       errorKind = iota // any other error, and none
	kindTransient                    // the transaction lost to another one and was rolled back: try it again
	kindForeignKey                   // the row that a foreign key refers to does not exist
	kindUnmatchable                  // a text is not a value of the column's type, so no row has it
	kindUnlockable                   // rows of the user's table cannot be locked: it is a view, or the program may only read it
)

// errAgain marks an error that another attempt may not meet. kindOf returns kindTransient for it.
var errAgain = errors.New("try again")

// kindOf returns what err means on a database, kindOther for nil.
func kindOf(e engine, err error) errorKind {
	switch {
	case err == nil, e == nil: // without an engine nothing was asked
		return kindOther
	case errors.Is(err, errAgain):
		return kindTransient
	case errors.Is(err, gorm.ErrForeignKeyViolated): // with TranslateError
		return kindForeignKey
	}
	return e.classifyError(err)
}

// retryOnForeignKey makes withRetry repeat an operation if a row that it refers to was deleted while it ran: the next attempt does
// not see that row any more.
func retryOnForeignKey(e engine, err error) error {
	if kindOf(e, err) == kindForeignKey {
		return fmt.Errorf("%w: %w", errAgain, err)
	}
	return err
}
