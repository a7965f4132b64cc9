package core

import (
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt"
)

func TestNew_IDs(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(0x0198_1234_5678)
	a, err := New(simplejwt.Settings{SigningKey: "a signing key of these tests, 32 bytes"}, Deps{Users: noUsers{}, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range 1000 {
		id := a.deps.NewID()
		if len(id) != 32 || id[:12] != "019812345678" || seen[id] {
			t.Fatalf("the id is %q", id)
		}
		seen[id] = true
	}
	before := a.deps.NewID()
	now = now.Add(time.Millisecond)
	if after := a.deps.NewID(); after <= before {
		t.Errorf("the id %q of a later millisecond sorts before %q", after, before)
	}
}
