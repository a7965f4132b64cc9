package conformance

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tableQueries are the queries of the tables that vectors name.
var tableQueries = map[string]string{
	"outstanding": "SELECT o.id, o.user_id, o.jti, o.token, o.created_at, o.expires_at " +
		"FROM token_blacklist_outstandingtoken o",
	"blacklisted": "SELECT b.id, b.token_id, b.blacklisted_at, o.jti, o.user_id, o.token, o.expires_at " +
		"FROM token_blacklist_blacklistedtoken b " +
		"JOIN token_blacklist_outstandingtoken o ON o.id = b.token_id",
	"auth_user": "SELECT u.id, u.username, u.is_active, u.last_login FROM auth_user u",
}

// conditionColumns are the columns of conditions with their table.
var conditionColumns = map[string]string{
	"jti": "o.jti", "user_id": "o.user_id", "token": "o.token", "token_id": "b.token_id",
}

// tableQuery returns the query of a table step and its arguments. Values are
// compared as text, so that the type of a column does not matter.
func tableQuery(table string, where map[string]any, postgres bool) (string, []any, error) {
	query := tableQueries[table]
	if query == "" {
		return "", nil, fmt.Errorf("no table %q", table)
	}
	word := " WHERE "
	var args []any
	for _, name := range slices.Sorted(maps.Keys(where)) {
		// Names of columns come from the vectors, never from an answer.
		column := conditionColumns[name]
		if table == "auth_user" {
			column = "u." + name
		}
		if column == "" {
			column = name
		}
		query += word
		word = " AND "
		if where[name] == nil {
			query += column + " IS NULL"
			continue
		}
		args = append(args, textOf(where[name]))
		mark := "?"
		if postgres {
			mark = "$" + strconv.Itoa(len(args))
		}
		query += "CAST(" + column + " AS TEXT) = " + mark
	}
	return query + " ORDER BY 1", args, nil // by id: the order of insertion
}

// readRows runs a query and returns its rows, each as JSON values by column.
func readRows(ctx context.Context, db *sql.DB, query string, args []any) ([]map[string]any, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out []map[string]any
	for rows.Next() {
		values := make([]any, len(names))
		targets := make([]any, len(names))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		row := make(map[string]any, len(names))
		for i, name := range names {
			row[name] = columnValue(values[i])
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

// columnValue converts a value of a database driver to a JSON value.
func columnValue(v any) any {
	switch v := v.(type) {
	case int64:
		return intNumber(v)
	case float64:
		return floatNumber(v)
	case []byte:
		return string(v)
	case time.Time:
		return v.UTC().Format("2006-01-02 15:04:05.999999999-07:00")
	}
	return v
}

// Texts of times: what time.Time.String appends, and ISO 8601 with an optional fraction and zone.
var (
	goTimeTailPattern = regexp.MustCompile(` UTC$| m=.*$`)
	isoTimePattern    = regexp.MustCompile(`^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d+)? ?([+-]\d\d:?\d\d|[+-]\d\d)?`)
)

// parseTime returns the Unix time of a timestamp column: an ISO 8601 text, in UTC
// if it has no zone, or a number of seconds, milliseconds or microseconds, which
// its size tells apart.
func parseTime(v any) (float64, error) {
	if n, ok := v.(json.Number); ok {
		f, err := n.Float64()
		switch {
		case f >= 1e14: // microseconds
			f /= 1e6
		case f >= 1e11: // milliseconds
			f /= 1e3
		}
		return f, err
	}
	s := goTimeTailPattern.ReplaceAllString(strings.TrimSpace(textOf(v)), "")
	s = strings.ReplaceAll(strings.ReplaceAll(s, "T", " "), "Z", "+00:00")
	m := isoTimePattern.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("not a timestamp: %s", quoteShort(v))
	}
	t, err := time.Parse(time.DateTime, m[1])
	if err != nil {
		return 0, fmt.Errorf("not a timestamp: %s", quoteShort(v))
	}
	out := float64(t.Unix())
	if m[2] != "" {
		fraction, _ := strconv.ParseFloat(m[2], 64)
		out += fraction
	}
	return out - zoneOffset(m[3]), nil
}

// zoneOffset returns how many seconds a zone like +02:00, +0200 or +02 is east of
// UTC.
func zoneOffset(zone string) float64 {
	if zone == "" {
		return 0
	}
	digits := strings.ReplaceAll(zone[1:], ":", "") + "00"
	hours, _ := strconv.Atoi(digits[:2])
	minutes, _ := strconv.Atoi(digits[2:4])
	seconds := float64(hours*3600 + minutes*60)
	if zone[0] == '-' {
		return -seconds
	}
	return seconds
}
