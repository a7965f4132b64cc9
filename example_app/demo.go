package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"unicode"

	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
)

// demo makes one account on an empty database and prints how to log in with it.
func (p *program) demo(ctx context.Context, db *gorm.DB, url string) error {
	var users int64
	if err := db.WithContext(ctx).Model(&Account{}).Count(&users).Error; err != nil {
		return fmt.Errorf("count users: %w", err)
	}
	if users > 0 {
		return nil
	}
	password := rand.Text()
	if _, err := createAccount(ctx, db, "demo", password, true); err != nil {
		return err
	}
	_, err := fmt.Fprint(p.stdout, strings.NewReplacer("URL", url, "PASSWORD", password).Replace(demoText))
	return err
}

const demoText = `The user "demo" was made, with the password PASSWORD

# Paste these lines into another terminal.
# Log in: an access token for five minutes and a refresh token.
PAIR=$(curl -s URL/api/token/ -H 'Content-Type: application/json' -d '{"username": "demo", "password": "PASSWORD", "device_name": "laptop"}'); echo "$PAIR"
token() { echo "$PAIR" | sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/"; }
# Call a protected route.
curl -s URL/api/me/ -H "Authorization: Bearer $(token access)"; echo
# Refresh: a new pair; the old refresh token is consumed.
PAIR=$(curl -s URL/api/token/refresh/ -H 'Content-Type: application/json' -d "{\"refresh\": \"$(token refresh)\"}"); echo "$PAIR"
# See where you are logged in.
curl -s URL/api/token/sessions/ -H "Authorization: Bearer $(token access)"; echo
# Verify a token: an empty object if it is good.
curl -s URL/api/token/verify/ -H 'Content-Type: application/json' -d "{\"token\": \"$(token access)\"}"; echo
# Log out: the refresh token goes on the blacklist ...
curl -s URL/api/token/blacklist/ -H 'Content-Type: application/json' -d "{\"refresh\": \"$(token refresh)\"}"; echo
# ... and is refused from then on.
curl -s URL/api/token/refresh/ -H 'Content-Type: application/json' -d "{\"refresh\": \"$(token refresh)\"}"; echo

`

// printUsers says which user there is and how to set a password, but no password. What it says of the database holds none either.
func (p *program) printUsers(ctx context.Context, db *gorm.DB) error {
	var users int64
	var first Account
	err := db.WithContext(ctx).Model(&Account{}).Count(&users).Error
	if err == nil && users > 0 {
		err = db.WithContext(ctx).Order("id").Take(&first).Error
	}
	if err != nil {
		return fmt.Errorf("look for users: %w", err)
	}
	who, command := fmt.Sprintf("there is the user %q; to set a password:", first.Username), "setpassword"
	switch {
	case users == 0:
		who, command, first.Username = "there is no user yet; to make one:", "createuser", "NAME"
	case users > 1:
		who = fmt.Sprintf("there are %d users, the first is %q; to set a password:", users, first.Username)
	}
	database := ""
	if p.database != defaultDatabase {
		database = " -database " + shellWord(p.database, "DSN")
		if sqlitePath(p.database) == "" {
			database = " -database DSN" // its password is not for the terminal
		}
	}
	_, err = fmt.Fprintf(p.stderr, "%s go run ./example_app %s%s -username %s -password PASSWORD\n",
		who, command, database, shellWord(first.Username, "NAME"))
	return err
}

// shellWord writes a text as one word of a shell's command line; what a terminal can't show it replaces.
func shellWord(text, replacement string) string {
	switch {
	case text == "" || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return replacement
	case strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-") == "":
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// needsSecret reports whether an HMAC secret is to be made, as none is configured.
func needsSecret(s simplejwt.Settings) bool {
	return s.SigningKey == "" && !s.IsSet("SIGNING_KEY") && (s.Algorithm == "" || strings.HasPrefix(s.Algorithm, "HS"))
}

// signingKey reads the secret in the file, or makes one there that only the owner can read. Of several programs that
// start at once all get the same.
func signingKey(file string) (string, error) {
	if data, err := os.ReadFile(file); err == nil {
		return strings.TrimSpace(string(data)), nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read signing key: %w", err)
	}
	var secret [64]byte
	_, _ = rand.Read(secret[:])
	temporary := file + "." + rand.Text()
	if err := os.WriteFile(temporary, []byte(base64.RawStdEncoding.EncodeToString(secret[:])+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("write signing key: %w", err)
	}
	defer func() { _ = os.Remove(temporary) }()
	if err := os.Link(temporary, file); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("write signing key: %w", err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read signing key: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}
