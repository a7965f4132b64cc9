package database

import (
	"context"
	"crypto/md5" //nolint:gosec // not a secret: ids that SQL can compute too
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/models"
)

// refreshLifetime is the default of REFRESH_TOKEN_LIFETIME.
const refreshLifetime = 24 * time.Hour

// device is what a server knows of a browser at each refresh.
var device = core.Device{
	IP:        "203.0.113.7",
	UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
}

// newRotation returns the rotation of a refresh with the settings of simplejwt.Recommended, at the current time.
func newRotation(jti, session, next string) core.Rotation {
	now := time.Now().UTC().Truncate(time.Microsecond) // as PostgreSQL stores it
	return core.Rotation{
		JTI: jti, SessionID: session, NewJTI: next, Now: now, ActiveAfter: now, ExpiresAt: now.Add(refreshLifetime),
		SessionLifetime: simplejwt.Recommended().SessionLifetime, Consume: true, Reason: core.ReasonRotated, Device: device,
	}
}

// recordLogin records the first token of a new session of a user.
func recordLogin(ctx context.Context, store *models.Store, user int, jti string) error {
	now := time.Now()
	return store.Record(ctx, core.OutstandingToken{
		JTI: jti, UserID: strconv.Itoa(user), CreatedAt: now, ExpiresAt: now.Add(refreshLifetime), SessionID: jti,
		SessionStartedAt: now, SessionExpiresAt: now.Add(simplejwt.Recommended().SessionLifetime), Device: device,
	})
}

// chain is the session of a client in a turn: token 0, token 1 and so on, each the successor of the one before.
type chain struct {
	label  string // unique in the database
	client int
	n      int // the number of the latest token
}

// tokenID returns the id of token n of the chain. It has the length of real ids. jtiSQL computes the same in SQL.
func (c *chain) tokenID(n int) string {
	sum := md5.Sum(fmt.Appendf(nil, "%s-%d-%d", c.label, c.client, n)) //nolint:gosec // see above
	return hex.EncodeToString(sum[:])
}

// jtiSQL returns the SQL of tokenID for a client of pgbench, where n is an expression.
func jtiSQL(n string) string {
	return "md5(:label::text || '-' || :client_id::text || '-' || " + n + "::text)"
}

// nextRotation returns the rotation of the latest token, and makes its successor the latest.
func (c *chain) nextRotation() core.Rotation {
	c.n++
	return newRotation(c.tokenID(c.n-1), c.tokenID(0), c.tokenID(c.n))
}

// newChains returns a chain for each client. Each client is another user, whose login it records.
func newChains(ctx context.Context, store *models.Store, label string, clients int) ([]*chain, error) {
	all := make([]*chain, clients)
	for i := range all {
		all[i] = &chain{label: label, client: i}
		if err := recordLogin(ctx, store, i+1, all[i].tokenID(0)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// mustRotate returns err, or an error if the token was not rotated.
func mustRotate(_ core.OutstandingToken, ok bool, err error) error {
	if err == nil && !ok {
		return fmt.Errorf("an active token was not rotated")
	}
	return err
}
