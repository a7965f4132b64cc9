package models_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"
	"pgregory.net/rapid"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/models"
)

// PostgreSQL implements core.Rotation.Successor in SQL, and SQLite calls it. Both agree with it to the microsecond.
func TestRotate_AgreesWithSuccessor(t *testing.T) {
	t.Parallel()
	runOnEach(t, func(t *testing.T, d database) {
		db := migrateDB(t, d.open(t), &account{})
		user, err := addAccount(t.Context(), db, "ada")
		requireNoError(t, err)
		store := models.NewStore(db)
		outcomes := map[string]int{}
		rapid.Check(t, func(t *rapid.T) {
			requireNoError(t, db.Exec("DELETE FROM token_blacklist_blacklistedtoken").Error)
			requireNoError(t, db.Exec("DELETE FROM token_blacklist_outstandingtoken").Error)
			presented := drawRecord(t, user)
			r := drawRotation(t, presented)
			state := &core.TokenState{OutstandingToken: presented, Blacklisted: rapid.SampledFrom([]bool{false, false, false, true}).Draw(t, "blacklisted")}
			if state.Blacklisted {
				state.BlacklistedAt, state.Reason = now, core.ReasonLogout
			}
			outcomes[checkRotation(t, db, store, state, r)]++
		})
		t.Logf("outcomes: %v", outcomes)
		for _, outcome := range []string{"rotated", "ended", "blacklisted"} {
			if outcomes[outcome] == 0 {
				t.Errorf("nothing drawn was %s", outcome)
			}
		}
	})
}

// checkRotation records the presented token, rotates it, and compares what the store returns and has on record
// with the successor. It returns the outcome: rotated, ended or blacklisted.
func checkRotation(t *rapid.T, db *gorm.DB, store *models.Store, presented *core.TokenState, r core.Rotation) string {
	t.Helper()
	ctx := context.Background()
	requireNoError(t, store.Record(ctx, presented.OutstandingToken))
	if presented.Blacklisted {
		_, _, err := store.Blacklist(ctx, presented.JTI, nil, presented.Reason, presented.BlacklistedAt)
		requireNoError(t, err)
	}
	next, ok := r.Successor(presented.OutstandingToken)
	outcome := "rotated"
	switch {
	case presented.Blacklisted:
		next, ok, outcome = core.OutstandingToken{}, false, "blacklisted"
	case !ok:
		outcome = "ended"
	}
	after, successor := *presented, (*core.TokenState)(nil)
	if ok {
		successor = &core.TokenState{OutstandingToken: next}
	}
	if ok && r.Consume {
		after.Blacklisted, after.BlacklistedAt, after.Reason = true, r.Now.Truncate(time.Microsecond), r.Reason
		if r.Reason == "" {
			after.Reason = core.ReasonRotated
		}
	}

	got, rotated, err := store.Rotate(ctx, r)
	requireNoError(t, err)
	if diff := cmp.Diff(next, got); diff != "" || rotated != ok {
		t.Fatalf("Rotate answers %v, Successor %v; the record (-Successor +Rotate):\n%s", rotated, ok, diff)
	}
	for _, want := range []struct {
		jti string
		row *core.TokenState
	}{{presented.JTI, &after}, {r.NewJTI, successor}} {
		state, err := store.State(ctx, want.jti, "")
		requireNoError(t, err)
		if diff := cmp.Diff(want.row, state.Presented); diff != "" {
			t.Fatalf("the row of %s (-want +got):\n%s", want.jti, diff)
		}
	}
	return outcome
}

// drawInstant draws a time at the middle, a microsecond beside it, or further away.
func drawInstant(t *rapid.T, middle time.Time, what string) time.Time {
	t.Helper()
	return middle.Add(rapid.SampledFrom([]time.Duration{
		0, -time.Microsecond, time.Microsecond, -time.Second, time.Second, -25 * time.Hour, 25 * time.Hour,
		time.Duration(rapid.Int64Range(-1e9, 1e9).Draw(t, what+", microseconds away")) * time.Microsecond,
	}).Draw(t, what+", away"))
}

// drawRecord draws a record of a token as a Store or Django may have written it.
func drawRecord(t *rapid.T, user string) core.OutstandingToken {
	t.Helper()
	orZero := func(what string) time.Time {
		if rapid.Bool().Draw(t, what+" is NULL") {
			return time.Time{}
		}
		return drawInstant(t, now, what)
	}
	return core.OutstandingToken{
		JTI:              "presented",
		UserID:           rapid.SampledFrom([]string{"", user}).Draw(t, "user_id"),
		CreatedAt:        orZero("created_at"),
		ExpiresAt:        drawInstant(t, now.Add(rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(t, "life left")), "expires_at"),
		SessionID:        rapid.SampledFrom([]string{"", "session"}).Draw(t, "session_id"),
		ParentJTI:        rapid.SampledFrom([]string{"", "parent"}).Draw(t, "parent_jti"),
		SessionStartedAt: orZero("session_started_at"),
		SessionExpiresAt: orZero("session_expires_at"),
		Device:           drawDevice(t, "the row's"),
	}
}

// drawRotation draws a rotation whose times lie at the edges of the presented record's.
func drawRotation(t *rapid.T, presented core.OutstandingToken) core.Rotation {
	t.Helper()
	r := core.Rotation{
		JTI:             presented.JTI,
		SessionID:       rapid.SampledFrom([]string{"", "sid"}).Draw(t, "sid"),
		NewJTI:          "successor",
		SessionLifetime: rapid.SampledFrom([]time.Duration{0, time.Microsecond, time.Hour, time.Hour + time.Microsecond, 400 * 24 * time.Hour}).Draw(t, "SESSION_LIFETIME"),
		Consume:         rapid.Bool().Draw(t, "BLACKLIST_AFTER_ROTATION"),
		Reason:          rapid.SampledFrom([]core.Reason{"", core.ReasonRotated, core.ReasonRenewed}).Draw(t, "reason"),
		Device:          drawDevice(t, "the client's"),
	}
	edges := []time.Time{now, presented.ExpiresAt}
	for _, start := range []time.Time{presented.SessionStartedAt, presented.CreatedAt} {
		if !start.IsZero() {
			edges = append(edges, start.Add(r.SessionLifetime))
		}
	}
	if !presented.SessionExpiresAt.IsZero() {
		edges = append(edges, presented.SessionExpiresAt)
	}
	edge := func(what string) time.Time {
		below := time.Duration(rapid.SampledFrom([]int{0, 1, 999}).Draw(t, what+", nanoseconds")) // what no database keeps
		return drawInstant(t, rapid.SampledFrom(edges).Draw(t, what), what).Add(below)
	}
	r.Now, r.ExpiresAt = edge("Now"), edge("ExpiresAt")
	r.ActiveAfter = r.Now.Add(-rapid.SampledFrom([]time.Duration{0, 0, time.Microsecond, time.Minute}).Draw(t, "LEEWAY"))
	if rapid.Bool().Draw(t, "iat") {
		r.IssuedAt = r.Now.Add(-rapid.SampledFrom([]time.Duration{0, time.Microsecond, time.Hour, time.Hour + time.Microsecond, 2 * time.Hour}).Draw(t, "age"))
	}
	return r
}

func drawDevice(t *rapid.T, whose string) core.Device {
	t.Helper()
	text := func(what, value string) string {
		return rapid.SampledFrom([]string{"", value}).Draw(t, whose+" "+what)
	}
	return core.Device{Name: text("device_name", "phone of "+whose), IP: text("ip", "192.0.2.1"), UserAgent: text("user_agent", whose+" browser")}
}
