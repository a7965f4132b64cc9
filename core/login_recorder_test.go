package core_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/hashers"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// opsRecorder is a store with the ability to record a login, which answers as it is told. record is where it records.
type opsRecorder struct {
	*opsStore
	answer func(record func() error) (bool, error)
}

func (s *opsRecorder) RecordLogin(ctx context.Context, t core.OutstandingToken, _ core.Users, _ simplejwt.User) (done bool, err error) {
	err = s.spy.watch(ctx, "RecordLogin", func() (err error) {
		done, err = s.answer(func() error { return s.Store.Record(ctx, t) })
		return err
	})
	return done, err
}

func opsRecords(answer func(record func() error) (bool, error)) opsOption {
	return func(_ *simplejwt.Settings, d *core.Deps) {
		d.Store = &opsRecorder{d.Store.(*opsStore), answer}
	}
}

func opsRecord(record func() error) (bool, error) { err := record(); return err == nil, err }

func TestAStoreRecordsALoginWhileThePasswordIsTheSame(t *testing.T) {
	t.Parallel()
	h, err := hashers.New(hashers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	hash := func(password string) string {
		encoded, err := h.Make(opsCtx(), password)
		if err != nil {
			t.Fatal(err)
		}
		return encoded
	}
	old, again, other := hash(opsPassword), hash(opsPassword), hash("another")
	decline := func(func() error) (bool, error) { return false, nil }
	for name, c := range map[string]struct {
		answer func(record func() error) (bool, error)
		stored string // what is stored meanwhile, "-" where the user is deleted
		want   error
		calls  []string
	}{
		"it does":                    {opsRecord, old, nil, []string{"ByUsername", "RecordLogin"}},
		"it can't for such users":    {func(func() error) (bool, error) { return false, errors.ErrUnsupported }, old, nil, []string{"ByUsername", "RecordLogin", "Record", "ByField"}},
		"the user is gone":           {func(func() error) (bool, error) { return false, core.ErrUserGone }, old, core.ErrNoActiveAccount, []string{"ByUsername", "RecordLogin"}},
		"it is down":                 {func(func() error) (bool, error) { return false, errors.New("down") }, old, core.ErrServiceUnavailable, []string{"ByUsername", "RecordLogin"}},
		"another password":           {decline, other, core.ErrNoActiveAccount, []string{"ByUsername", "RecordLogin", "ByField"}},
		"a deleted user":             {decline, "-", core.ErrNoActiveAccount, []string{"ByUsername", "RecordLogin", "ByField"}},
		"another hash of the same":   {decline, again, nil, []string{"ByUsername", "RecordLogin", "ByField", "Record", "ByField"}},
		"a hash it can't compare to": {decline, old, nil, []string{"ByUsername", "RecordLogin", "ByField", "Record", "ByField"}},
	} {
		for way, login := range map[string]func(*opsEnv) error{
			"ObtainPair":    func(e *opsEnv) error { _, _, err := e.ObtainPair(opsCtx(), "alice", opsPassword); return err },
			"ObtainSliding": func(e *opsEnv) error { _, _, err := e.ObtainSliding(opsCtx(), "alice", opsPassword); return err },
		} {
			var e *opsEnv
			e = opsNew(t, opsRecords(func(record func() error) (bool, error) {
				if c.stored == "-" {
					e.accounts.Delete("1")
				} else {
					e.change(func(a *memstore.Account) { a.Password = c.stored })
				}
				return c.answer(record)
			}))
			e.change(func(a *memstore.Account) { a.Password = old })
			if err := login(e); !errors.Is(err, c.want) {
				t.Errorf("%s, %s: error %v, want %v", way, name, err, c.want)
			}
			calls := slices.DeleteFunc(e.spy.take(), func(call string) bool { return call == "FieldValue" })
			if diff := cmp.Diff(c.calls, calls); diff != "" {
				t.Errorf("%s, %s: calls (-want +got):\n%s", way, name, diff)
			}
			live, want := 0, 1
			if c.want != nil {
				want = 0
			}
			if live, err = e.mem.Revoke(opsCtx(), core.Scope{UserID: "1"}, core.ReasonAdmin, e.clock.now()); err != nil || live != want {
				t.Errorf("%s, %s: %d live tokens, error %v, want %d", way, name, live, err, want)
			}
		}
	}
}

func TestALoginWithoutAStoredPasswordIsRecordedAsItIs(t *testing.T) {
	t.Parallel()
	never := opsRecords(func(func() error) (bool, error) { t.Error("the store was asked for the password"); return false, nil })
	e := opsNew(t, never)
	e.login()
	e.loginSliding()
	if _, err := e.ForUser(opsCtx(), core.RefreshToken, e.user("alice")); err != nil {
		t.Error(err)
	}
	e = opsNew(t, never, func(_ *simplejwt.Settings, d *core.Deps) {
		d.Authenticate = func(context.Context, string, string) (simplejwt.User, error) { return &memstore.Account{ID: "1"}, nil }
	})
	if _, _, err := e.ObtainPair(opsCtx(), "alice", "known elsewhere"); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"FieldValue", "Record"}, e.spy.take()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	e = opsNew(t, never, opsNoIDs)
	e.change(func(a *memstore.Account) { a.Password = opsCheapHash })
	if _, _, err := e.ObtainPair(opsCtx(), "alice", opsPassword); err != nil {
		t.Error(err)
	}
}
