package models_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/libtnb/sqlite"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/models"
)

// Customer is a user model: any GORM model with these three methods.
type Customer struct {
	ID       int64
	Username string `gorm:"uniqueIndex"`
	Password string
	Blocked  bool
}

func (c *Customer) AuthID() string       { return strconv.FormatInt(c.ID, 10) }
func (c *Customer) AuthActive() bool     { return !c.Blocked }
func (c *Customer) AuthPassword() string { return c.Password }

// Tables, store and users in one SQLite file. With PostgreSQL only gorm.Open differs.
func Example() {
	if err := keepTokens(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// refreshed for ann
	// 1 rotated
	// 1 live
}

func keepTokens(ctx context.Context) error {
	folder, err := os.MkdirTemp("", "simplejwt-example")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	dsn := "file:" + filepath.ToSlash(filepath.Join(folder, "app.db")) + "?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)"
	db, err := gorm.Open(sqlite.Open(dsn), &gorm.Config{})
	if err != nil {
		return err
	}
	pool, err := db.DB()
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()

	// The application's own tables first: those of the tokens refer to the users.
	if err := db.AutoMigrate(&Customer{}); err != nil {
		return err
	}
	if err := models.AutoMigrate(ctx, db, &Customer{}); err != nil {
		return err
	}
	ann := &Customer{Username: "ann"}
	if err := db.Create(ann).Error; err != nil {
		return err
	}

	settings := simplejwt.Recommended()
	settings.SigningKey = "an example's key of thirty-two bytes or more"
	auth, err := core.New(settings, core.Deps{Users: models.NewUsers[Customer](db), Store: models.NewStore(db)})
	if err != nil {
		return err
	}
	pair, err := auth.Login(ctx, ann)
	if err != nil {
		return err
	}
	_, user, err := auth.Refresh(ctx, pair.Refresh)
	if err != nil {
		return err
	}
	fmt.Println("refreshed for", user.(*Customer).Username)

	// The rows are plain GORM models: here the tokens of a user.
	var tokens []models.OutstandingToken
	if err := db.Preload("Blacklisted").Where("user_id = ?", ann.ID).Order("id").Find(&tokens).Error; err != nil {
		return err
	}
	for _, token := range tokens {
		state := "live"
		if token.Blacklisted != nil {
			state = *token.Blacklisted.Reason
		}
		fmt.Println(*token.UserID, state)
	}
	return nil
}
