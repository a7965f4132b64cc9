package models

import (
	"database/sql"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// truncateTime returns a time as databases keep it: in UTC, rounded down to microseconds. A driver that rounded to
// the nearest one would store a later time than the one that was compared.
func truncateTime(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// nullIfEmpty returns a parameter that is NULL for "".
func nullIfEmpty(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// nullIfZero returns a parameter that is NULL for the zero time, and else a truncated time.
func nullIfZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = truncateTime(t)
	return &t
}

// textOrEmpty returns the text of a nullable column, "" for NULL.
func textOrEmpty(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// timeOrZero returns the time of a nullable column in UTC, the zero time for NULL.
func timeOrZero(p *time.Time) time.Time {
	if p == nil {
		return time.Time{}
	}
	return p.UTC()
}

// newRow returns the row of a record: what is empty or zero there is NULL in it.
func newRow(t core.OutstandingToken) OutstandingToken {
	return OutstandingToken{
		UserID:           nullIfEmpty(t.UserID),
		JTI:              t.JTI,
		CreatedAt:        nullIfZero(t.CreatedAt),
		ExpiresAt:        truncateTime(t.ExpiresAt),
		SessionID:        nullIfEmpty(t.SessionID),
		ParentJTI:        nullIfEmpty(t.ParentJTI),
		SessionStartedAt: nullIfZero(t.SessionStartedAt),
		SessionExpiresAt: nullIfZero(t.SessionExpiresAt),
		DeviceName:       nullIfEmpty(t.Device.Name),
		IP:               nullIfEmpty(t.Device.IP),
		UserAgent:        nullIfEmpty(t.Device.UserAgent),
	}
}

// toRecord returns what a row says: NULL becomes the zero value, and times are in UTC.
func (o OutstandingToken) toRecord() core.OutstandingToken {
	return core.OutstandingToken{
		JTI:              o.JTI,
		UserID:           textOrEmpty(o.UserID),
		CreatedAt:        timeOrZero(o.CreatedAt),
		ExpiresAt:        o.ExpiresAt.UTC(),
		SessionID:        textOrEmpty(o.SessionID),
		ParentJTI:        textOrEmpty(o.ParentJTI),
		SessionStartedAt: timeOrZero(o.SessionStartedAt),
		SessionExpiresAt: timeOrZero(o.SessionExpiresAt),
		Device:           core.Device{Name: textOrEmpty(o.DeviceName), IP: textOrEmpty(o.IP), UserAgent: textOrEmpty(o.UserAgent)},
	}
}

// tokenRow receives a record and its blacklist row from an outer join, where all may be NULL.
type tokenRow struct {
	id                                 sql.NullInt64
	jti                                sql.NullString
	expiresAt                          sql.NullTime
	userID, sessionID, parentJTI       *string
	createdAt, startedAt, sessionEndAt *time.Time
	deviceName, ip, userAgent          *string
	blacklistedAt                      sql.NullTime
	reason                             sql.NullString
}

// scanTargets returns where the columns go, in the order of stateSQL.
func (r *tokenRow) scanTargets() []any {
	return []any{
		&r.id, &r.userID, &r.jti, &r.createdAt, &r.expiresAt, &r.sessionID, &r.parentJTI, &r.startedAt, &r.sessionEndAt,
		&r.deviceName, &r.ip, &r.userAgent, &r.blacklistedAt, &r.reason,
	}
}

// toState returns what the row says, nil for no row.
func (r *tokenRow) toState() *core.TokenState {
	if !r.id.Valid {
		return nil
	}
	out := &core.TokenState{
		OutstandingToken: OutstandingToken{
			UserID: r.userID, JTI: r.jti.String, CreatedAt: r.createdAt, ExpiresAt: r.expiresAt.Time,
			SessionID: r.sessionID, ParentJTI: r.parentJTI, SessionStartedAt: r.startedAt, SessionExpiresAt: r.sessionEndAt,
			DeviceName: r.deviceName, IP: r.ip, UserAgent: r.userAgent,
		}.toRecord(),
		Blacklisted: r.blacklistedAt.Valid,
		Reason:      core.Reason(r.reason.String),
	}
	if out.Blacklisted {
		out.BlacklistedAt = r.blacklistedAt.Time.UTC()
	}
	return out
}
