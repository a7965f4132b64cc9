package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/go-simplejwt/simplejwt"
)

// drainTimeout is how long requests under way may take once the program is asked to stop. A client whose refresh is aborted loses the
// answer, and needs the grace period.
const drainTimeout = 10 * time.Second

// flushInterval is how often the rows of expired tokens are deleted. Nothing but the size of the tables depends on it.
const flushInterval = time.Hour

// runServer serves until ctx ends. Without a settings file it makes a demo user in an empty database. On a loopback address cookies do
// not need TLS, unless the settings say otherwise. It prints "listening on URL" to stderr once it accepts connections.
func (p *program) runServer(ctx context.Context) error {
	newHandler, ok := frameworks()[p.framework]
	if !ok {
		return errors.New("the flag -framework must be gin, echo or std")
	}
	db, err := openDatabase(ctx, p.database)
	if err != nil {
		return err
	}
	defer closeDatabase(db)
	settings, err := p.loadSettings()
	if err != nil {
		return err
	}
	// A browser drops secure cookies over plain HTTP. On an address that only this machine reaches nobody can read along, so they may be
	// insecure there, unless the settings decide otherwise.
	local := isLoopback(p.addr)
	if local && !settings.IsSet("AUTH_COOKIE_INSECURE") && (settings.AuthCookie || !settings.IsSet("AUTH_COOKIE")) {
		settings.AuthCookieInsecure = true
	}
	a, err := newApp(ctx, settings, db, p.blacklist, slog.New(slog.NewTextHandler(p.stderr, nil)))
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", p.addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	// Only now the port is known, if the address has port 0.
	url := "http://" + listener.Addr().String()
	if p.settings == "" {
		if err := p.createDemoUser(ctx, db, url); err != nil {
			return err
		}
	}
	if err := p.printUsers(ctx, db); err != nil {
		return err
	}
	if a.auth.Settings().AuthCookie {
		note := ""
		if !local {
			note = "; its cookies need a proxy with TLS"
		}
		fmt.Fprintf(p.stderr, "the page is %s%s%s\n", url, pagePath, note)
	}
	// FlushEvery logs its errors and returns when ctx ends. Several servers may flush one database: one of them flushes at a time.
	go func() { _ = a.auth.FlushEvery(ctx, flushInterval) }()
	fmt.Fprintln(p.stderr, "listening on", url)
	return serveUntil(ctx, listener, newHandler(a))
}

// isLoopback reports whether only this machine can reach an address of the form host:port.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// loadSettings reads the settings file over the zero Settings, or the environment over the recommended profile; without records, which
// most of the profile needs, over rotation alone. Invalid settings are reported later by core.New, all at once. On SQLite, a missing
// HMAC secret is read from a file beside the database, or made there.
func (p *program) loadSettings() (simplejwt.Settings, error) {
	if p.settings != "" {
		settings, _ := simplejwt.FromFile(simplejwt.Settings{}, p.settings)
		return settings, nil
	}
	base := simplejwt.Recommended()
	if !p.blacklist {
		base = simplejwt.Settings{RotateRefreshTokens: true}
	}
	settings, _ := simplejwt.FromEnv(base)
	file := sqlitePath(p.database)
	if file == "" || !needsSecret(settings) {
		return settings, nil
	}
	key, err := loadSigningKey(file + ".key")
	settings.SigningKey = key
	return settings, err
}

// serveUntil answers requests until ctx ends, and then those under way for at most drainTimeout.
func serveUntil(ctx context.Context, listener net.Listener, handler http.Handler) error {
	// Without these limits a slow client holds a connection for as long as it likes.
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(slog.NewTextHandler(os.Stderr, nil), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}
