package storetest

import (
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	t.Parallel()
	Run(t, func(*testing.T) Harness {
		g := newGuarded()
		return g.harness(g)
	})
}

func TestRun_BrokenStores(t *testing.T) {
	t.Parallel()
	byName := make(map[string]testCase)
	for _, c := range allCases() {
		byName[c.name] = c
	}
	for _, m := range brokenStores() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			c, ok := byName[m.caught]
			if !ok {
				t.Fatalf("no case is named %q", m.caught)
			}
			g := newGuarded()
			found := failures(t.Context(), c, g.harness(m.breaks(g)))
			if len(found) == 0 {
				t.Errorf("the case %q passes with a broken store", m.caught)
			}
		})
	}
}

func TestRun_EveryCaseCanFail(t *testing.T) {
	t.Parallel()
	finds := make(map[string]bool)
	for _, m := range brokenStores() {
		finds[m.caught] = true
	}
	seen := make(map[string]bool)
	for _, c := range allCases() {
		if seen[c.name] {
			t.Errorf("two cases are named %q", c.name)
		}
		seen[c.name] = true
		if !finds[c.name] {
			t.Errorf("no broken store shows that the case %q can fail", c.name)
		}
		if strings.TrimSpace(c.rule) == "" {
			t.Errorf("the case %q explains no rule", c.name)
		}
	}
}

func TestRun_WithoutUsers(t *testing.T) {
	t.Parallel()
	g := newGuarded()
	for _, c := range userCases() {
		if why := c.missing(Harness{Store: g}); why == "" {
			t.Errorf("the case %q runs without users", c.name)
		}
		if why := c.missing(g.harness(g)); why != "" {
			t.Errorf("the case %q is skipped with users: %s", c.name, why)
		}
	}
}
