package models

import (
	"database/sql"
	"time"

	"github.com/go-simplejwt/simplejwt/core"
)

// truncate brings a time to the form in which databases keep it: UTC, microseconds, rounded down.
func truncate(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// nullable is NULL for "".
func nullable(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// nullableTime is NULL for the zero time.
func nullableTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = truncate(t)
	return &t
}

func textOrEmpty(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func timeOrZero(p *time.Time) time.Time {
	if p == nil {
		return time.Time{}
	}
	return p.UTC()
}

// newRow is the row of a record.
func newRow(t core.OutstandingToken) OutstandingToken {
	return OutstandingToken{
		UserID:           nullable(t.UserID),
		JTI:              t.JTI,
		CreatedAt:        nullableTime(t.CreatedAt),
		ExpiresAt:        truncate(t.ExpiresAt),
		SessionID:        nullable(t.SessionID),
		ParentJTI:        nullable(t.ParentJTI),
		SessionStartedAt: nullableTime(t.SessionStartedAt),
		SessionExpiresAt: nullableTime(t.SessionExpiresAt),
		DeviceName:       nullable(t.Device.Name),
		IP:               nullable(t.Device.IP),
		UserAgent:        nullable(t.Device.UserAgent),
	}
}

// record is what a row says.
func (o OutstandingToken) record() core.OutstandingToken {
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

// columns are where the columns go, in the order of stateSQL.
func (r *tokenRow) columns() []any {
	return []any{
		&r.id, &r.userID, &r.jti, &r.createdAt, &r.expiresAt, &r.sessionID, &r.parentJTI, &r.startedAt, &r.sessionEndAt,
		&r.deviceName, &r.ip, &r.userAgent, &r.blacklistedAt, &r.reason,
	}
}

// state is what the row says, nil for no row.
func (r *tokenRow) state() *core.TokenState {
	if !r.id.Valid {
		return nil
	}
	out := &core.TokenState{
		OutstandingToken: OutstandingToken{
			UserID: r.userID, JTI: r.jti.String, CreatedAt: r.createdAt, ExpiresAt: r.expiresAt.Time,
			SessionID: r.sessionID, ParentJTI: r.parentJTI, SessionStartedAt: r.startedAt, SessionExpiresAt: r.sessionEndAt,
			DeviceName: r.deviceName, IP: r.ip, UserAgent: r.userAgent,
		}.record(),
		Blacklisted: r.blacklistedAt.Valid,
		Reason:      core.Reason(r.reason.String),
	}
	if out.Blacklisted {
		out.BlacklistedAt = r.blacklistedAt.Time.UTC()
	}
	return out
}
