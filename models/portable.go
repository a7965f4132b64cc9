package models

import (
	"cmp"
	"context"
	"errors"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/go-simplejwt/simplejwt/core"
)

// The same steps for SQLite and other databases that cannot modify data in a CTE. Every transaction writes before it
// relies on what it reads, so that it has SQLite's write lock by then, however the transaction was begun.

// portable is the engine of databases that are neither PostgreSQL nor SQLite.
type portable struct{}

// sweepBatch is how many tokens one transaction of Revoke consumes.
const sweepBatch = 500

// errLost rolls a rotation back that is not to be.
var errLost = errors.New("not rotated")

func (portable) outstand(ctx context.Context, on conn, t core.OutstandingToken) error {
	row := newRow(t)
	return on.orm(ctx).Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "jti"}}, DoNothing: true}).Create(&row).Error
}

// rotate is one transaction.
func (portable) rotate(ctx context.Context, on conn, r core.Rotation) (core.OutstandingToken, bool, error) {
	db := on.orm(ctx)
	row, err := find(db, r.JTI)
	if err != nil || row == nil || successor(row, r) == nil {
		return core.OutstandingToken{}, false, err
	}
	var child *OutstandingToken
	err = db.Transaction(func(tx *gorm.DB) error {
		if r.Consume {
			if row, err = take(tx, row, r); err != nil {
				return err
			}
		}
		child = successor(row, r)
		if err := tx.Create(child).Error; err != nil || r.Consume {
			return err
		}
		return mustBeGood(tx, row.ID)
	})
	if errors.Is(err, errLost) {
		return core.OutstandingToken{}, false, nil
	}
	if err != nil {
		return core.OutstandingToken{}, false, err
	}
	return child.record(), true, nil
}

// take consumes the presented token and reads it again: its user may be gone since the look before the transaction.
func take(tx *gorm.DB, row *OutstandingToken, r core.Rotation) (*OutstandingToken, error) {
	won, err := consume(tx, r.Now, cmp.Or(r.Reason, core.ReasonRotated), row.ID)
	if err != nil {
		return nil, err
	}
	if won == 0 {
		return nil, errLost
	}
	row, err = find(tx, row.JTI)
	if err == nil && row == nil {
		return nil, errLost // Flushed meanwhile.
	}
	return row, err
}

// mustBeGood answers errLost for a token on the blacklist.
func mustBeGood(tx *gorm.DB, id int64) error {
	var count int64
	err := tx.Model(&BlacklistedToken{}).Where("token_id = ?", id).Count(&count).Error
	if err == nil && count > 0 {
		return errLost
	}
	return err
}

// find reads the record of a jti, nil for none.
func find(tx *gorm.DB, jti string) (*OutstandingToken, error) {
	var row OutstandingToken
	err := tx.Where("jti = ?", jti).Take(&row).Error
	if noRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// successor is the row that follows the presented one; nil where that, or its session, has ended.
func successor(row *OutstandingToken, r core.Rotation) *OutstandingToken {
	next, ok := r.Successor(row.record())
	if !ok {
		return nil
	}
	return new(newRow(next))
}

// consume inserts the blacklist rows that are missing for these tokens and returns how many were.
func consume(tx *gorm.DB, now time.Time, reason core.Reason, ids ...int64) (int, error) {
	rows := make([]BlacklistedToken, len(ids))
	for i, id := range ids {
		rows[i] = BlacklistedToken{BlacklistedAt: now, TokenID: id, Reason: nullable(string(reason))}
	}
	done := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "token_id"}}, DoNothing: true}).Create(&rows)
	return int(done.RowsAffected), done.Error
}

// blacklist is two statements: the id of a jti never changes.
func (portable) blacklist(ctx context.Context, on conn, jti string, reason core.Reason, now time.Time) (found, won bool, err error) {
	tx := on.orm(ctx)
	row, err := find(tx, jti)
	if err != nil || row == nil {
		return false, false, err
	}
	inserted, err := consume(tx, now, reason, row.ID)
	return true, inserted > 0, err
}

// sweep is one attempt of Revoke: what is not consumed yet of the tokens o that meet a condition.
type sweep struct {
	where string
	args  []any
	// from, unless 0, leaves out the tokens with smaller ids.
	from   int64
	reason *string
	now    time.Time
}

// swept is what a sweep found and consumed.
type swept struct {
	candidates, consumed int
	// missed, where the two differ, is the smallest id that another transaction consumed first.
	missed int64
}

// sweep consumes a batch of the tokens.
func (portable) sweep(ctx context.Context, on conn, s sweep) (swept, error) {
	tx := on.orm(ctx)
	var ids []int64
	err := tx.Table(outstandingTable+" AS o").Joins("LEFT JOIN "+blacklistedTable+" b ON b.token_id = o.id").
		Where("b.id IS NULL AND o.id >= ?", s.from).Where(s.where, s.args...).
		Order("o.id").Limit(sweepBatch).Pluck("o.id", &ids).Error
	if err != nil || len(ids) == 0 {
		return swept{}, err
	}
	consumed, err := consume(tx, s.now, core.Reason(textOrEmpty(s.reason)), ids...)
	out := swept{candidates: len(ids), consumed: consumed}
	if consumed < len(ids) {
		out.missed = ids[0]
	}
	return out, err
}
