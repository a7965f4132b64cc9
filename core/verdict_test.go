package core

import (
	"errors"
	"testing"
	"time"
)

// noon is when the tokens are presented.
var noon = time.Date(2031, 5, 6, 12, 0, 0, 0, time.UTC)

// allRules sets all that judge reads.
var allRules = sessionRules{leeway: time.Minute, gracePeriod: 10 * time.Second, lifetime: 24 * time.Hour}

// activeToken returns a record that expires in an hour, of a session that started an hour ago.
func activeToken(changes ...func(*TokenState)) *TokenState {
	t := &TokenState{OutstandingToken: OutstandingToken{
		JTI: "presented", SessionID: "session", CreatedAt: noon.Add(-time.Hour), ExpiresAt: noon.Add(time.Hour),
		SessionStartedAt: noon.Add(-time.Hour), SessionExpiresAt: noon.Add(time.Hour),
	}}
	for _, change := range changes {
		change(t)
	}
	return t
}

func blacklisted(reason Reason, ago time.Duration) func(*TokenState) {
	return func(t *TokenState) { t.Blacklisted, t.Reason, t.BlacklistedAt = true, reason, noon.Add(-ago) }
}

func expiring(at time.Time) func(*TokenState) { return func(t *TokenState) { t.ExpiresAt = at } }

func sessionEnding(at time.Time) func(*TokenState) {
	return func(t *TokenState) { t.SessionExpiresAt = at }
}

// startedAt sets the start of the session and of the record, and leaves the end of the session to SESSION_LIFETIME.
func startedAt(session, created time.Time) func(*TokenState) {
	return func(t *TokenState) {
		t.SessionExpiresAt, t.SessionStartedAt, t.CreatedAt = time.Time{}, session, created
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const us = time.Microsecond
	rotated := func(ago time.Duration) *TokenState { return activeToken(blacklisted(ReasonRotated, ago)) }
	for name, c := range map[string]struct {
		presented, latest *TokenState
		want              verdict
		denied            *Error // nil: not denied
		reason            string
	}{
		"a token without a record is unknown":                                       {nil, nil, verdictUnknown, nil, ""},
		"a token without a record in a known session is unknown":                    {nil, activeToken(), verdictUnknown, nil, ""},
		"a token on record is active":                                               {activeToken(), activeToken(), verdictActive, nil, ""},
		"a token on record is active without a latest token":                        {activeToken(), nil, verdictActive, nil, ""},
		"a token is active while LEEWAY admits it":                                  {activeToken(expiring(noon.Add(us - time.Minute))), nil, verdictActive, nil, ""},
		"a token is expired when LEEWAY is over":                                    {activeToken(expiring(noon.Add(-time.Minute))), nil, verdictExpired, ErrTokenExpired, "expired"},
		"a token is active until its session ends":                                  {activeToken(sessionEnding(noon.Add(us))), nil, verdictActive, nil, ""},
		"a token is expired when its session ends, without LEEWAY":                  {activeToken(sessionEnding(noon)), nil, verdictExpired, ErrTokenExpired, "session_ended"},
		"SESSION_LIFETIME counts from the session's start":                          {activeToken(startedAt(noon.Add(us-24*time.Hour), noon.Add(-48*time.Hour))), nil, verdictActive, nil, ""},
		"SESSION_LIFETIME after the start the session has ended":                    {activeToken(startedAt(noon.Add(-24*time.Hour), noon)), nil, verdictExpired, ErrTokenExpired, "session_ended"},
		"without a start, SESSION_LIFETIME counts from when the record was created": {activeToken(startedAt(time.Time{}, noon.Add(us-24*time.Hour))), nil, verdictActive, nil, ""},
		"SESSION_LIFETIME after the creation the session has ended":                 {activeToken(startedAt(time.Time{}, noon.Add(-24*time.Hour))), nil, verdictExpired, ErrTokenExpired, "session_ended"},

		"a token rotated just now is a retry":                                    {rotated(0), activeToken(), verdictRetry, errTokenReused, "reused"},
		"a rotated token is a retry until the grace period is over":              {rotated(10*time.Second - us), activeToken(), verdictRetry, errTokenReused, "reused"},
		"after the grace period it is reused":                                    {rotated(10 * time.Second), activeToken(), verdictReused, errTokenReused, "reused"},
		"a token rotated a little in the future is a retry: clocks differ":       {rotated(us - 10*time.Second), activeToken(), verdictRetry, errTokenReused, "reused"},
		"a token rotated in the far future is reused: a clock was wrong":         {rotated(-10 * time.Second), activeToken(), verdictReused, errTokenReused, "reused"},
		"a retry needs a latest token":                                           {rotated(0), nil, verdictRevoked, errSessionEnded, "session_ended"},
		"a retry is revoked if the latest token has expired":                     {rotated(0), activeToken(expiring(noon.Add(-time.Minute))), verdictRevoked, errSessionEnded, "session_ended"},
		"a retry is revoked if its session has ended":                            {rotated(0), activeToken(sessionEnding(noon)), verdictRevoked, errSessionEnded, "session_ended"},
		"a retry is revoked if the latest token is on the blacklist":             {rotated(0), activeToken(blacklisted(ReasonLogout, 0)), verdictRevoked, errSessionEnded, "session_ended"},
		"a late token is revoked if the latest token is on the blacklist":        {rotated(time.Hour), activeToken(blacklisted(ReasonAdmin, 0)), verdictRevoked, errSessionEnded, "session_ended"},
		"a retry is revoked if the latest token was rotated without a successor": {rotated(0), activeToken(blacklisted(ReasonRotated, 0)), verdictRevoked, errSessionEnded, "session_ended"},
		"a retry in a session that reuse ended has that reason":                  {rotated(0), activeToken(blacklisted(ReasonReuse, 0)), verdictRevoked, errTokenReused, "reused"},
		"a retry in a session that a password change ended has that reason":      {rotated(0), activeToken(blacklisted(ReasonPassword, 0)), verdictRevoked, ErrTokenBlacklisted, "password_changed"},
		"an expired token can be a retry":                                        {activeToken(blacklisted(ReasonRotated, 0), expiring(noon.Add(-time.Hour))), activeToken(), verdictRetry, errTokenReused, "reused"},

		"a token that was logged out is revoked, whatever the latest token": {activeToken(blacklisted(ReasonLogout, 0)), activeToken(), verdictRevoked, ErrTokenBlacklisted, "revoked"},
		"a token that a renewal replaced is revoked":                        {activeToken(blacklisted(ReasonRenewed, 0)), activeToken(), verdictRevoked, ErrTokenBlacklisted, "revoked"},
		"a token that Django blacklisted is revoked":                        {activeToken(blacklisted("", 0)), activeToken(), verdictRevoked, ErrTokenBlacklisted, "revoked"},
		"a token that reuse ended is revoked":                               {activeToken(blacklisted(ReasonReuse, 0)), activeToken(), verdictRevoked, errTokenReused, "reused"},
		"a token that a password change ended is revoked":                   {activeToken(blacklisted(ReasonPassword, 0)), nil, verdictRevoked, ErrTokenBlacklisted, "password_changed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := SessionState{Presented: c.presented, Latest: c.latest}
			if got := allRules.judge(state, noon); got != c.want {
				t.Errorf("judge: %d, want %d", got, c.want)
			}
			err := allRules.denialFor(state, noon)
			if c.denied == nil {
				if err != nil {
					t.Errorf("denial: %v, want none", err)
				}
				return
			}
			var got *Error
			if !errors.As(err, &got) || !errors.Is(got, c.denied) || got.Reason != c.reason {
				t.Errorf("denial: %v (%+v), want %v for %q", err, got, c.denied, c.reason)
			}
		})
	}
}

func TestJudge_Settings(t *testing.T) {
	t.Parallel()
	rotated := SessionState{Presented: activeToken(blacklisted(ReasonRotated, 0)), Latest: activeToken()}
	if got := (sessionRules{}).judge(rotated, noon); got != verdictReused {
		t.Errorf("without ROTATION_GRACE_PERIOD: %d, want %d", got, verdictReused)
	}
	rotated.Presented.BlacklistedAt = noon.Add(time.Hour) // by a clock ahead of ours
	if got := (sessionRules{}).judge(rotated, noon); got != verdictReused {
		t.Errorf("without ROTATION_GRACE_PERIOD, rotated in the future: %d, want %d", got, verdictReused)
	}
	old := SessionState{Presented: activeToken(startedAt(noon.AddDate(-9, 0, 0), noon.AddDate(-9, 0, 0)))}
	if got := (sessionRules{}).judge(old, noon); got != verdictActive {
		t.Errorf("without SESSION_LIFETIME: %d, want %d", got, verdictActive)
	}
	late := SessionState{Presented: activeToken(expiring(noon))}
	if got := (sessionRules{}).judge(late, noon); got != verdictExpired {
		t.Errorf("without LEEWAY: %d, want %d", got, verdictExpired)
	}
}
