package models

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// sqlite is the engine of SQLite, which modifies no data in a CTE, but has one writer at a time: what a transaction reads
// behind its first write no other one changes.
type sqlite struct{}

func (sqlite) outstand(ctx context.Context, on conn, t core.OutstandingToken) error {
	return on.alone(ctx, func() error {
		_, err := on.exec(ctx, recording, recorded(t)...)
		return err
	})
}

const presentedSQL = `SELECT jti, created_at, expires_at, session_id, session_started_at, session_expires_at, device_name, ip, user_agent
  FROM token_blacklist_outstandingtoken WHERE jti = ?`

// consumingOne inserts the unique row that decides who rotates.
const consumingOne = `INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id, reason)
  SELECT ?, id, ? FROM token_blacklist_outstandingtoken WHERE jti = ? ON CONFLICT (token_id) DO NOTHING`

// succeedingOne inserts the successor. It is the row's user of now, who may be gone since the row was read.
const succeedingOne = `INSERT INTO token_blacklist_outstandingtoken (token, jti, created_at, expires_at, session_id, parent_jti,
    session_started_at, session_expires_at, device_name, ip, user_agent, user_id)
  SELECT '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, p.user_id FROM token_blacklist_outstandingtoken p WHERE p.jti = ?`

// unconsumedOne stands behind it where the presented token stays good.
const unconsumedOne = ` AND NOT EXISTS (SELECT 1 FROM token_blacklist_blacklistedtoken b WHERE b.token_id = p.id)`

// rotate reads the presented token, which never changes but for its user, and then consumes it and inserts its successor
// in one transaction.
func (sqlite) rotate(ctx context.Context, on conn, r core.Rotation) (core.OutstandingToken, bool, error) {
	var row OutstandingToken
	err := on.row(ctx, presentedSQL, []any{r.JTI}, &row.JTI, &row.CreatedAt, &row.ExpiresAt, &row.SessionID,
		&row.SessionStartedAt, &row.SessionExpiresAt, &row.DeviceName, &row.IP, &row.UserAgent)
	if noRows(err) {
		return core.OutstandingToken{}, false, nil
	}
	if err != nil {
		return core.OutstandingToken{}, false, err
	}
	child := successor(&row, r)
	if child == nil {
		return core.OutstandingToken{}, false, nil
	}
	err = on.alone(ctx, func() error {
		if !r.Consume {
			return child.follow(ctx, on, unconsumedOne)
		}
		return on.transaction(ctx, func(tx conn) error {
			won, err := tx.exec(ctx, consumingOne, r.Now, string(cmp.Or(r.Reason, core.ReasonRotated)), r.JTI)
			if err == nil && won == 0 {
				return errLost
			}
			if err != nil {
				return err
			}
			return child.follow(ctx, tx, "")
		})
	})
	if errors.Is(err, errLost) {
		return core.OutstandingToken{}, false, nil
	}
	return child.record(), err == nil, err
}

// follow inserts the row as the successor of its parent, with whose user; errLost says that the parent is gone.
func (o *OutstandingToken) follow(ctx context.Context, on conn, condition string) error {
	args := []any{
		o.JTI, o.CreatedAt, o.ExpiresAt, o.SessionID, o.ParentJTI, o.SessionStartedAt, o.SessionExpiresAt,
		o.DeviceName, o.IP, o.UserAgent, o.ParentJTI,
	}
	err := on.row(ctx, succeedingOne+condition+" RETURNING user_id", args, &o.UserID)
	if noRows(err) {
		return errLost
	}
	return err
}

func (sqlite) blacklist(ctx context.Context, on conn, jti string, reason core.Reason, now time.Time) (found, won bool, err error) {
	var inserted int
	err = on.alone(ctx, func() error {
		var err error
		inserted, err = on.exec(ctx, consumingOne, now, nullable(string(reason)), jti)
		return err
	})
	if err != nil || inserted > 0 {
		return inserted > 0, inserted > 0, err
	}
	var rows int
	err = on.row(ctx, `SELECT count(*) FROM token_blacklist_outstandingtoken WHERE jti = ?`, []any{jti}, &rows)
	return rows > 0, false, err
}

// sweep is one statement, under the lock of the single writer, so that no client that rotates can get ahead of it and
// there is nothing left to find.
func (sqlite) sweep(ctx context.Context, on conn, s sweep) (out swept, err error) {
	args := append([]any{s.now, s.reason}, s.args...)
	err = on.alone(ctx, func() error {
		var err error
		out.consumed, err = on.exec(ctx, sweeping+s.where, args...)
		return err
	})
	return out, err
}

const sweeping = `INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id, reason)
  SELECT ?, o.id, ? FROM token_blacklist_outstandingtoken o
    LEFT JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id WHERE b.id IS NULL AND `
