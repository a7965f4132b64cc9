package models

import (
	"context"
	"database/sql"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"

	"github.com/go-simplejwt/simplejwt/core"
)

// sharedSQL is the part of an engine that PostgreSQL and SQLite have in common. An engine embeds it, and has methods of its
// own where its database needs other statements. What differs between the two is in their files only.
type sharedSQL struct{}

const (
	tokenColumns = `token, jti, user_id, created_at, expires_at, session_id, parent_jti,
    session_started_at, session_expires_at, device_name, ip, user_agent`

	insertTokenSQL = `INSERT INTO token_blacklist_outstandingtoken (` + tokenColumns + `)
  VALUES ('', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (jti) DO NOTHING`

	// insertLoginSQL is insertTokenSQL for each row of u: once if the user was found, else never. WHERE 1 = 1 has SQLite's parser
	// take ON CONFLICT for that of the INSERT and not for a join's.
	insertLoginSQL = ` INSERT INTO token_blacklist_outstandingtoken (` + tokenColumns + `)
  SELECT '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM u WHERE 1 = 1 ON CONFLICT (jti) DO NOTHING`
)

// insertTokenArgs returns the parameters of insertTokenSQL, and the last ones of insertLoginSQL.
func insertTokenArgs(t core.OutstandingToken) []any {
	row := newRow(t)
	return []any{
		row.JTI, row.UserID, row.CreatedAt, row.ExpiresAt, row.SessionID, row.ParentJTI,
		row.SessionStartedAt, row.SessionExpiresAt, row.DeviceName, row.IP, row.UserAgent,
	}
}

func (sharedSQL) insertToken(ctx context.Context, on conn, t core.OutstandingToken) error {
	_, err := on.exec(ctx, insertTokenSQL, insertTokenArgs(t)...)
	return err
}

// insertLogin selects the user and inserts the token in one statement. The query of the user comes from GORM, with its
// placeholders; those of the rest count on from there.
func (sharedSQL) insertLogin(ctx context.Context, on conn, user userQuery, t core.OutstandingToken) (bool, error) {
	query := "WITH u AS MATERIALIZED (" + user.text + ")" + on.pool.bindPlaceholders(insertLoginSQL, len(user.args))
	result, err := on.ExecContext(ctx, query, append(user.args, insertTokenArgs(t)...)...)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// isBlacklistedSQL returns the user of a token's row, and the id of its blacklist row or NULL.
const isBlacklistedSQL = `SELECT o.user_id, b.id FROM token_blacklist_outstandingtoken o
  LEFT JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id WHERE o.jti = ?`

func (sharedSQL) isBlacklisted(ctx context.Context, on conn, jti string) (owner *string, blacklisted bool, err error) {
	var row OutstandingToken
	var consumed sql.NullInt64
	err = on.queryRow(ctx, isBlacklistedSQL, []any{jti}, &row.UserID, &consumed)
	if isNoRows(err) {
		return nil, false, nil
	}
	return new(textOrEmpty(row.UserID)), consumed.Valid, err
}

// stateSQL reads the presented token p and the latest token h of its session, each with its blacklist row, in one row: one
// statement is one snapshot. Every column is a plain one, by which SQLite's drivers know that it holds a time. Whether a row
// has no session id is tested through COALESCE, here and in scopeSQL, so that no planner uses the index on session_id for
// it: a database that Django filled has a NULL there in most rows.
const stateSQL = `SELECT
    p.id, p.user_id, p.jti, p.created_at, p.expires_at, p.session_id, p.parent_jti, p.session_started_at,
    p.session_expires_at, p.device_name, p.ip, p.user_agent, pb.blacklisted_at, pb.reason,
    h.id, h.user_id, h.jti, h.created_at, h.expires_at, h.session_id, h.parent_jti, h.session_started_at,
    h.session_expires_at, h.device_name, h.ip, h.user_agent, hb.blacklisted_at, hb.reason
  FROM (SELECT 1 AS one) AS always
  LEFT JOIN token_blacklist_outstandingtoken p ON p.jti = ?
  LEFT JOIN token_blacklist_blacklistedtoken pb ON pb.token_id = p.id
  LEFT JOIN token_blacklist_outstandingtoken h ON h.id = (
    SELECT max(born) FROM (
      SELECT max(a.id) AS born FROM token_blacklist_outstandingtoken a
       WHERE a.session_id = COALESCE(p.session_id, ?, p.jti)
      UNION ALL
      SELECT f.id FROM token_blacklist_outstandingtoken f
       WHERE f.jti = COALESCE(p.session_id, ?, p.jti) AND COALESCE(f.session_id, '') = ''
    ) AS members)
  LEFT JOIN token_blacklist_blacklistedtoken hb ON hb.token_id = h.id`

func (sharedSQL) readState(ctx context.Context, on conn, jti, sid string) (core.SessionState, error) {
	var presented, latest tokenRow
	args := []any{jti, nullIfEmpty(sid), nullIfEmpty(sid)}
	if err := on.queryRow(ctx, stateSQL, args, append(presented.scanTargets(), latest.scanTargets()...)...); err != nil {
		return core.SessionState{}, err
	}
	return core.SessionState{Presented: presented.toState(), Latest: latest.toState()}, nil
}

// listSessionsSQL returns the columns that conn.queryRecords scans.
const listSessionsSQL = `SELECT h.user_id, h.jti, h.created_at, h.expires_at, h.session_id, h.parent_jti, h.session_started_at,
  h.session_expires_at, h.device_name, h.ip, h.user_agent` + newestOfSessions

func (sharedSQL) listSessions(ctx context.Context, on conn, userID string, now time.Time) ([]core.OutstandingToken, error) {
	return on.queryRecords(ctx, listSessionsSQL, []any{userID, now, now, core.MaxSessions})
}

// fieldEquals compares without a cast, so that an index on the column serves.
func (sharedSQL) fieldEquals(field *schema.Field, value any) clause.Expression {
	return clause.Eq{Column: columnOf(field), Value: value}
}

// columnOf returns the column of a field in a query of users, with the name of the query's table.
func columnOf(field *schema.Field) clause.Column {
	return clause.Column{Table: clause.CurrentTable, Name: field.DBName}
}

// columnType returns what GORM's dialect says.
func (sharedSQL) columnType(tx *gorm.DB, field *schema.Field) string {
	return tx.Migrator().FullDataTypeOf(field).SQL
}
