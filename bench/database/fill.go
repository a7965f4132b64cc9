package database

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// tokensOfSession is how often a session is refreshed, the login included.
const tokensOfSession = 50

// fill is rows as time leaves them: sessions side by side, each of them a chain of tokens, all consumed but the last.
type fill struct {
	rows int
	// from is when the first token was made, over how long the others followed.
	from time.Time
	over time.Duration
	// random makes ids without an order, in place of such that begin with their time.
	random bool
	// consumed is the condition on row i of session s under which it is on the blacklist, in words of the statements below.
	consumed string
}

func (f fill) sessionCount() int { return max(1, f.rows/tokensOfSession) }

// stepMicros is the time between two tokens in microseconds.
func (f fill) stepMicros() int64 { return max(1, f.over.Microseconds()/int64(f.rows)) }

// The rows in SQL: i is a row, s the first one of its session.
const (
	timedIDSQL   = `lpad(to_hex({from_ms} + ({row}) * {step} / 1000), 12, '0') || left(md5(({row})::text), 20)`
	randomIDSQL  = `md5('{from_ms}' || ({row})::text)`
	createdAtSQL = `'{from}'::timestamptz + ({row}) * {step} * interval '1 microsecond'`

	insertOutstanding = `INSERT INTO token_blacklist_outstandingtoken
		(token, user_id, jti, created_at, expires_at, session_id, parent_jti, session_started_at, session_expires_at, ip, user_agent)
		SELECT '', 1 + s % {users}, {jti of i}, {born i}, {born i} + interval '1 day', {jti of s},
		       CASE WHEN i >= {sessions} THEN {jti of i - {sessions}} END, {born s}, {born s} + interval '30 days',
		       '203.0.113.' || s % 250, '{agent}'
		  FROM (SELECT i, i % {sessions} AS s FROM generate_series(0::bigint, {rows} - 1) i) AS row`

	// The ids follow each other in the order of the rows.
	insertBlacklisted = `INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id, reason)
		SELECT {born i + {sessions}}, id, 'rotated'
		  FROM (SELECT id, id - {first} AS i, (id - {first}) % {sessions} AS s
		          FROM token_blacklist_outstandingtoken WHERE id >= {first}) AS row
		 WHERE {consumed} ORDER BY id`
)

// insertInto inserts the rows.
func (f fill) insertInto(ctx context.Context, t *tables) error {
	users, err := t.queryCount(ctx, "SELECT count(*) FROM accounts")
	if err != nil {
		return err
	}
	newest, err := t.queryCount(ctx, "SELECT COALESCE(max(id), 0) FROM token_blacklist_outstandingtoken")
	if err != nil {
		return err
	}
	tx, err := t.pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for _, statement := range []string{
		"SET LOCAL session_replication_role = replica", // the rows are right, so no foreign key need be looked up
		f.renderSQL(insertOutstanding, users, newest+1), f.renderSQL(insertBlacklisted, users, newest+1),
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	return tx.Commit()
}

// renderSQL puts values for the words in braces.
func (f fill) renderSQL(template string, users, first int64) string {
	jti := timedIDSQL
	if f.random {
		jti = randomIDSQL
	}
	numbers := strings.NewReplacer("{sessions}", fmt.Sprint(f.sessionCount()), "{rows}", fmt.Sprint(f.rows), "{users}", fmt.Sprint(users),
		"{first}", fmt.Sprint(first), "{agent}", device.UserAgent)
	out := numbers.Replace(strings.ReplaceAll(template, "{consumed}", f.consumed))
	for _, one := range []struct {
		word *regexp.Regexp
		text string
	}{{jtiPattern, jti}, {createdPattern, createdAtSQL}} {
		out = one.word.ReplaceAllString(out, strings.ReplaceAll(one.text, "{row}", "$1"))
	}
	return strings.NewReplacer("{from_ms}", fmt.Sprint(f.from.UnixMilli()), "{step}", fmt.Sprint(f.stepMicros()),
		"{from}", f.from.UTC().Format(time.RFC3339Nano)).Replace(out)
}

var (
	jtiPattern     = regexp.MustCompile(`\{jti of ([^{}]*)\}`)
	createdPattern = regexp.MustCompile(`\{born ([^{}]*)\}`)
)
