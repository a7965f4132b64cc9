package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/models"
)

// contender is one way to rotate a token.
type contender struct {
	name string // in the table; the label of its chains begins with it
	// call does one rotation. It is nil for pgbench, which is a program.
	call func(ctx context.Context, r core.Rotation) error
	pool *sql.DB // closed after the measurement
}

// newContenders returns the store, pgbench, and what a program without the store would write, each on n connections.
func newContenders(t *tables, s *statement, n int) ([]contender, error) {
	var all []contender
	question, order := s.forGORM() // GORM has no numbered placeholders
	for _, one := range []struct {
		name   string
		change func(*pgx.ConnConfig)
		call   func(db *gorm.DB, pool *sql.DB) func(context.Context, core.Rotation) error
	}{{
		name: "Store.Rotate", call: throughStore,
	}, {
		name: "Store.Rotate, not prepared", call: throughStore, // for PgBouncer before 1.21
		change: func(c *pgx.ConnConfig) { c.DefaultQueryExecMode = pgx.QueryExecModeExec },
	}, {
		name: "database/sql", call: func(_ *gorm.DB, pool *sql.DB) func(context.Context, core.Rotation) error {
			return func(ctx context.Context, r core.Rotation) error {
				return readAll(pool.QueryContext(ctx, s.sql, s.bindParams(r)...))
			}
		},
	}, {
		name: "GORM's Raw", call: func(db *gorm.DB, _ *sql.DB) func(context.Context, core.Rotation) error {
			return func(ctx context.Context, r core.Rotation) error {
				args, given := make([]any, len(order)), s.bindParams(r)
				for i, of := range order {
					args[i] = given[of]
				}
				return readAll(db.WithContext(ctx).Raw(question, args...).Rows())
			}
		},
	}, {
		name: "GORM's Take, Create, Create", call: throughORM,
	}} {
		change := one.change
		if change == nil {
			change = func(*pgx.ConnConfig) {}
		}
		db, pool, err := openPostgres(t.dsn, n, change)
		if err != nil {
			return all, err
		}
		all = append(all, contender{one.name, one.call(db, pool), pool})
		if len(all) == 1 { // the lines of the store and of pgbench come first
			all = append(all, contender{name: pgbenchName})
		}
	}
	return all, nil
}

// throughStore rotates with Store.Rotate.
func throughStore(db *gorm.DB, _ *sql.DB) func(context.Context, core.Rotation) error {
	store := models.NewStore(db)
	return func(ctx context.Context, r core.Rotation) error { return mustRotate(store.Rotate(ctx, r)) }
}

// readAll scans all rows, as a program does that uses them. There must be exactly one.
func readAll(rows *sql.Rows, err error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values := make([]any, len(columns))
	for i := range values { // Scan must decode every column
		values[i] = new(any)
	}
	n := 0
	for ; rows.Next(); n++ {
		if err := rows.Scan(values...); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if n != 1 {
		return fmt.Errorf("%d rows", n)
	}
	return nil
}

// throughORM rotates as a program with an ORM does: it reads the row and writes two others in one transaction.
func throughORM(db *gorm.DB, _ *sql.DB) func(context.Context, core.Rotation) error {
	return func(ctx context.Context, r core.Rotation) error {
		return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			var row models.OutstandingToken
			if err := tx.Where("jti = ? AND expires_at > ?", r.JTI, r.ActiveAfter).Take(&row).Error; err != nil {
				return err
			}
			if row.SessionExpiresAt != nil && !row.SessionExpiresAt.After(r.Now) {
				return errors.New("the session is expired")
			}
			reason := string(r.Reason)
			// The unique index on token_id makes one of two concurrent rotations fail here.
			if err := tx.Create(&models.BlacklistedToken{BlacklistedAt: r.Now, TokenID: row.ID, Reason: &reason}).Error; err != nil {
				return err
			}
			return tx.Create(&models.OutstandingToken{
				UserID: row.UserID, JTI: r.NewJTI, CreatedAt: &r.Now, ExpiresAt: r.ExpiresAt, ParentJTI: &r.JTI, SessionID: row.SessionID,
				SessionStartedAt: row.SessionStartedAt, SessionExpiresAt: row.SessionExpiresAt, IP: &r.Device.IP, UserAgent: &r.Device.UserAgent,
			}).Error
		})
	}
}
