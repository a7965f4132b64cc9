package conformance

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseTime(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		in   any
		want float64
	}{
		{"seconds", json.Number("1700000000"), 1700000000},
		{"seconds with a fraction", json.Number("1700000000.5"), 1700000000.5},
		{"milliseconds", json.Number("1700000000500"), 1700000000.5},
		{"microseconds", json.Number("1700000000500000"), 1700000000.5},
		{"SQLite text", "2023-11-14 22:13:20", 1700000000},
		{"a fraction", "2023-11-14 22:13:20.500000", 1700000000.5},
		{"RFC 3339", "2023-11-14T22:13:20.5Z", 1700000000.5},
		{"a zone with a colon", "2023-11-15T00:13:20+02:00", 1700000000},
		{"a zone without a colon", "2023-11-14 17:43:20.5 -0430", 1700000000.5},
		{"a zone of hours", "2023-11-15 00:13:20+02", 1700000000},
		{"Go's own form", "2023-11-14 22:13:20.5 +0000 UTC", 1700000000.5},
		{"Go's own form with a monotonic reading", "2023-11-14 22:13:20.5 +0000 UTC m=+0.012", 1700000000.5},
		{"blanks around", " 2023-11-14 22:13:20 ", 1700000000},
		{"what a driver makes of it", columnValue(time.Unix(1700000000, 5e8).In(time.FixedZone("", 3600))), 1700000000.5},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := parseTime(test.in)
			if err != nil || got != test.want {
				t.Errorf("got %f, %v, want %f", got, err, test.want)
			}
		})
	}
	for _, in := range []any{nil, "", "soon", "2023-11-14", "2023-13-14 22:13:20", true} {
		if got, err := parseTime(in); err == nil {
			t.Errorf("%v: got %f, want an error", in, got)
		}
	}
}

func TestTableQuery(t *testing.T) {
	t.Parallel()
	where := map[string]any{"user_id": json.Number("7"), "jti": "a", "token": nil}
	query, args, err := tableQuery("outstanding", where, true)
	if err != nil {
		t.Fatal(err)
	}
	want := tableQueries["outstanding"] +
		" WHERE CAST(o.jti AS TEXT) = $1 AND o.token IS NULL AND CAST(o.user_id AS TEXT) = $2 ORDER BY 1"
	if diff := cmp.Diff(want, query); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]any{"a", "7"}, args); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	if _, _, err := tableQuery("secrets", nil, false); err == nil {
		t.Error("an unknown table: want an error")
	}
}

func TestReadRows(t *testing.T) {
	t.Parallel()
	db := newFakeServer(t, "").db
	_, err := db.Exec(`
		INSERT INTO token_blacklist_outstandingtoken VALUES
			(3, 7, 'c', '', NULL, '2023-11-14 22:13:20'), (1, 7, 'a', '', NULL, NULL), (2, NULL, 'b', '', NULL, NULL);
		INSERT INTO token_blacklist_blacklistedtoken VALUES (9, 3, 1700000000.5);
		INSERT INTO auth_user VALUES (7, 'alice', 1, NULL), (8, 'bob', 1, NULL)`)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, table string
		where       map[string]any
		column      string
		want        []any
	}{
		{"a number given as text", "outstanding", map[string]any{"user_id": "7"}, "jti", []any{"a", "c"}},
		{"null", "outstanding", map[string]any{"user_id": nil}, "jti", []any{"b"}},
		{"two conditions", "outstanding", map[string]any{"user_id": "7", "jti": "c"}, "id", []any{json.Number("3")}},
		{"joined", "blacklisted", map[string]any{"user_id": "7"}, "blacklisted_at", []any{json.Number("1700000000.5")}},
		{"a date", "blacklisted", map[string]any{"jti": "c"}, "expires_at", []any{"2023-11-14 22:13:20+00:00"}},
		{"users", "auth_user", map[string]any{"username": "alice"}, "last_login", []any{nil}},
		{"nothing", "blacklisted", map[string]any{"jti": "a"}, "id", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			query, args, err := tableQuery(test.table, test.where, false)
			if err != nil {
				t.Fatal(err)
			}
			rows, err := readRows(t.Context(), db, query, args)
			if err != nil {
				t.Fatal(err)
			}
			var got []any
			for _, row := range rows {
				got = append(got, row[test.column])
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
