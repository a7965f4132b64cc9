package models

import "time"

// Django's names of the tables.
const (
	outstandingTable = "token_blacklist_outstandingtoken"
	blacklistedTable = "token_blacklist_blacklistedtoken"
)

// OutstandingToken is the record of a refresh or sliding token, a row of token_blacklist_outstandingtoken. It is for
// reading ("the sessions of this user"); only the Store writes it. Times are in UTC, to the microsecond. Columns that are
// nullable in the table are pointers.
type OutstandingToken struct {
	// ID grows from token to token. With BLACKLIST_AFTER_ROTATION only the newest row of a session can be that of a usable
	// token.
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
	// ExpiresAt is when the token expires. FlushExpired deletes rows by it.
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
	// Blacklisted is the row that consumed the token, nil for none, and nil in a query without
	// Preload("Blacklisted") or Joins("Blacklisted").
	Blacklisted *BlacklistedToken `gorm:"foreignKey:TokenID"`
}

// TableName returns Django's name of the table, for GORM.
func (OutstandingToken) TableName() string { return outstandingTable }

// BlacklistedToken says that an outstanding token was used or revoked, a row of token_blacklist_blacklistedtoken. It is for
// reading; only the Store writes it. A row is never changed, and goes with that of its token.
type BlacklistedToken struct {
	// ID is the primary key of the row, not of the token.
	ID int64 `gorm:"column:id;primaryKey;autoIncrement;generated:identity"`
	// BlacklistedAt is when the token was consumed.
	BlacklistedAt time.Time `gorm:"column:blacklisted_at;not null"`
	// TokenID is the OutstandingToken, unique: the index decides every race for a token.
	TokenID int64 `gorm:"column:token_id;not null"`
	// Reason is the text of a core.Reason ("rotated", "logout"); nil where Django wrote the row.
	Reason *string `gorm:"column:reason;size:32"`
	// Token is the record of the token, for Preload("Token") and Joins("Token"); nil in a query without.
	Token *OutstandingToken `gorm:"foreignKey:TokenID"`
}

// TableName returns Django's name of the table, for GORM.
func (BlacklistedToken) TableName() string { return blacklistedTable }
