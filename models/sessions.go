package models

import (
	"context"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// newestOfSessions finds the usable tokens of a user, of each session the newest one as h, and puts them into the order in which
// the sessions began, the last one first: by the id of the row whose jti is the session's id. A session whose first row was
// flushed is older than all that still have theirs. Its parameters are the user, twice the time, and the limit.
const newestOfSessions = ` FROM (
    SELECT max(t.id) AS id FROM token_blacklist_outstandingtoken t
      LEFT JOIN token_blacklist_blacklistedtoken b ON b.token_id = t.id
     WHERE t.user_id = ? AND t.expires_at > ? AND b.id IS NULL
       AND (t.session_expires_at IS NULL OR t.session_expires_at > ?)
     GROUP BY COALESCE(t.session_id, t.jti)
  ) AS newest
  JOIN token_blacklist_outstandingtoken h ON h.id = newest.id
  LEFT JOIN token_blacklist_outstandingtoken f ON f.jti = COALESCE(h.session_id, h.jti)
 ORDER BY COALESCE(f.id, 0) DESC, h.session_started_at DESC, COALESCE(h.session_id, h.jti) DESC
 LIMIT ?`

// surplusSQL is the condition on the outstanding table o that its session is not among the newest of its user: what
// MAX_SESSIONS_PER_USER ends. The inner SELECT is for databases that allow no LIMIT behind IN.
const surplusSQL = `o.user_id = ? AND o.expires_at > ? AND COALESCE(o.session_id, o.jti) NOT IN (
  SELECT kept.session FROM (SELECT COALESCE(h.session_id, h.jti) AS session` + newestOfSessions + `) AS kept)`

// Sessions returns the newest usable token of each active session of a user, the session that began last first, at most
// core.MaxSessions of them. Usable is a token that is neither expired at now nor consumed, in a session whose absolute
// end is not reached. A user id that cannot be a key of the user's table has no sessions.
func (s *Store) Sessions(ctx context.Context, userID string, now time.Time) (out []core.OutstandingToken, err error) {
	err = s.pool.withRetry(ctx, func(ctx context.Context, on conn) error {
		out, err = s.pool.engine.listSessions(ctx, on, userID, truncateTime(now))
		return err
	})
	if kindOf(s.pool.engine, err) == kindUnmatchable {
		return nil, nil // The user's id is not a value of the column type, so no row has it.
	}
	if err != nil {
		return nil, wrapError("look up sessions", err)
	}
	return out, nil
}

// queryRecords runs a statement that returns the columns of listSessionsSQL, and scans all its rows.
func (c conn) queryRecords(ctx context.Context, query string, args []any) ([]core.OutstandingToken, error) {
	rows, err := c.QueryContext(ctx, c.pool.cachedSQL(query), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []core.OutstandingToken
	for rows.Next() {
		var row OutstandingToken
		if err := rows.Scan(&row.UserID, &row.JTI, &row.CreatedAt, &row.ExpiresAt, &row.SessionID, &row.ParentJTI,
			&row.SessionStartedAt, &row.SessionExpiresAt, &row.DeviceName, &row.IP, &row.UserAgent); err != nil {
			return nil, err
		}
		out = append(out, row.toRecord())
	}
	return out, rows.Err()
}
