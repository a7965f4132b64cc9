// Package models keeps token records and users in a database through GORM. Start with [AutoMigrate], [NewStore] and
// [NewUsers]. The tables are those of Django REST framework SimpleJWT's blacklist app, plus nullable columns, so that
// a Django process and this one can share a database.
//
// PostgreSQL is the database for more than one process; SQLite, 3.35 or later, serves a single machine. Every other database
// is an invalid setting: core.New reports it, AutoMigrate returns an error, and so does every method of the Store and of
// Users. The package imports no driver.
//
// The name that GORM's dialector reports ([gorm.Dialector].Name) decides, to the letter: "postgres" or "sqlite". A dialector
// that wraps one of these must report its name. What calls itself "postgres" is spoken to as PostgreSQL, whatever server
// answers; CockroachDB and other servers with PostgreSQL's protocol have not been tried.
//
// Open SQLite with write-ahead log, busy time-out, foreign keys, and transactions that take the write lock at once. With
// that log, synchronous(NORMAL) loses no consistency, and at most the last moments before a power cut. In the words of
// modernc.org/sqlite, version 1.60 or later:
//
//	file:app.db?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)
//
// Let the pool keep as many connections idle as it opens (SetMaxIdleConns; two unless set): a new one costs more than a
// request. Make one Store for a SQLite file: writers of one Store queue for the write lock instead of backing off.
package models

import "time"

const (
	outstandingTable = "token_blacklist_outstandingtoken"
	blacklistedTable = "token_blacklist_blacklistedtoken"
)

// OutstandingToken is the record of a refresh or sliding token, a row of token_blacklist_outstandingtoken. It is for
// reading ("the sessions of this user"); only the Store writes it.
type OutstandingToken struct {
	// ID grows from token to token. With BLACKLIST_AFTER_ROTATION only the newest row of a session can be of a good token.
	ID int64 `gorm:"column:id;primaryKey;autoIncrement;generated:identity"`
	// UserID is the primary key of the user as text, whatever the type of the column; nil for a token without a user and
	// where the user was deleted.
	UserID *string `gorm:"column:user_id;size:255"`
	// JTI is the id of the token, unique.
	JTI string `gorm:"column:jti;size:255;not null"`
	// Token is always empty in rows of this library. SimpleJWT stores the token itself here.
	Token string `gorm:"column:token;not null"`
	// CreatedAt is when the token was issued; nil in rows where Django's code left it out.
	CreatedAt *time.Time `gorm:"column:created_at;autoCreateTime:false"`
	// ExpiresAt is the end of the token.
	ExpiresAt time.Time `gorm:"column:expires_at;not null"`
	// SessionID is the jti of the first token of the session; nil in rows that Django wrote.
	SessionID *string `gorm:"column:session_id;size:255"`
	// ParentJTI is the token that this one was rotated from; nil for the first one of a session.
	ParentJTI *string `gorm:"column:parent_jti;size:255"`
	// SessionStartedAt is the time of the login; nil where it is unknown.
	SessionStartedAt *time.Time `gorm:"column:session_started_at"`
	// SessionExpiresAt is the absolute end of the session; nil where there is none.
	SessionExpiresAt *time.Time `gorm:"column:session_expires_at"`
	// DeviceName is what the client calls its device; nil where it did not say.
	DeviceName *string `gorm:"column:device_name;size:150"`
	// IP is the address that the login or refresh came from, as text; nil where it is unknown.
	IP *string `gorm:"column:ip;size:45"`
	// UserAgent is the client's User-Agent; nil where it sent none.
	UserAgent *string `gorm:"column:user_agent;size:512"`
	// Blacklisted is the row that consumed the token, nil for none: Preload("Blacklisted") or Joins("Blacklisted").
	Blacklisted *BlacklistedToken `gorm:"foreignKey:TokenID"`
}

// TableName is Django's name of the table.
func (OutstandingToken) TableName() string { return outstandingTable }

// BlacklistedToken says that an outstanding token is consumed, a row of token_blacklist_blacklistedtoken. It is for
// reading; only the Store writes it.
type BlacklistedToken struct {
	ID int64 `gorm:"column:id;primaryKey;autoIncrement;generated:identity"`
	// BlacklistedAt is when the token was consumed.
	BlacklistedAt time.Time `gorm:"column:blacklisted_at;not null"`
	// TokenID is the OutstandingToken, unique: the index decides every race for a token.
	TokenID int64 `gorm:"column:token_id;not null"`
	// Reason is one of core's reasons ("rotated", "logout"); nil where Django wrote the row.
	Reason *string `gorm:"column:reason;size:32"`
	// Token is the consumed token, for Preload("Token") and Joins("Token").
	Token *OutstandingToken `gorm:"foreignKey:TokenID"`
}

// TableName is Django's name of the table.
func (BlacklistedToken) TableName() string { return blacklistedTable }
