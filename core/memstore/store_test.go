package memstore_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
	"github.com/go-simplejwt/simplejwt/core/storetest"
)

var noon = time.Date(2030, time.May, 6, 12, 0, 0, 0, time.UTC)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) storetest.Harness {
		store := memstore.New()
		return storetest.Harness{
			Store: store,
			DeleteUser: func(_ context.Context, id string) error {
				store.ForgetUser(id)
				return nil
			},
		}
	})
}

func TestFlushExpired_EveryIndex(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	ctx := t.Context()
	for i := range 2500 {
		recordToken(t, store, core.OutstandingToken{
			JTI: fmt.Sprint("t", i), UserID: "1", SessionID: fmt.Sprint("s", i%2), ExpiresAt: noon.Add(time.Duration(i%5) * time.Hour),
		})
	}
	n, err := store.FlushExpired(ctx, noon.Add(time.Hour))
	if n != 1000 || err != nil {
		t.Fatalf("FlushExpired deleted %d, error %v; want 1000", n, err)
	}
	for _, scope := range []core.Scope{{SessionID: "s0"}, {UserID: "1"}} {
		n, err := store.Revoke(ctx, scope, core.ReasonAdmin, noon)
		if n != 750 || err != nil {
			t.Errorf("Revoke(%+v) consumed %d, error %v; want 750, half of what is left", scope, n, err)
		}
	}
	if n, err = store.FlushExpired(ctx, noon.Add(24*time.Hour)); n != 1500 || err != nil {
		t.Errorf("the last FlushExpired deleted %d, error %v; want 1500", n, err)
	}
	if diff := cmp.Diff([4]int{}, memstore.Sizes(store)); diff != "" {
		t.Errorf("an empty store keeps something (-want +got):\n%s", diff)
	}
}

func TestForgetUser(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	recordToken(t, store, core.OutstandingToken{JTI: "a", UserID: "1", ExpiresAt: noon})
	store.ForgetUser("1")
	store.ForgetUser("unknown")
	if diff := cmp.Diff([4]int{1, 1, 0, 1}, memstore.Sizes(store)); diff != "" {
		t.Errorf("rows, sessions, users, expiries (-want +got):\n%s", diff)
	}
}

func TestFlushExpired_OneBatch(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	for i := range 1000 {
		recordToken(t, store, core.OutstandingToken{JTI: fmt.Sprint(i), ExpiresAt: noon})
	}
	if n, err := store.FlushExpired(t.Context(), noon); n != 1000 || err != nil {
		t.Errorf("FlushExpired deleted %d, error %v; want 1000", n, err)
	}
}

func recordToken(t *testing.T, store *memstore.Store, token core.OutstandingToken) {
	t.Helper()
	if err := store.Record(t.Context(), token); err != nil {
		t.Fatal(err)
	}
}

func ExampleStore() {
	ctx := context.Background()
	store := memstore.New()
	login := core.OutstandingToken{JTI: "first", UserID: "1", SessionID: "first", CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}
	if err := store.Record(ctx, login); err != nil {
		fmt.Println(err)
	}

	refresh := core.Rotation{JTI: "first", NewJTI: "second", ExpiresAt: noon.Add(2 * time.Hour), Now: noon, ActiveAfter: noon, Consume: true}
	successor, rotated, err := store.Rotate(ctx, refresh)
	fmt.Println(rotated, successor.JTI, "of session", successor.SessionID, err)

	refresh.NewJTI = "third"
	_, rotated, err = store.Rotate(ctx, refresh)
	fmt.Println(rotated, err)
	// Output:
	// true second of session first <nil>
	// false <nil>
}
