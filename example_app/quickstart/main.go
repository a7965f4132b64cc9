// Command quickstart is the program of README's quick start: SimpleJWT's endpoints and a protected route on net/http,
// over an SQLite file in the current folder.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/libtnb/sqlite"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/hashers"
	"github.com/go-simplejwt/simplejwt/models"
	"github.com/go-simplejwt/simplejwt/stdjwt"
)

// The code between the markers is in README letter for letter: docs_test.go in the root compares them.

// user:begin
type User struct {
	ID       int64
	Username string `gorm:"uniqueIndex;not null"`
	Password string `gorm:"not null"`
	Active   bool   `gorm:"not null"`
}

func (u *User) AuthID() string       { return strconv.FormatInt(u.ID, 10) }
func (u *User) AuthActive() bool     { return u.Active }
func (u *User) AuthPassword() string { return u.Password }

// user:end

// database:begin
const dsn = "file:app.db?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)"

func openDatabase(ctx context.Context, dsn string) (*gorm.DB, error) {
	db, err := gorm.Open(sqlite.Open(dsn), &gorm.Config{})
	if err != nil {
		return nil, err
	}
	if err := db.AutoMigrate(&User{}); err != nil {
		return nil, err
	}
	if err := models.AutoMigrate(ctx, db, &User{}); err != nil { // the tables of tokens
		return nil, err
	}
	passwords, err := hashers.New(hashers.Options{})
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

// database:end

// handler:begin
func newHandler(db *gorm.DB) (http.Handler, error) {
	settings := simplejwt.Recommended()
	settings.SigningKey = os.Getenv("SECRET_KEY")
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

// handler:end
