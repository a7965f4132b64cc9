package main

import (
	"context"
	"net/http"
	"os"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/libtnb/sqlite"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/ginjwt"
	"github.com/go-simplejwt/simplejwt/models"
)

// quickstart:begin
func newGin(ctx context.Context, dsn string) (http.Handler, error) {
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
	r := gin.Default()
	ginjwt.Mount(r.Group("/api/token"), auth)
	r.GET("/api/me", ginjwt.Required(auth), func(c *gin.Context) {
		user, _ := ginjwt.User[*User](c)
		c.JSON(http.StatusOK, gin.H{"username": user.Username})
	})
	return r, nil
}

// quickstart:end

func TestQuickStartGin(t *testing.T) {
	gin.SetMode(gin.ReleaseMode) // or Gin prints every route
	testQuickStart(t, newGin)
}
