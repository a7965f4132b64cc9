package database

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/models"
)

// role is where the value of a parameter comes from.
type role int

const (
	constant  role = iota
	presented      // the id of the token that is rotated
	successor      // the id of its successor
	session        // the id of its session
	nowTime
	activeAfter
	expiresAt
)

// param is a parameter of a statement: its role, and its value if it is a constant.
type param struct {
	role  role
	value any
}

// statement is the rotation as the store sends it. The contenders beside the store send the same text, so they can't
// differ from it after a change of the store.
type statement struct {
	sql    string // with $1, $2 and so on
	params []param
}

// placeholder matches a parameter in the text of a statement.
var placeholder = regexp.MustCompile(`\$(\d+)`)

// observeStatement lets a store rotate a token and returns the statement that it sends.
func observeStatement(ctx context.Context, t *tables) (*statement, error) {
	var sent recorder
	db, pool, err := openPostgres(t.dsn, 1, sent.traceQueries)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	store := models.NewStore(db)
	chains, err := newChains(ctx, store, "observed", 1)
	if err != nil {
		return nil, err
	}
	sent.takeQueries()
	// All values differ, so that each parameter can be recognized by its value.
	r := chains[0].nextRotation()
	r.SessionID, r.ActiveAfter = "a session that only the token names", r.Now.Add(-time.Minute)
	if err := mustRotate(store.Rotate(ctx, r)); err != nil {
		return nil, err
	}
	queries := sent.takeQueries()
	if len(queries) != 1 {
		return nil, fmt.Errorf("a rotation is %d statements: pgbench is to send one", len(queries))
	}
	out := &statement{sql: queries[0].sql}
	for _, value := range queries[0].args {
		switch value.(type) {
		case pgx.QueryResultFormats, pgx.QueryResultFormatsByOID, pgx.QueryExecMode:
			continue // for the driver, which does not send it
		}
		out.params = append(out.params, recognizeParam(value, r))
	}
	return out, nil
}

// recognizeParam returns the parameter that has this value in the rotation r. A value that r does not have is a constant.
func recognizeParam(value any, r core.Rotation) param {
	if v := reflect.ValueOf(value); v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return param{constant, nil}
		}
		value = v.Elem().Interface()
	}
	switch v := value.(type) {
	case string:
		switch v {
		case r.JTI:
			return param{role: presented}
		case r.NewJTI:
			return param{role: successor}
		case r.SessionID:
			return param{role: session}
		}
	case time.Time:
		switch {
		case v.Equal(r.Now):
			return param{role: nowTime}
		case v.Equal(r.ActiveAfter):
			return param{role: activeAfter}
		case v.Equal(r.ExpiresAt):
			return param{role: expiresAt}
		}
	}
	return param{constant, value}
}

// bindParams returns the values of the parameters for a rotation.
func (s *statement) bindParams(r core.Rotation) []any {
	args := make([]any, len(s.params))
	for i, p := range s.params {
		switch p.role {
		case constant:
			args[i] = p.value
		case presented:
			args[i] = r.JTI
		case successor:
			args[i] = r.NewJTI
		case session:
			args[i] = r.SessionID
		case nowTime:
			args[i] = r.Now
		case activeAfter:
			args[i] = r.ActiveAfter
		case expiresAt:
			args[i] = r.ExpiresAt
		}
	}
	return args
}

// forGORM returns the statement with question marks, and which parameter each of them stands for.
func (s *statement) forGORM() (text string, order []int) {
	text = placeholder.ReplaceAllStringFunc(s.sql, func(found string) string {
		n, _ := strconv.Atoi(found[1:])
		order = append(order, n-1)
		return "?"
	})
	return text, order
}

// forPgbench returns a script that rotates the tokens of a chain, and the variables that it needs. All rotations of a turn
// have the time of its start.
func (s *statement) forPgbench() (script string, variables []string, err error) {
	r := newRotation("", "", "")
	text := func(t time.Time) string { return t.Format("2006-01-02 15:04:05.000000Z07:00") }
	variables = []string{
		"n=0", "now=" + text(r.Now), "active_after=" + text(r.ActiveAfter), "expires_at=" + text(r.ExpiresAt),
	}
	said := make([]string, len(s.params))
	for i, p := range s.params {
		switch p.role {
		case presented:
			said[i] = jtiSQL(":presented")
		case successor:
			said[i] = jtiSQL(":n")
		case session:
			said[i] = jtiSQL("0")
		case nowTime:
			said[i] = ":now"
		case activeAfter:
			said[i] = ":active_after"
		case expiresAt:
			said[i] = ":expires_at"
		case constant:
			value, ok, err := formatConstant(p.value)
			if err != nil {
				return "", nil, err
			}
			if said[i] = "NULL"; ok {
				said[i] = fmt.Sprintf(":p%d", i+1)
				variables = append(variables, fmt.Sprintf("p%d=%s", i+1, value))
			}
		}
	}
	if strings.Contains(s.sql, ";") { // pgbench would send the parts one after the other
		return "", nil, errors.New("a statement with a semicolon is several for pgbench")
	}
	body := placeholder.ReplaceAllStringFunc(s.sql, func(found string) string {
		n, _ := strconv.Atoi(found[1:])
		return said[n-1]
	})
	return "\\set presented :n\n\\set n :n + 1\n" + body + ";\n", variables, nil
}

// formatConstant returns a constant as text, and false for NULL.
func formatConstant(value any) (text string, ok bool, err error) {
	switch v := value.(type) {
	case nil:
		return "", false, nil
	case string, bool, int, int32, int64, float64:
		return fmt.Sprint(v), true, nil
	}
	return "", false, fmt.Errorf("pgbench has no variables of type %T", value)
}
