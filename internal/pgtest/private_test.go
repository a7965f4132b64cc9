package pgtest

import "testing"

func TestAClusterOfOnesOwnKeepsWhatWasCommittedWhenItIsStoppedAndStarted(t *testing.T) {
	t.Parallel()
	c := NewCluster(t)
	db := openDB(t, c.DSN())
	db.SetMaxIdleConns(0) // a stop leaves none that could be used again
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE kept AS SELECT 'kept' AS word"); err != nil {
		t.Fatalf("create table: %s", reason(err))
	}
	for range 2 {
		c.Stop(t)
		if err := db.PingContext(t.Context()); err == nil {
			t.Error("a server answers that was stopped")
		}
		c.Start(t)
		if got := queryString(t, db, "SELECT word FROM kept"); got != "kept" {
			t.Errorf("got %q, want what was committed", got)
		}
	}
}
