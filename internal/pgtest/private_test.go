package pgtest

import "testing"

func TestNewCluster_StopAndStart(t *testing.T) {
	t.Parallel()
	c := NewCluster(t)
	db := openDatabase(t, c.DSN())
	db.SetMaxIdleConns(0) // a stop closes all connections, so keep none
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE kept AS SELECT 'kept' AS word"); err != nil {
		t.Fatalf("create table: %s", describeError(err))
	}
	for range 2 {
		c.Stop(t)
		if err := db.PingContext(t.Context()); err == nil {
			t.Error("a server that was stopped answers")
		}
		c.Start(t)
		if got := queryText(t, db, "SELECT word FROM kept"); got != "kept" {
			t.Errorf("got %q, want what was committed", got)
		}
	}
}
