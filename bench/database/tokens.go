package database

import (
	"context"
	"crypto/md5" //nolint:gosec // no secret: ids that SQL can make as well
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/models"
)

// refreshLifetime is REFRESH_TOKEN_LIFETIME's default.
const refreshLifetime = 24 * time.Hour

// device is what a browser tells of itself at every refresh.
var device = core.Device{
	IP:        "203.0.113.7",
	UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
}

// newRotation is a refresh as simplejwt.Recommended has it.
func newRotation(jti, session, next string) core.Rotation {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return core.Rotation{
		JTI: jti, SessionID: session, NewJTI: next, Now: now, ActiveAfter: now, ExpiresAt: now.Add(refreshLifetime),
		SessionLifetime: simplejwt.Recommended().SessionLifetime, Consume: true, Reason: core.ReasonRotated, Device: device,
	}
}

// recordLogin records the first token of a session of a user.
func recordLogin(ctx context.Context, store *models.Store, user int, jti string) error {
	now := time.Now()
	return store.Record(ctx, core.OutstandingToken{
		JTI: jti, UserID: strconv.Itoa(user), CreatedAt: now, ExpiresAt: now.Add(refreshLifetime), SessionID: jti,
		SessionStartedAt: now, SessionExpiresAt: now.Add(simplejwt.Recommended().SessionLifetime), Device: device,
	})
}

// chain is the session of one client in one turn: token 0, token 1 and so on, each rotated from the one before it.
type chain struct {
	label  string
	client int
	n      int
}

// tokenID is the id of a token of the chain, of the length that core's ids have. jtiSQL says the same.
func (c *chain) tokenID(n int) string {
	sum := md5.Sum(fmt.Appendf(nil, "%s-%d-%d", c.label, c.client, n)) //nolint:gosec // see above
	return hex.EncodeToString(sum[:])
}

// jtiSQL is a token of the chain of one of pgbench's clients.
func jtiSQL(n string) string {
	return "md5(:label::text || '-' || :client_id::text || '-' || " + n + "::text)"
}

// nextRotation is the next rotation of the chain.
func (c *chain) nextRotation() core.Rotation {
	c.n++
	return newRotation(c.tokenID(c.n-1), c.tokenID(0), c.tokenID(c.n))
}

// newChains logs clients in, each as a user of its own.
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

// mustRotate makes it an error that a token was not rotated.
func mustRotate(_ core.OutstandingToken, ok bool, err error) error {
	if err == nil && !ok {
		return fmt.Errorf("a live token was not rotated")
	}
	return err
}
