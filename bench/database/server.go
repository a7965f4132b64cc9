package database

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/go-simplejwt/simplejwt/internal/pgtest"
	"github.com/go-simplejwt/simplejwt/models"
)

// serverSettings are the differences to PostgreSQL's defaults: the memory of a small server, and enough WAL that no
// checkpoint happens during some of the turns. Autovacuum runs, as it does by default.
var serverSettings = []string{
	"shared_buffers=512MB", "max_connections=300", "max_wal_size=8GB", "checkpoint_timeout=30min", "jit=off",
}

// account is the user model: tokens refer to it by a foreign key, as in an application.
type account struct {
	ID       int64
	Username string `gorm:"uniqueIndex"`
}

// server is a throw-away PostgreSQL that writes to disk.
type server struct {
	cluster *pgtest.Durable
	admin   *sql.DB
}

// startServer starts a server. Errors: pgtest.ErrNoServer on a machine without PostgreSQL.
func startServer(ctx context.Context) (*server, error) {
	cluster, err := pgtest.StartDurable(serverSettings...)
	if err != nil {
		return nil, err
	}
	admin, err := sql.Open("pgx", cluster.DSN())
	if err == nil {
		err = admin.PingContext(ctx)
	}
	if err != nil {
		cluster.Stop()
		return nil, err
	}
	return &server{cluster: cluster, admin: admin}, nil
}

// stop ends the server and removes its data.
func (s *server) stop() {
	_ = s.admin.Close()
	s.cluster.Stop()
}

// describeSettings returns a line with the version and the settings of the server.
func (s *server) describeSettings(ctx context.Context) (string, error) {
	var version string
	if err := s.admin.QueryRowContext(ctx, "SELECT current_setting('server_version')").Scan(&version); err != nil {
		return "", err
	}
	var said []string
	for _, name := range []string{
		"shared_buffers", "fsync", "synchronous_commit", "full_page_writes", "max_wal_size", "checkpoint_timeout", "autovacuum",
	} {
		var value string
		if err := s.admin.QueryRowContext(ctx, "SELECT current_setting($1)", name).Scan(&value); err != nil {
			return "", err
		}
		said = append(said, name+" "+value)
	}
	return fmt.Sprintf("PostgreSQL %s, %s; data on disk, below %s", version, strings.Join(said, ", "), s.cluster.Folder()), nil
}

// tables is a database with the tables of users and tokens, and connections to it.
type tables struct {
	name, dsn string
	db        *gorm.DB // for what is not measured
	pool      *sql.DB  // that of db
	store     *models.Store
}

// newTables creates a database with so many users.
func (s *server) newTables(ctx context.Context, name string, users int) (*tables, error) {
	if _, err := s.admin.ExecContext(ctx, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		return nil, err
	}
	dsn := pgtest.Database(s.cluster.DSN(), name)
	db, pool, err := openPostgres(dsn, 8)
	if err != nil {
		return nil, err
	}
	t := &tables{name: name, dsn: dsn, db: db, pool: pool, store: models.NewStore(db)}
	err = db.WithContext(ctx).AutoMigrate(&account{})
	if err == nil {
		err = models.AutoMigrate(ctx, db, &account{})
	}
	// Users with known ids, as the rows of fill refer to them.
	if err == nil {
		err = t.execStatement(ctx, `INSERT INTO accounts (id, username) SELECT i, 'user' || i FROM generate_series(1, $1::bigint) i`, users)
	}
	if err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

// close closes the connections. The database goes with the server.
func (t *tables) close() { _ = t.pool.Close() }

// execStatement runs a statement.
func (t *tables) execStatement(ctx context.Context, statement string, args ...any) error {
	_, err := t.pool.ExecContext(ctx, statement, args...)
	return err
}

// queryCount returns the number that a query selects.
func (t *tables) queryCount(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = t.pool.QueryRowContext(ctx, query, args...).Scan(&n)
	return n, err
}

// vacuumAndCheckpoint updates the statistics of the planner and writes all pages to disk, so that neither happens during a
// measurement.
func (t *tables) vacuumAndCheckpoint(ctx context.Context) error {
	if err := t.execStatement(ctx, "VACUUM (ANALYZE)"); err != nil {
		return err
	}
	return t.execStatement(ctx, "CHECKPOINT")
}

// openPostgres opens GORM as an application does, with so many connections. changes may change their configuration.
func openPostgres(dsn string, connections int, changes ...func(*pgx.ConnConfig)) (*gorm.DB, *sql.DB, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, nil, err
	}
	for _, change := range changes {
		change(config)
	}
	pool := stdlib.OpenDB(*config) // so that changes of config apply
	setPoolSize(pool, connections)
	db, err := gorm.Open(postgres.New(postgres.Config{Conn: pool}), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		_ = pool.Close()
		return nil, nil, err
	}
	return db, pool, nil
}

// setPoolSize lets a pool open so many connections and keep them.
func setPoolSize(pool *sql.DB, connections int) {
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	pool.SetConnMaxIdleTime(5 * time.Minute)
}
