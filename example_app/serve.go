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

// drain is how long requests under way may take once the program is told to stop.
const drain = 10 * time.Second

// flushInterval is how often the rows of tokens that are over are deleted.
const flushInterval = time.Hour

func (p *program) serve(ctx context.Context) error {
	newHandler, ok := frameworks()[p.framework]
	if !ok {
		return errors.New("-framework must be gin, echo or std")
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
	url := "http://" + listener.Addr().String()
	if p.settings == "" {
		if err := p.demo(ctx, db, url); err != nil {
			return err
		}
	}
	if err := p.printUsers(ctx, db); err != nil {
		return err
	}
	if a.auth.Settings().AuthCookie {
		behind := ""
		if !local {
			behind = ", for browsers behind a proxy with TLS only"
		}
		fmt.Fprintf(p.stderr, "the page is %s%s%s\n", url, pagePath, behind)
	}
	go func() { _ = a.auth.FlushEvery(ctx, flushInterval) }()
	fmt.Fprintln(p.stderr, "listening on", url)
	return serve(ctx, listener, newHandler(a))
}

// isLoopback reports whether only this machine can reach an address, so that cookies need no TLS.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// loadSettings reads the settings file over the zero Settings, or the environment over the recommended profile. What is
// wrong with a setting is told later, by core.New, together with all else.
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
	key, err := signingKey(file + ".key")
	settings.SigningKey = key
	return settings, err
}

// serve answers requests until ctx ends, and then those that are under way.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
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
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}
