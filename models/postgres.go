package models

import (
	"cmp"
	"context"
	"sync/atomic"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// PostgreSQL's statements. Each is a transaction of its own, correct under every isolation level: what READ COMMITTED
// answers by waiting for the other transaction, the stricter levels answer by a serialization failure, and the retry
// finds what READ COMMITTED found. Times are parameters, never now(). Parameters whose type does not follow from
// their place are cast, for PgBouncer and the simple protocol.

type postgres struct {
	lockless atomic.Bool // the database has no advisory locks
}

// recording inserts a token; so does SQLite.
const recording = `INSERT INTO token_blacklist_outstandingtoken (token, jti, user_id, created_at, expires_at, session_id, parent_jti,
    session_started_at, session_expires_at, device_name, ip, user_agent)
  VALUES ('', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (jti) DO NOTHING`

func (*postgres) outstand(ctx context.Context, on conn, t core.OutstandingToken) error {
	_, err := on.exec(ctx, recording, recorded(t)...)
	return err
}

// recorded are the parameters of recording.
func recorded(t core.OutstandingToken) []any {
	row := newRow(t)
	return []any{
		row.JTI, row.UserID, row.CreatedAt, row.ExpiresAt, row.SessionID, row.ParentJTI,
		row.SessionStartedAt, row.SessionExpiresAt, row.DeviceName, row.IP, row.UserAgent,
	}
}

// rotatable selects the presented token as live, with the session that its successor gets: core.Rotation.Successor in SQL.
const rotatable = `WITH p AS (
  SELECT id, user_id, jti, COALESCE(session_id, ?::text, jti) AS session_id, session_started_at,
         COALESCE(session_expires_at, COALESCE(session_started_at, created_at, ?::timestamptz) + ?::bigint * interval '1 microsecond')
           AS session_expires_at, device_name, ip, user_agent
    FROM token_blacklist_outstandingtoken
   WHERE jti = ? AND expires_at > ?::timestamptz
), live AS MATERIALIZED (
  SELECT * FROM p WHERE session_expires_at IS NULL OR session_expires_at > ?::timestamptz
)`

// consuming inserts the unique row that decides who rotates.
const consuming = `, won AS (
  INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id, reason)
  SELECT ?::timestamptz, id, ?::text FROM live ON CONFLICT (token_id) DO NOTHING RETURNING token_id
)`

// unconsumed stands in its place where the presented token stays good.
const unconsumed = `, won AS (
  SELECT id AS token_id FROM live
   WHERE NOT EXISTS (SELECT 1 FROM token_blacklist_blacklistedtoken b WHERE b.token_id = live.id)
)`

// successorColumns are the columns of a successor that are not known beforehand.
const successorColumns = `user_id, created_at, expires_at, session_id, session_started_at, session_expires_at, device_name, ip, user_agent`

const succeeding = `, n AS (
  INSERT INTO token_blacklist_outstandingtoken (token, jti, parent_jti, ` + successorColumns + `)
  SELECT '', ?::text, jti, user_id, ?::timestamptz, LEAST(?::timestamptz, session_expires_at), session_id,
         session_started_at, session_expires_at,
         COALESCE(?::text, device_name), COALESCE(?::text, ip), COALESCE(?::text, user_agent)
    FROM live JOIN won ON won.token_id = live.id
  RETURNING ` + successorColumns + `
) SELECT ` + successorColumns + ` FROM n`

// rotate is one statement. A racer waits at the unique index until the winner has committed.
func (*postgres) rotate(ctx context.Context, on conn, r core.Rotation) (core.OutstandingToken, bool, error) {
	var lifetime *int64
	if r.SessionLifetime > 0 {
		lifetime = new(r.SessionLifetime.Microseconds())
	}
	issuedAt := r.IssuedAt
	if issuedAt.IsZero() {
		issuedAt = r.Now
	}
	query := rotatable + unconsumed + succeeding
	args := []any{nullable(r.SessionID), issuedAt, lifetime, r.JTI, r.AliveAfter, r.Now}
	if r.Consume {
		query = rotatable + consuming + succeeding
		args = append(args, r.Now, string(cmp.Or(r.Reason, core.ReasonRotated)))
	}
	args = append(args, r.NewJTI, r.Now, r.ExpiresAt, nullable(r.Device.Name), nullable(r.Device.IP), nullable(r.Device.UserAgent))
	row := OutstandingToken{JTI: r.NewJTI, ParentJTI: &r.JTI}
	err := on.row(ctx, query, args, &row.UserID, &row.CreatedAt, &row.ExpiresAt, &row.SessionID,
		&row.SessionStartedAt, &row.SessionExpiresAt, &row.DeviceName, &row.IP, &row.UserAgent)
	if noRows(err) {
		return core.OutstandingToken{}, false, nil
	}
	return row.record(), err == nil, err
}

const blacklistSQL = `WITH o AS (
  SELECT id FROM token_blacklist_outstandingtoken WHERE jti = ?
), won AS (
  INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id, reason)
  SELECT ?::timestamptz, id, ?::text FROM o ON CONFLICT (token_id) DO NOTHING RETURNING token_id
) SELECT (SELECT count(*) FROM o), (SELECT count(*) FROM won)`

func (*postgres) blacklist(ctx context.Context, on conn, jti string, reason core.Reason, now time.Time) (found, won bool, err error) {
	var rows, inserted int
	err = on.row(ctx, blacklistSQL, []any{jti, now, nullable(string(reason))}, &rows, &inserted)
	return rows > 0, inserted > 0, err
}

// A sweep is of all tokens of a scope or, chasing, of those born since a certain one. A session that rotates as fast as
// it can outgrows a chase that is not as fast as a rotation, so no statistics, which lag, decide how it is planned: the
// limit has the primary key find the tokens, and the subquery has the unique index find their blacklist rows.
const (
	sweepAll   = `WITH o AS MATERIALIZED (SELECT o.id FROM token_blacklist_outstandingtoken o WHERE `
	sweepYoung = `WITH young AS MATERIALIZED (
  SELECT id, user_id, jti, session_id, expires_at FROM token_blacklist_outstandingtoken WHERE id >= ?::bigint ORDER BY id LIMIT 1000
), o AS MATERIALIZED (SELECT o.id FROM young o WHERE `
	sweepUnconsumed = `
   AND (SELECT b.id FROM token_blacklist_blacklistedtoken b WHERE b.token_id = o.id) IS NULL`
	// The order of ids keeps two sweeps from locking each other out.
	sweepTail = `
), won AS (
  INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id, reason)
  SELECT ?::timestamptz, id, ?::text FROM o ORDER BY id ON CONFLICT (token_id) DO NOTHING RETURNING token_id
) SELECT (SELECT count(*) FROM o), (SELECT count(*) FROM won),
         COALESCE((SELECT min(id) FROM o WHERE id NOT IN (SELECT token_id FROM won)), 0)`
)

func (*postgres) sweep(ctx context.Context, on conn, s sweep) (out swept, err error) {
	head, args := sweepAll, []any{}
	if s.from > 0 {
		head, args = sweepYoung, []any{s.from}
	}
	args = append(append(args, s.args...), s.now, s.reason)
	err = on.row(ctx, head+s.where+sweepUnconsumed+sweepTail, args, &out.candidates, &out.consumed, &out.missed)
	return out, err
}
