package database

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// tokensOfSession is how many tokens a session has: that of the login and those of its refreshes.
const tokensOfSession = 50

// fill describes the rows that a program leaves in its tables over time: sessions that overlap, each a chain of tokens, of
// which all but the latest are used.
type fill struct {
	rows int
	// from is when the first token was issued, and over the time until the last one.
	from time.Time
	over time.Duration
	// random makes random ids, instead of ids that begin with their time.
	random bool
	// consumed is the SQL condition under which row i of session s is on the blacklist, with the words of insertBlacklisted.
	consumed string
}

// sessionCount returns how many sessions the rows belong to.
func (f fill) sessionCount() int { return max(1, f.rows/tokensOfSession) }

// stepMicros returns the time between two tokens, in microseconds.
func (f fill) stepMicros() int64 { return max(1, f.over.Microseconds()/int64(f.rows)) }

// The rows in SQL: i is the number of a row, s that of the first row of its session. renderSQL replaces what is in braces.
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

	// The ids are consecutive, in the order of the rows.
	insertBlacklisted = `INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id, reason)
		SELECT {born i + {sessions}}, id, 'rotated'
		  FROM (SELECT id, id - {first} AS i, (id - {first}) % {sessions} AS s
		          FROM token_blacklist_outstandingtoken WHERE id >= {first}) AS row
		 WHERE {consumed} ORDER BY id`
)

// insertInto inserts the rows in one transaction. Users, and rows of other fills, must be there already.
func (f fill) insertInto(ctx context.Context, t *tables) error {
	users, err := t.queryCount(ctx, "SELECT count(*) FROM accounts")
	if err != nil {
		return err
	}
	// Ids start after those of earlier fills.
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
		"SET LOCAL session_replication_role = replica", // skips the checks of foreign keys, which are correct
		f.renderSQL(insertOutstanding, users, newest+1), f.renderSQL(insertBlacklisted, users, newest+1),
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	return tx.Commit()
}

// renderSQL replaces the words in braces of a template.
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

// The words with an argument: the id and the time of creation of a row.
var (
	jtiPattern     = regexp.MustCompile(`\{jti of ([^{}]*)\}`)
	createdPattern = regexp.MustCompile(`\{born ([^{}]*)\}`)
)
