package models

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt/core"
)

// sessionsSQL finds the live tokens of a user, of each session the newest one, and puts them into the order in which the
// sessions began: by the id of the row whose jti is the session's id. A session whose first row was flushed is older than
// all that still have theirs.
const sessionsSQL = `SELECT o.user_id, o.jti, o.created_at, o.expires_at, o.session_id, o.parent_jti, o.session_started_at,
    o.session_expires_at, o.device_name, o.ip, o.user_agent
  FROM (
    SELECT max(t.id) AS id FROM token_blacklist_outstandingtoken t
      LEFT JOIN token_blacklist_blacklistedtoken b ON b.token_id = t.id
     WHERE t.user_id = ? AND t.expires_at > ? AND b.id IS NULL
       AND (t.session_expires_at IS NULL OR t.session_expires_at > ?)
     GROUP BY COALESCE(t.session_id, t.jti)
  ) AS newest
  JOIN token_blacklist_outstandingtoken o ON o.id = newest.id
  LEFT JOIN token_blacklist_outstandingtoken f ON f.jti = COALESCE(o.session_id, o.jti)
 ORDER BY COALESCE(f.id, 0) DESC, o.session_started_at DESC, COALESCE(o.session_id, o.jti) DESC
 LIMIT ? OFFSET ?`

// Sessions answers the newest live token of each session of a user, the session that began last first.
func (s *Store) Sessions(ctx context.Context, userID string, now time.Time, skip int) (out []core.OutstandingToken, err error) {
	err = patiently(ctx, s.db, func(tx *gorm.DB) error {
		var rows []OutstandingToken
		err := tx.Raw(sessionsSQL, userID, cut(now), cut(now), core.MaxSessions, skip).Scan(&rows).Error
		out = make([]core.OutstandingToken, len(rows))
		for i, row := range rows {
			out[i] = row.record()
		}
		return err
	})
	if unmatchable(err) {
		return nil, nil // The user's id is no value of the column: no row has it.
	}
	return out, during("look up sessions", err)
}
