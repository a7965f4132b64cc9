package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// defaultPassword is the password of users for whom the scenario has none.
const defaultPassword = "correct horse"

// replayer replays one scenario on a running server.
type replayer struct {
	target Target
	addr   string // host:port
	vars   *vars
}

// replayOnServer replays a scenario up to the first step that differs.
func replayOnServer(ctx context.Context, target Target, addr string, keys keyring, s *scenario) error {
	r := &replayer{target: target, addr: addr, vars: newVars(keys, s.number)}
	for _, u := range s.Users {
		if err := r.createUser(ctx, u.Alias, u); err != nil {
			return err
		}
	}
	for i := range s.Steps {
		if err := r.replayStep(ctx, &s.Steps[i]); err != nil {
			return fmt.Errorf("step %d (%s): %w", i+1, s.Steps[i].title(), err)
		}
	}
	return nil
}

// title returns what messages call a step.
func (s *step) title() string {
	switch s.Do {
	case "request":
		return s.Method + " " + s.Path
	case "table":
		return "table " + s.Table
	case "mint", "edit":
		return s.Do + " " + s.As
	case "user":
		return s.Op + " " + s.User
	}
	return s.Do
}

// replayStep does what a step says. The error says what differs.
func (r *replayer) replayStep(ctx context.Context, s *step) error {
	switch s.Do {
	case "request":
		return r.replayRequest(ctx, s)
	case "mint":
		token, err := r.vars.mintToken(s)
		if err != nil {
			return err
		}
		r.vars.storeValue(s.As, token) // its ids count as seen
		return nil
	case "edit":
		return r.replayEdit(s)
	case "user":
		return r.replayUser(ctx, s)
	case "table":
		return r.replayTable(ctx, s)
	case "flush":
		return r.target.Flush(ctx)
	case "sleep":
		return sleepContext(ctx, time.Duration(s.Seconds*float64(time.Second)))
	}
	return fmt.Errorf("unknown step %q", s.Do)
}

// replayEdit stores a damaged copy of a token. Its ids do not count as seen: the
// server has issued none of them.
func (r *replayer) replayEdit(s *step) error {
	token, ok := r.vars.values[s.From].(string)
	if !ok {
		return fmt.Errorf("no token named %q", s.From)
	}
	damaged, err := r.vars.editToken(token, s.Edit)
	if err != nil {
		return err
	}
	r.vars.values[s.As] = damaged
	return nil
}

// createUser creates a user of the scenario. By default the name ends with the
// number of the scenario, because scenarios share a database.
func (r *replayer) createUser(ctx context.Context, alias string, spec userSpec) error {
	u := &user{username: spec.Username, password: defaultPassword}
	if u.username == "" {
		u.username = fmt.Sprintf("%s_%d", alias, r.vars.number)
	}
	if spec.Password != nil {
		u.password = *spec.Password
	}
	inactive := spec.IsActive != nil && !*spec.IsActive
	id, err := r.target.CreateUser(ctx, u.username, u.password, inactive)
	if err != nil {
		return fmt.Errorf("create user %s: %w", alias, err)
	}
	if id == "" { // every variable with it would match anything empty
		return fmt.Errorf("create user %s: got no id", alias)
	}
	u.id = id
	r.vars.users[alias] = u
	return nil
}

// replayUser creates, changes or deletes a user.
func (r *replayer) replayUser(ctx context.Context, s *step) error {
	if s.Op == "create" {
		return r.createUser(ctx, s.User, s.userSpec)
	}
	u := r.vars.users[s.User]
	if u == nil {
		return fmt.Errorf("no user %q", s.User)
	}
	switch s.Op {
	case "deactivate":
		return r.target.Deactivate(ctx, u.username)
	case "delete":
		return r.target.DeleteUser(ctx, u.username)
	case "set_password":
		if s.Password == nil {
			return errors.New("set_password without a password")
		}
		u.password = *s.Password
		return r.target.SetPassword(ctx, u.username, u.password)
	}
	return fmt.Errorf("unknown user operation %q", s.Op)
}

// replayTable compares the number of rows that a condition selects, and as many
// of the rows as the step describes.
func (r *replayer) replayTable(ctx context.Context, s *step) error {
	where, err := r.vars.fillObject(s.Where)
	if err != nil {
		return err
	}
	query, args, err := tableQuery(s.Table, where, r.target.Postgres())
	if err != nil {
		return err
	}
	rows, err := readRows(ctx, r.target.DB(), query, args)
	if err != nil {
		return err
	}
	if len(rows) != s.Expect.Count {
		return fmt.Errorf("want %d rows, got %d: %s", s.Expect.Count, len(rows), shorten(rows))
	}
	if len(s.Expect.Rows) > len(rows) {
		return fmt.Errorf("%d rows described, but a count of %d", len(s.Expect.Rows), len(rows))
	}
	m := &matcher{vars: r.vars, loose: true} // drivers disagree on the types of columns
	for i, want := range s.Expect.Rows {
		for column, value := range want {
			got, ok := rows[i][column]
			if !ok {
				m.addDiff("%s: no column %s", s.Table, column)
				continue
			}
			m.matchValue(fmt.Sprintf("%s[%d].%s", s.Table, i, column), value, got)
		}
	}
	if len(m.diffs) > 0 {
		return errors.New(strings.Join(m.diffs, "\n"))
	}
	return nil
}

// sleepContext waits for d, or until ctx ends and then returns its error.
func sleepContext(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
