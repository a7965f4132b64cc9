package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// newUsers returns two accounts: alice, and bob who is inactive.
func newUsers(t *testing.T) *memstore.Users {
	t.Helper()
	users := memstore.NewUsers()
	for _, a := range []memstore.Account{
		{ID: "1", Username: "alice", Password: "hash of alice"},
		{ID: "2", Username: "bob", Inactive: true},
	} {
		if err := users.Add(a); err != nil {
			t.Fatal(err)
		}
	}
	return users
}

func loadAccount(t *testing.T, users *memstore.Users, id string) *memstore.Account {
	t.Helper()
	user, err := users.ByField(t.Context(), "id", id)
	if err != nil {
		t.Fatal(err)
	}
	return user.(*memstore.Account)
}

func TestByField(t *testing.T) {
	t.Parallel()
	users := newUsers(t)
	for _, c := range []struct {
		name, field, value, wantID string
		wantErr                    error
	}{
		{"an id finds its account", "id", "1", "1", nil},
		{"a username finds its account", "username", "bob", "2", nil},
		{"an id in another spelling finds nobody", "id", "01", "", core.ErrUserNotFound},
		{"a username in another case finds nobody", "username", "Alice", "", core.ErrUserNotFound},
		{"an empty id finds nobody", "id", "", "", core.ErrUserNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			user, err := users.ByField(t.Context(), c.field, c.value)
			if !errors.Is(err, c.wantErr) {
				t.Fatalf("error %v, want %v", err, c.wantErr)
			}
			if err == nil && user.AuthID() != c.wantID {
				t.Errorf("id %q, want %q", user.AuthID(), c.wantID)
			}
		})
	}
	if _, err := users.ByField(t.Context(), "email", "x"); err == nil || errors.Is(err, core.ErrUserNotFound) {
		t.Errorf("an unknown field: error %v, want one that is not core.ErrUserNotFound", err)
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	users := newUsers(t)
	user, err := users.ByUsername(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if user.AuthID() != "1" || !user.AuthActive() || user.AuthPassword() != "hash of alice" || users.UsernameField() != "username" {
		t.Errorf("alice is %+v, found by %q", user, users.UsernameField())
	}
	if loadAccount(t, users, "2").AuthActive() {
		t.Error("an inactive account is active")
	}
}

func TestByField_ReturnsCopies(t *testing.T) {
	t.Parallel()
	users := newUsers(t)
	loadAccount(t, users, "1").Password = "changed"
	if got := loadAccount(t, users, "1").Password; got != "hash of alice" {
		t.Errorf("the stored password is %q after a caller changed its copy", got)
	}
}

func TestFieldValue(t *testing.T) {
	t.Parallel()
	users := newUsers(t)
	alice := loadAccount(t, users, "1")
	for field, want := range map[string]string{"id": "1", "username": "alice"} {
		if got, err := users.FieldValue(alice, field); got != want || err != nil {
			t.Errorf("FieldValue(%s) = %q, error %v; want %q", field, got, err, want)
		}
	}
	for name, user := range map[string]simplejwt.User{
		"no user": nil, "a nil account": (*memstore.Account)(nil), "a user of other Users": &core.TokenUser{},
	} {
		if _, err := users.FieldValue(user, "id"); err == nil {
			t.Errorf("FieldValue of %s: no error", name)
		}
	}
	if _, err := users.FieldValue(alice, "email"); err == nil {
		t.Error("FieldValue of an unknown field: no error")
	}
}

func TestAdd_EmptyOrTaken(t *testing.T) {
	t.Parallel()
	users := newUsers(t)
	for name, err := range map[string]error{
		"add without an id":           users.Add(memstore.Account{Username: "carol"}),
		"add without a username":      users.Add(memstore.Account{ID: "3"}),
		"add with a taken id":         users.Add(memstore.Account{ID: "1", Username: "carol"}),
		"add with a taken username":   users.Add(memstore.Account{ID: "3", Username: "alice"}),
		"update to a taken username":  users.Update(memstore.Account{ID: "2", Username: "alice"}),
		"update to an empty username": users.Update(memstore.Account{ID: "2"}),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := users.Update(memstore.Account{ID: "3", Username: "carol"}); !errors.Is(err, core.ErrUserNotFound) {
		t.Errorf("update of an unknown account: error %v, want core.ErrUserNotFound", err)
	}
	want := []memstore.Account{{ID: "1", Username: "alice", Password: "hash of alice"}, {ID: "2", Username: "bob", Inactive: true}}
	if diff := cmp.Diff(want, []memstore.Account{*loadAccount(t, users, "1"), *loadAccount(t, users, "2")}); diff != "" {
		t.Errorf("a rejected change changed something (-want +got):\n%s", diff)
	}
}

func TestUpdate_Delete(t *testing.T) {
	t.Parallel()
	users := newUsers(t)
	if err := users.Update(memstore.Account{ID: "2", Username: "robert"}); err != nil {
		t.Fatal(err)
	}
	if _, err := users.ByUsername(t.Context(), "bob"); !errors.Is(err, core.ErrUserNotFound) {
		t.Errorf("the old username: error %v, want core.ErrUserNotFound", err)
	}
	if user, err := users.ByUsername(t.Context(), "robert"); err != nil || !user.AuthActive() {
		t.Errorf("the new username: %+v, error %v; want an active account", user, err)
	}
	users.Delete("2")
	users.Delete("unknown")
	for field, value := range map[string]string{"id": "2", "username": "robert"} {
		if _, err := users.ByField(t.Context(), field, value); !errors.Is(err, core.ErrUserNotFound) {
			t.Errorf("a deleted account by %s: error %v, want core.ErrUserNotFound", field, err)
		}
	}
	if err := users.Add(memstore.Account{ID: "9", Username: "robert"}); err != nil {
		t.Errorf("the username of a deleted account is taken: %v", err)
	}
}

func TestUpdateLastLogin(t *testing.T) {
	t.Parallel()
	users := newUsers(t)
	alice := loadAccount(t, users, "1")
	if err := users.UpdateLastLogin(t.Context(), alice, noon.In(time.FixedZone("east", 3600))); err != nil {
		t.Fatal(err)
	}
	for _, got := range []time.Time{alice.LastLogin, loadAccount(t, users, "1").LastLogin} {
		if got != noon {
			t.Errorf("last login %v, want %v", got, noon)
		}
	}
}

func TestUpdatePassword(t *testing.T) {
	t.Parallel()
	users := newUsers(t)
	first, second := loadAccount(t, users, "1"), loadAccount(t, users, "1")
	for _, c := range []struct {
		name    string
		user    *memstore.Account
		encoded string
		want    string
	}{
		{"a hash that is still stored is replaced", first, "newer", "newer"},
		{"a hash that was changed meanwhile stays", second, "other", "newer"},
	} {
		if err := users.UpdatePassword(t.Context(), c.user, c.encoded); err != nil {
			t.Fatal(err)
		}
		if got := [2]string{c.user.AuthPassword(), loadAccount(t, users, "1").Password}; got != [2]string{c.want, c.want} {
			t.Errorf("%s: the caller's and the stored hash are %q, want %q", c.name, got, c.want)
		}
	}
}

func TestUpdatePassword_UnknownUser(t *testing.T) {
	t.Parallel()
	users := newUsers(t)
	alice := loadAccount(t, users, "1")
	users.Delete("1")
	if err := users.UpdatePassword(t.Context(), alice, "x"); !errors.Is(err, core.ErrUserNotFound) {
		t.Errorf("UpdatePassword of a deleted account: error %v, want core.ErrUserNotFound", err)
	}
	if err := users.UpdateLastLogin(t.Context(), &core.TokenUser{}, noon); err == nil {
		t.Error("UpdateLastLogin of a user of other Users: no error")
	}
}

func TestUsers_ContextCanceled(t *testing.T) {
	t.Parallel()
	users := newUsers(t)
	alice := loadAccount(t, users, "1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, byName := users.ByUsername(ctx, "alice")
	for name, err := range map[string]error{
		"ByUsername": byName, "UpdatePassword": users.UpdatePassword(ctx, alice, "x"), "UpdateLastLogin": users.UpdateLastLogin(ctx, alice, noon),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want context.Canceled", name, err)
		}
	}
	if got := loadAccount(t, users, "1"); got.Password != "hash of alice" || !got.LastLogin.IsZero() {
		t.Errorf("a cancelled call changed the account to %+v", got)
	}
}

func TestCheckUsers(t *testing.T) {
	t.Parallel()
	users := memstore.NewUsers()
	for field, want := range map[string]int{"id": 0, "username": 0, "email": 1} {
		if invalid := users.CheckUsers(field, true); len(invalid) != want {
			t.Errorf("CheckUsers(%q) found %v, want %d invalid settings", field, invalid, want)
		}
	}
}

func TestUsers_Concurrent(t *testing.T) {
	t.Parallel()
	users := newUsers(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			user, err := users.ByUsername(t.Context(), "alice")
			if err != nil {
				t.Error(err)
				return
			}
			errs := errors.Join(
				users.UpdateLastLogin(t.Context(), user, noon),
				users.UpdatePassword(t.Context(), user, fmt.Sprint("hash ", i)),
				users.Update(memstore.Account{ID: "2", Username: "bob"}),
			)
			if errs != nil {
				t.Error(errs)
			}
		})
	}
	wg.Wait()
}

func ExampleUsers() {
	users := memstore.NewUsers()
	if err := users.Add(memstore.Account{ID: "1", Username: "alice"}); err != nil {
		fmt.Println(err)
	}
	alice, err := users.ByUsername(context.Background(), "alice")
	fmt.Println(alice.AuthID(), alice.AuthActive(), err)
	_, err = users.ByUsername(context.Background(), "bob")
	fmt.Println(errors.Is(err, core.ErrUserNotFound))
	// Output:
	// 1 true <nil>
	// true
}
