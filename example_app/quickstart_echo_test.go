package main

import (
	"context"
	"net/http"
	"os"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/libtnb/sqlite"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/echojwt"
	"github.com/go-simplejwt/simplejwt/models"
)

// quickstart:begin
func newEcho(ctx context.Context, dsn string) (http.Handler, error) {
	db, err := gorm.Open(sqlite.Open(dsn), &gorm.Config{})
	if err != nil {
		return nil, err
	}
	if err := db.AutoMigrate(&User{}); err != nil {
		return nil, err
	}
	if err := models.AutoMigrate(ctx, db, &User{}); err != nil {
		return nil, err
	}
	settings := simplejwt.Recommended()
	settings.SigningKey = os.Getenv("SECRET_KEY")
	auth, err := core.New(settings, core.Deps{Users: models.NewUsers[User](db), Store: models.NewStore(db)})
	if err != nil {
		return nil, err
	}
	e := echo.New()
	echojwt.Mount(e.Group("/api/token"), auth)
	e.GET("/api/me", func(c echo.Context) error {
		user, _ := echojwt.User[*User](c)
		return c.JSON(http.StatusOK, map[string]string{"username": user.Username})
	}, echojwt.Required(auth))
	return e, nil
}

// quickstart:end

func TestQuickStartEcho(t *testing.T) { testQuickStart(t, newEcho) }
