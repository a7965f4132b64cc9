package core

import "time"

// sessionRules are the settings that decide about a recorded token: LEEWAY, ROTATION_GRACE_PERIOD and
// SESSION_LIFETIME.
type sessionRules struct{ leeway, gracePeriod, lifetime time.Duration }

// verdict is what the records of a presented token and of its session mean. docs/sessions.md has the table.
type verdict int

const (
	verdictUnknown verdict = iota // no record: issued by another service with our key, or flushed
	verdictActive                 // not on the blacklist, and neither it nor its session has expired
	verdictExpired                // not on the blacklist, but it or its session has expired
	verdictRetry                  // rotated within ROTATION_GRACE_PERIOD, and its session is active
	verdictReused                 // rotated before that, and its session is active
	verdictRevoked                // on the blacklist for another reason, or its session has ended
)

// judge is the only place that decides about a presented token. It makes no calls and has no side effects.
func (r sessionRules) judge(s SessionState, now time.Time) verdict {
	p := s.Presented
	switch {
	case p == nil:
		return verdictUnknown
	case !p.Blacklisted && r.hasEnded(p, now):
		return verdictExpired
	case !p.Blacklisted:
		return verdictActive
	case p.Reason != ReasonRotated, s.Latest == nil, r.hasEnded(s.Latest, now):
		return verdictRevoked
	case r.isWithinGrace(p, now):
		return verdictRetry
	}
	return verdictReused
}

// denialFor returns the denial of a token by judge's verdict; nil for an active token and for one without a record.
// A rotated token whose session has ended is denied for the reason that ended the session.
func (r sessionRules) denialFor(s SessionState, now time.Time) error {
	switch r.judge(s, now) {
	case verdictExpired:
		if hasEnded(r.sessionEnd(s.Presented.OutstandingToken), now) {
			return ErrTokenExpired.withReason(reasonSessionEnded)
		}
		return ErrTokenExpired
	case verdictRetry, verdictReused:
		return errTokenReused
	case verdictRevoked:
		return revocationDenial(s)
	}
	return nil
}

// revocationDenial returns the denial of a token on the blacklist whose session has ended.
func revocationDenial(s SessionState) error {
	reason, otherwise := s.Presented.Reason, ErrTokenBlacklisted
	if reason == ReasonRotated {
		otherwise = errSessionEnded
		if s.Latest != nil && s.Latest.Blacklisted {
			reason = s.Latest.Reason
		}
	}
	switch reason {
	case ReasonReuse:
		return errTokenReused
	case ReasonPassword:
		return ErrTokenBlacklisted.withReason(reasonPasswordChanged)
	}
	return otherwise
}

// hasEnded reports whether a token is no longer valid: it is on the blacklist, or it or its session has expired.
// For the latest token of a session it reports whether the session has ended.
func (r sessionRules) hasEnded(t *TokenState, now time.Time) bool {
	return t.Blacklisted || !t.ExpiresAt.After(now.Add(-r.leeway)) || hasEnded(r.sessionEnd(t.OutstandingToken), now)
}

// isWithinGrace reports whether a token was rotated less than ROTATION_GRACE_PERIOD ago. Clocks differ, so a
// rotation in the near future counts too. One further in the future was stamped by a wrong clock, and would
// otherwise stay within the grace period until that time.
func (r sessionRules) isWithinGrace(t *TokenState, now time.Time) bool {
	return t.Reason == ReasonRotated && now.Sub(t.BlacklistedAt).Abs() < r.gracePeriod
}

// sessionEnd returns when the session of a record ends, zero for never.
func (r sessionRules) sessionEnd(row OutstandingToken) time.Time { return row.sessionEnd(r.lifetime) }
