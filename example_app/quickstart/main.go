// Command quickstart logs users in with simplejwt and protects a route, on net/http with SQLite.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/libtnb/sqlite" // the SQLite driver for GORM, without a C compiler
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/hashers"
	"github.com/go-simplejwt/simplejwt/models"
	"github.com/go-simplejwt/simplejwt/stdjwt"
)

// User is your user model: any GORM model with one primary key and these three methods.
type User struct {
	ID       int64
	Username string `gorm:"uniqueIndex;not null"`
	Password string `gorm:"not null"`
	Active   bool   `gorm:"not null"`
}

// AuthID returns the primary key as text.
func (u *User) AuthID() string { return strconv.FormatInt(u.ID, 10) }

// AuthActive reports whether the user may authenticate.
func (u *User) AuthActive() bool { return u.Active }

// AuthPassword returns the stored password hash, never the password.
func (u *User) AuthPassword() string { return u.Password }

const dsn = "file:app.db?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)"

// openDatabase opens the database, creates its tables and stores the user alice.
func openDatabase(ctx context.Context, dsn string) (*gorm.DB, error) {
	db, err := gorm.Open(sqlite.Open(dsn), &gorm.Config{})
	if err != nil {
		return nil, err
	}
	if err := db.AutoMigrate(&User{}); err != nil {
		return nil, err
	}
	if err := models.AutoMigrate(ctx, db, &User{}); err != nil { // the token tables
		return nil, err
	}
	passwords, err := hashers.New(hashers.Options{}) // hashes passwords in Django's formats, argon2 by default
	if err != nil {
		return nil, err
	}
	hash, err := passwords.Make(ctx, "correct horse")
	if err != nil {
		return nil, err
	}
	alice := User{Username: "alice"}
	return db, db.Where(&alice).Attrs(User{Password: hash, Active: true}).FirstOrCreate(&alice).Error
}

// newHandler mounts the token endpoints and a route for logged-in users.
func newHandler(db *gorm.DB) (http.Handler, error) {
	settings := simplejwt.Recommended()
	settings.SigningKey = os.Getenv("SECRET_KEY")
	if settings.SigningKey == "" {
		return nil, errors.New("SECRET_KEY is not set: set it to a secret of 32 bytes or more, such as the output of openssl rand -base64 48")
	}
	auth, err := core.New(settings, core.Deps{Users: models.NewUsers[User](db), Store: models.NewStore(db)})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	stdjwt.Mount(mux, "/api/token/", auth)
	mux.Handle("GET /api/me", stdjwt.Required(auth)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := stdjwt.User[*User](r)
		fmt.Fprintf(w, "Hello, %s!\n", user.Username)
	})))
	return mux, nil
}

func main() {
	db, err := openDatabase(context.Background(), dsn)
	if err != nil {
		log.Fatal(err)
	}
	handler, err := newHandler(db)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Addr: "127.0.0.1:8000", Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}
