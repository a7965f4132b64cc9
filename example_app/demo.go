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

// createDemoUser makes one account, "demo", in a database without users and prints the shell commands that use it at url. The
// password is random and printed nowhere else: a demo that is reachable has no password that anyone knows.
func (p *program) createDemoUser(ctx context.Context, db *gorm.DB, url string) error {
	// Only an empty database gets a demo user. So a second start prints no password, and an application's database gets no account.
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

// demoText has URL and PASSWORD filled in. TestServe_FirstRun pastes the commands into a shell.
const demoText = `The user "demo" was made, with the password PASSWORD

# Paste these lines into another terminal.
# Log in: an access token for five minutes and a refresh token.
PAIR=$(curl -s URL/api/token/ -H 'Content-Type: application/json' -d '{"username": "demo", "password": "PASSWORD", "device_name": "laptop"}'); echo "$PAIR"
token() { echo "$PAIR" | sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/"; }
# Call a protected route.
curl -s URL/api/me/ -H "Authorization: Bearer $(token access)"; echo
# Refresh: a new pair; the old refresh token is used up.
PAIR=$(curl -s URL/api/token/refresh/ -H 'Content-Type: application/json' -d "{\"refresh\": \"$(token refresh)\"}"); echo "$PAIR"
# See where you are logged in.
curl -s URL/api/token/sessions/ -H "Authorization: Bearer $(token access)"; echo
# Verify a token: an empty object if it is valid.
curl -s URL/api/token/verify/ -H 'Content-Type: application/json' -d "{\"token\": \"$(token access)\"}"; echo
# Log out: the refresh token goes on the blacklist ...
curl -s URL/api/token/blacklist/ -H 'Content-Type: application/json' -d "{\"refresh\": \"$(token refresh)\"}"; echo
# ... and is rejected from then on.
curl -s URL/api/token/refresh/ -H 'Content-Type: application/json' -d "{\"refresh\": \"$(token refresh)\"}"; echo

`

// printUsers prints which user there is and the command that sets a password. It prints no password: a DSN of PostgreSQL, which may
// hold one, is replaced by DSN.
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
	// The command is one that the reader can paste, but for the password.
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
			database = " -database DSN" // it may hold a password
		}
	}
	_, err = fmt.Fprintf(p.stderr, "%s go run ./example_app %s%s -username %s -password PASSWORD\n",
		who, command, database, shellWord(first.Username, "NAME"))
	return err
}

// shellWord quotes text as one word of a POSIX shell. Text that a terminal cannot show, or that is empty, becomes replacement.
func shellWord(text, replacement string) string {
	switch {
	case text == "" || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return replacement
	case strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-") == "":
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// needsSecret reports whether the settings ask for an HMAC algorithm and have no key for it. A SIGNING_KEY that is set and empty is
// an invalid setting, which core.New reports.
func needsSecret(s simplejwt.Settings) bool {
	return s.SigningKey == "" && !s.IsSet("SIGNING_KEY") && (s.Algorithm == "" || strings.HasPrefix(s.Algorithm, "HS"))
}

// loadSigningKey reads the secret in the file, or makes one of 64 random bytes there that only the owner can read. Programs that start
// at once all get the same secret: os.Link fails for all but the first.
func loadSigningKey(file string) (string, error) {
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
	// A link is made atomically and fails where the file is there: no program reads half a secret, and none replaces another's.
	if err := os.Link(temporary, file); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("write signing key: %w", err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read signing key: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}
