// Command example_app is a program with a real user table and all of SimpleJWT's views on it, on Gin, Echo or net/http,
// with SQLite or PostgreSQL. Without arguments it serves on 127.0.0.1:8000 with an SQLite file in the current folder.
//
//	example_app [serve] [-addr ADDR] [-framework std|gin|echo] [-database DSN] [-settings FILE] [-blacklist=false]
//	example_app createuser -username NAME -password PASSWORD [-inactive] [-database DSN]
//	example_app setpassword -username NAME -password PASSWORD [-revoke] [-database DSN]
//	example_app deactivate|deleteuser -username NAME [-revoke] [-database DSN]
//	example_app flushexpiredtokens [-database DSN] [-settings FILE]
//
// A command ends with status 0, or with 1 and an error on stderr. The user commands print a line of JSON with the user's id and name.
// They may run while a server runs on the same database. SIGINT and SIGTERM end the server once the requests under way are answered.
//
// # Settings
//
// Without -settings the server has the recommended profile, changed by SIMPLE_JWT_* in the environment; in an empty database it makes a
// user "demo" and prints how to use it. With -settings the file is all there is. It is a JSON object of SimpleJWT's names.
//
// # Files
//
// What you would write in a program of your own is in app.go (the wiring), account.go (the user model), database.go, routes.go (the
// routes on each framework), serve.go (settings, time-outs, shutdown) and password.go (a custom view that ends sessions).
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

// defaultDatabase is the DSN of an SQLite file in the current folder.
const defaultDatabase = "sqlite://simplejwt-example.sqlite3"

// databaseForms lists the forms of a DSN that -database accepts, for help and errors.
const databaseForms = "sqlite://app.sqlite3 (a file in the current folder), sqlite:///var/lib/app.sqlite3 or postgres://user:password@host/name"

// program is one run of a command: where it prints, and the values of its flags.
type program struct {
	stdout, stderr io.Writer
	database       string // a DSN in one of databaseForms
	settings       string // a JSON file of SIMPLE_JWT names; "" for the environment
	addr           string // host:port; port 0 is any free one
	framework      string // a key of frameworks
	blacklist      bool   // record tokens
	username       string
	password       string
	inactive       bool // the new user may not log in
	revoke         bool // also end the user's sessions
}

// command is what a subcommand does and which flags it has.
type command struct {
	run   func(*program, context.Context) error
	flags string // names, separated by blanks
}

// allCommands returns the subcommands by name. README's table of them is compared with it by a test.
func allCommands() map[string]command {
	return map[string]command{
		"serve":              {(*program).runServer, "addr framework database settings blacklist"},
		"createuser":         {(*program).createUser, "database username password inactive"},
		"deactivate":         {(*program).deactivateUser, "database username revoke"},
		"deleteuser":         {(*program).deleteUser, "database username revoke"},
		"setpassword":        {(*program).setPassword, "database username password revoke"},
		"flushexpiredtokens": {(*program).flushExpiredTokens, "database settings"},
	}
}

func main() {
	// SIGINT or SIGTERM ends the context: a server then answers the requests under way, for at most drainTimeout, and a command
	// ends with the error of the context.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := runCommand(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "error:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

// runCommand executes the command that args name, or serve. It returns flag.ErrHelp after it has printed the help that -h asks for.
func runCommand(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	// The first argument is a command unless it is a flag, so that the program serves without one.
	name := "serve"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	c, ok := allCommands()[name]
	if !ok {
		return fmt.Errorf("no command %q: the commands are %s", name, strings.Join(commandNames(), ", "))
	}
	// Each command has only the flags that it reads: another one is an error, and not ignored.
	p := &program{stdout: stdout, stderr: stderr}
	set := p.newFlagSet(name, c.flags)
	set.SetOutput(stderr)
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return fmt.Errorf("%s does not take the argument %q", name, set.Arg(0))
	}
	return c.run(p, ctx)
}

// commandNames returns the names of all commands in alphabetical order.
func commandNames() []string {
	var out []string
	for name := range allCommands() {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

// newFlagSet makes a FlagSet that stores the named flags in p. The defaults are those of README.
func (p *program) newFlagSet(name, flags string) *flag.FlagSet {
	set := flag.NewFlagSet(name, flag.ContinueOnError)
	set.Usage = func() {
		fmt.Fprintf(set.Output(), "The command %s (of: %s) has these flags:\n", name, strings.Join(commandNames(), ", "))
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
			set.StringVar(&p.settings, f, "", "JSON `file` of SIMPLE_JWT settings; without it the recommended profile, changed by SIMPLE_JWT_* in the environment")
		case "blacklist":
			set.BoolVar(&p.blacklist, f, true, "record tokens; with false it works as SimpleJWT does without its blacklist app")
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
