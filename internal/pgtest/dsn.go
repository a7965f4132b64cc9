package pgtest

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// withDatabase returns dsn, a URL or a key/value string, with another database.
// A dsn that is neither is returned unchanged: connecting to it has failed
// before this is called.
func withDatabase(dsn, name string) string {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return dsn + " dbname=" + name // of two equal keys the last one counts
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return dsn
	}
	u.Path, u.RawPath = "/"+name, ""
	// The query may name the database too, and would win over the path.
	q := u.Query()
	q.Del("dbname")
	q.Del("database")
	u.RawQuery = q.Encode()
	return u.String()
}

// describeError returns the cause of err without any text that could hold the
// DSN, its password or its host: drivers and net/url quote them in their errors.
func describeError(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Message + " (SQLSTATE " + pg.Code + ")"
	}
	var parse *pgconn.ParseConfigError
	if errors.As(err, &parse) {
		return "the connection string is not valid"
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no response in time"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return "the server cannot be reached"
	}
	return "the connection failed"
}
