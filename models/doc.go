// Package models keeps token records and users in a database through GORM. Start with [AutoMigrate], [NewStore] and
// [NewUsers]:
//
//	if err := models.AutoMigrate(ctx, db, &Account{}); err != nil { … }
//	auth, err := core.New(settings, core.Deps{Store: models.NewStore(db), Users: models.NewUsers[Account](db)})
//
// # Tables
//
// The two tables are those of Django REST framework SimpleJWT's blacklist app, plus nullable columns, so that a Django
// process and this one can share a database. A refresh or sliding token has one row in token_blacklist_outstandingtoken
// ([OutstandingToken]) from its issue until it is flushed, and a second one in token_blacklist_blacklistedtoken
// ([BlacklistedToken]) once it is used or revoked. The unique index on token_id ensures that only one of several concurrent
// uses of a token succeeds. Rows that Django wrote have no session id. Such a token starts a session whose id is the token's
// jti. The tables contain no tokens: the column token, where SimpleJWT stores it, stays empty.
//
// # Users
//
// A user is any GORM model with one column as its primary key and the three methods of [simplejwt.User]. [Users] finds it by
// the name of a login and by USER_ID_FIELD, and compares texts exactly even where the database ignores case. Ids are text
// in tokens: integers, strings, and types that read and write text, such as uuid.UUID.
//
// If [Store] and [Users] share a connection pool, a login is recorded only if the password has not changed since it was
// checked: see [Store.RecordLogin].
//
// # Migration
//
// [AutoMigrate] creates the tables, or adds nullable columns and indexes to those that Django made; it changes nothing else.
// The user's table must exist by then, as user_id refers to it. Any number of processes may migrate at once.
//
// # Databases
//
// PostgreSQL is the database for more than one process; SQLite, 3.35 or later, serves a single machine. Any other database is
// unsupported; core.New returns an error, and so do AutoMigrate and every method of the Store and of Users. The package
// imports no driver.
//
// The name that GORM's dialector reports ([gorm.Dialector].Name) must be exactly "postgres" or "sqlite". A dialector
// that wraps one of these must report its name. A dialector that calls itself "postgres" is treated as PostgreSQL, whatever
// the server is; CockroachDB and other servers with PostgreSQL's protocol have not been tried.
//
// Open SQLite with write-ahead log, busy time-out, foreign keys, and transactions that take the write lock at once. With
// WAL, synchronous(NORMAL) cannot corrupt the database; a power failure can lose the most recent commits. The DSN for
// modernc.org/sqlite 1.60 or later:
//
//	file:app.db?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)
//
// Let the pool keep as many connections idle as it opens (SetMaxIdleConns; two unless set): a new one costs more than a
// request. Make one Store for a SQLite file: writers of one Store queue for the write lock instead of backing off.
//
// # Concurrency
//
// A [Store] and [Users] are safe for concurrent use, by any number of goroutines and, on PostgreSQL, of processes and
// machines. No lock is held between two calls. On PostgreSQL each operation of a request is one statement, so one round trip,
// correct under every isolation level; on SQLite it is a short transaction that holds the write lock.
//
// An operation that loses to another transaction (a serialization failure, a deadlock, a locked file) is tried again, with
// growing pauses. A call gives up after 10 seconds or with its context, waiting for locks included. FlushExpired takes up to
// 10 seconds for each of its batches. If Rotate consumes nothing, it may take another 10 seconds to re-read the session.
//
// # Errors
//
// Some errors are expected results: [core.ErrUserGone], [core.ErrUserNotFound], [core.ErrUserIDInvalid] and
// [core.ErrFlushRunning]. Any other error names the operation and wraps that of the database ("rotate a token: …"). It does
// not mean that the token or the user is invalid: core returns core.ErrServiceUnavailable for it, never a denial.
package models
