package core_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
)

func TestNoSlidingRefreshAfterTheEndOfTheSession(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsSliding(2*time.Hour, 24*time.Hour), opsSessionLifetime(time.Hour), opsLeeway(time.Minute))
	raw := e.loginSliding()
	e.clock.advance(time.Hour + 30*time.Second)
	e.wantNoSlide("within LEEWAY", raw, core.ErrTokenExpired)
}

func TestWithoutRotationATokenMadeElsewhereHasAnEndToo(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsSessionLifetime(time.Hour))
	e.wantRefused("older than a session", e.forge(map[string]any{"iat": e.clock.now().Add(-time.Hour).Unix()}), core.ErrTokenExpired)
	iat := e.clock.now().Add(-58 * time.Minute).Truncate(time.Second)
	access := e.mustRefresh(e.forge(map[string]any{"iat": iat.Unix()})).Access
	if end := e.token(access).ExpiresAt(); !end.Equal(iat.Add(time.Hour)) {
		t.Errorf("the access token ends at %v, want the end of the session", end)
	}
	first := e.login().Refresh
	if err := e.RevokeSession(opsCtx(), "1", e.jti(first), core.ReasonAdmin); err != nil {
		t.Fatal(err)
	}
	e.wantRefused("of a session that was ended", e.forge(map[string]any{"sid": e.jti(first)}), core.ErrTokenBlacklisted)
}

// PostgreSQL takes no NUL in a text, and an id that can't be on record need not be looked up.
func TestIDsThatCannotBeOnRecordAreNotLookedUp(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]string{"a NUL": "a\x00b", "256 bytes": string(make([]byte, 256))} {
		e := opsNew(t, opsGrace, opsSettings(func(s *simplejwt.Settings) { s.AuthTokenClasses = []core.ClassName{"SlidingToken"} }))
		e.wantRefused("jti of "+name, e.forge(map[string]any{"jti": id}), core.ErrTokenInvalid)
		e.wantNoSlide("jti of "+name, e.forge(e.sliding(map[string]any{"jti": id})), core.ErrTokenInvalid)
		if err := e.Blacklist(opsCtx(), e.forge(map[string]any{"jti": id})); !errors.Is(err, core.ErrTokenInvalid) {
			t.Errorf("logout with a jti of %s: error %v", name, err)
		}
		if calls := e.spy.take(); len(calls) > 0 {
			t.Errorf("%s was looked up: %q", name, calls)
		}
		raw := e.mustRefresh(e.forge(map[string]any{"sid": id})).Refresh
		if got := e.token(raw).SessionID(); got != "made-elsewhere" {
			t.Errorf("a sid of %s became %q, want a session of its own", name, got)
		}
	}
}

// No database knows all the times that a claim can hold.
func TestATokenMadeElsewhereMayBeVeryOld(t *testing.T) {
	t.Parallel()
	for _, iat := range []int64{-1, -62135596801, -210866803200, -253402300799} {
		e := opsNew(t, opsRotate)
		e.mustRefresh(e.forge(map[string]any{"iat": iat}))
		if got := e.row("made-elsewhere").SessionStartedAt; !got.Equal(time.Unix(0, 0)) {
			t.Errorf("iat %d is on record as %v, want 1970", iat, got)
		}
	}
}

func TestNoTokenBesideAnError(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsRotate)
	raw := e.login().Refresh
	if token, err := e.ParseToken(opsCtx(), core.AccessToken, raw); err == nil || token != nil {
		t.Errorf("of the wrong type: error %v, token %v", err, token)
	}
	if err := e.Blacklist(opsCtx(), raw); err != nil {
		t.Fatal(err)
	}
	if token, err := e.Verify(opsCtx(), raw); err == nil || token != nil {
		t.Errorf("blacklisted: error %v, token %v", err, token)
	}
}

func TestAClaimWithHalfACharacterIsReplacedForTheApplication(t *testing.T) {
	t.Parallel()
	e := opsNew(t)
	user, token, err := e.Stateless().AuthenticateToken(opsCtx(), e.forge(opsAccess(map[string]any{"name": json.RawMessage(`"\ud800"`)})))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := token.Get("name"), user.(*core.TokenUser).Claim("name"); a != "\ufffd" || b != "\ufffd" {
		t.Errorf("the claim is %q, and %q for the user", a, b)
	}
}

// The row of a sliding token ends at refresh_exp, its last exp lies behind that: a flush between them must wait.
func TestFlushDoesNotReviveARevokedSlidingToken(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsSliding(10*time.Minute, time.Hour), opsSettings(func(s *simplejwt.Settings) { s.AuthTokenClasses = []core.ClassName{core.SlidingToken} }))
	raw := e.loginSliding()
	for range 6 {
		e.clock.advance(590 * time.Second)
		var err error
		if raw, err = e.slide(raw); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.RevokeUser(opsCtx(), "1", core.ReasonAdmin); err != nil {
		t.Fatal(err)
	}
	e.clock.advance(5 * time.Minute) // behind refresh_exp, before exp
	if _, err := e.FlushExpired(opsCtx()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := e.AuthenticateToken(opsCtx(), raw); !errors.Is(err, core.ErrTokenNotAllowed) {
		t.Errorf("error %v, want that it is blacklisted", err)
	}
}

// What SimpleJWT crashes on, or can't look up, is refused where a record would need it.
func TestALogoutOfAUserThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	for _, id := range []string{`""`, "[]", `["1"]`, "{}", "1e400"} {
		e := opsNew(t, opsRotate)
		if err := e.Blacklist(opsCtx(), e.forge(map[string]any{"user_id": json.RawMessage(id)})); !errors.Is(err, core.ErrNoActiveAccount) {
			t.Errorf("user_id %s: error %v", id, err)
		}
		if row := e.row("made-elsewhere"); row != nil {
			t.Errorf("user_id %s: it is on record: %+v", id, row)
		}
	}
}

func TestAnIssuerThatIsNoTextIsNotSignedAgain(t *testing.T) {
	t.Parallel()
	for _, iss := range []string{"1", "null", "[]"} {
		e := opsNew(t, opsRotate)
		claims := map[string]any{"iss": json.RawMessage(iss)}
		e.wantRefused("iss "+iss, e.forge(claims), core.ErrTokenInvalid)
		if err := e.Blacklist(opsCtx(), e.forge(claims)); !errors.Is(err, core.ErrTokenInvalid) {
			t.Errorf("logout, iss %s: error %v", iss, err)
		}
		e.wantNoSlide("iss "+iss, e.forge(e.sliding(claims)), core.ErrTokenInvalid)
		if _, err := e.Verify(opsCtx(), e.forge(claims)); err != nil {
			t.Errorf("verify, iss %s: error %v", iss, err)
		}
	}
}

func TestABlacklistedTokenIsCalledSoEvenWithoutAnEnd(t *testing.T) {
	t.Parallel()
	e := opsNew(t, opsRotate)
	e.record(nil)
	if _, _, err := e.mem.Blacklist(opsCtx(), "made-elsewhere", nil, core.ReasonLogout, e.clock.now()); err != nil {
		t.Fatal(err)
	}
	e.wantRefused("without exp", e.forge(map[string]any{"exp": nil}), core.ErrTokenBlacklisted)
}

func TestWhatEachTokenClassSaidCanBeAskedFor(t *testing.T) {
	t.Parallel()
	e := opsNew(t)
	access := e.login().Access
	e.clock.advance(6 * time.Minute)
	_, _, err := e.AuthenticateToken(opsCtx(), access)
	if !errors.Is(err, core.ErrTokenNotAllowed) || !errors.Is(err, core.ErrTokenExpired) || errors.Is(err, core.ErrTokenBlacklisted) {
		t.Errorf("error %v", err)
	}
}

func TestAPairIsNotPrinted(t *testing.T) {
	t.Parallel()
	pair := core.Pair{Access: "telltale", Refresh: "telltale"}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "pair", pair)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "pair", pair)
	for _, text := range []string{fmt.Sprint(pair), fmt.Sprintf("%+v %#v %s %q %x", pair, pair, pair, &pair, []core.Pair{pair}), log.String()} {
		if strings.Contains(text, "telltale") || strings.Contains(text, "74656c6c") {
			t.Errorf("it is printed: %s", text)
		}
	}
}

// Users tell an id that cannot be from one that nobody has: SimpleJWT crashes on the one and logs out the other.
func TestALogoutAsksUsersWhetherAnIDCanBe(t *testing.T) {
	t.Parallel()
	for answer, want := range map[error]error{core.ErrUserIDInvalid: core.ErrNoActiveAccount, core.ErrUserNotFound: nil} {
		e := opsNew(t, opsRotate)
		e.spy.before = func(_ context.Context, call string) error {
			if call == "ByField" {
				return answer
			}
			return nil
		}
		if err := e.Blacklist(opsCtx(), e.forge(map[string]any{"user_id": "x"})); !errors.Is(err, want) {
			t.Errorf("users answer %q: error %v, want %v", answer, err, want)
		}
		if recorded := e.row("made-elsewhere") != nil; recorded != (want == nil) {
			t.Errorf("users answer %q: it is on record: %t", answer, recorded)
		}
	}
}
