// Command example_app is a program with a real user table and all of SimpleJWT's views on it, on Gin, Echo or net/http,
// with SQLite or PostgreSQL. Without arguments it serves on 127.0.0.1:8000 with an SQLite file in the current folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sort"
	"strings"
	"syscall"
)

// defaultDatabase is an SQLite file in the current folder.
const defaultDatabase = "sqlite://simplejwt-example.sqlite3"

// databaseForms says what -database may be.
const databaseForms = "sqlite://app.sqlite3 (a file in the current folder), sqlite:///var/lib/app.sqlite3 or postgres://user:password@host/name"

// program is a run of a command: where it prints, and what its flags said.
type program struct {
	stdout, stderr io.Writer
	database       string
	settings       string // a JSON file of SIMPLE_JWT names; "" for the environment
	addr           string
	framework      string
	blacklist      bool
	username       string
	password       string
	inactive       bool
	revoke         bool
}

// command is what a subcommand does and which flags it has.
type command struct {
	run   func(*program, context.Context) error
	flags string // names, separated by blanks
}

func commands() map[string]command {
	return map[string]command{
		"serve":              {(*program).serve, "addr framework database settings blacklist"},
		"createuser":         {(*program).createUser, "database username password inactive"},
		"deactivate":         {(*program).deactivate, "database username revoke"},
		"deleteuser":         {(*program).deleteUser, "database username revoke"},
		"setpassword":        {(*program).setPassword, "database username password revoke"},
		"flushexpiredtokens": {(*program).flushExpiredTokens, "database settings"},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "error:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

// run executes the command that args name; without one it serves.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	name := "serve"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	c, ok := commands()[name]
	if !ok {
		return fmt.Errorf("no command %q; there are %s", name, strings.Join(names(), ", "))
	}
	p := &program{stdout: stdout, stderr: stderr}
	set := p.flagSet(name, c.flags)
	set.SetOutput(stderr)
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return fmt.Errorf("%s takes no argument %q", name, set.Arg(0))
	}
	return c.run(p, ctx)
}

func names() []string {
	var out []string
	for name := range commands() {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

func (p *program) flagSet(name, flags string) *flag.FlagSet {
	set := flag.NewFlagSet(name, flag.ContinueOnError)
	set.Usage = func() {
		fmt.Fprintf(set.Output(), "%s, one of the commands %s, has these flags:\n", name, strings.Join(names(), ", "))
		set.PrintDefaults()
	}
	for f := range strings.FieldsSeq(flags) {
		switch f {
		case "addr":
			set.StringVar(&p.addr, f, "127.0.0.1:8000", "address to listen on")
		case "framework":
			set.StringVar(&p.framework, f, "std", "gin, echo or std")
		case "database":
			set.StringVar(&p.database, f, defaultDatabase, databaseForms)
		case "settings":
			set.StringVar(&p.settings, f, "", "JSON `file` of SIMPLE_JWT settings; without it SIMPLE_JWT_* from the environment over the recommended profile")
		case "blacklist":
			set.BoolVar(&p.blacklist, f, true, "record tokens; false works as without SimpleJWT's blacklist app")
		case "username":
			set.StringVar(&p.username, f, "", "the user's name")
		case "password":
			set.StringVar(&p.password, f, "", "the user's password")
		case "inactive":
			set.BoolVar(&p.inactive, f, false, "make an inactive user")
		case "revoke":
			set.BoolVar(&p.revoke, f, false, "also end all sessions of the user")
		}
	}
	return set
}
