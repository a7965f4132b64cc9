package main

import (
	"strconv"
	"time"
)

// Account is the user model: Django's auth_user, column by column, so that the example runs on a Django project's database. The library
// needs no more of a user than the three methods below.
type Account struct {
	ID          int64      `gorm:"primaryKey"`
	Password    string     `gorm:"size:128;not null"`
	LastLogin   *time.Time `gorm:"column:last_login"`
	IsSuperuser bool       `gorm:"not null;default:false"`
	Username    string     `gorm:"size:150;uniqueIndex;not null"`
	FirstName   string     `gorm:"size:150;not null;default:''"`
	LastName    string     `gorm:"size:150;not null;default:''"`
	Email       string     `gorm:"size:254;not null;default:''"`
	IsStaff     bool       `gorm:"not null;default:false"`
	IsActive    bool       `gorm:"not null"`
	DateJoined  time.Time  `gorm:"not null"`
}

// TableName is the table of Django's default user model.
func (Account) TableName() string { return "auth_user" }

// AuthID returns the primary key as text: the claim of tokens and the column user_id of their rows.
func (a *Account) AuthID() string { return strconv.FormatInt(a.ID, 10) }

// AuthActive reports whether the user may log in and use tokens.
func (a *Account) AuthActive() bool { return a.IsActive }

// AuthPassword returns the stored hash, in one of Django's formats.
func (a *Account) AuthPassword() string { return a.Password }
