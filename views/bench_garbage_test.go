//go:build unix

package views_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/views"
)

// garbageTarget is an endpoint, and the body and headers that a request to it has beside the garbage.
type garbageTarget struct {
	name, field, body string
	view              http.Handler
	header            http.Header
}

// BenchmarkGarbageBodies posts bodies of garbage to every view.
func BenchmarkGarbageBodies(b *testing.B) {
	f, cookies := newFixture(b), newFixture(b, withCookies)
	hooked := newFixture(b, withHook(func(ctx context.Context, _ *simplejwt.SerializerInput, super func(context.Context) (simplejwt.Attrs, error)) (simplejwt.Attrs, error) {
		return super(ctx)
	}))
	var targets []garbageTarget
	for i, field := range []string{"username", "refresh", "token", "refresh", "username", "token"} {
		e := listEndpoints()[i]
		targets = append(targets, garbageTarget{name: e.name, field: field, view: e.view(f.Auth)})
	}
	targets = append(targets,
		garbageTarget{name: "obtain pair, hook", field: "username", view: views.ObtainPair(hooked.Auth)},
		garbageTarget{name: "verify, cookies", field: "token", view: views.Verify(cookies.Auth),
			header: http.Header{"Cookie": {access + "=" + cookies.loginAlice(b).Access}, "Sec-Fetch-Site": {"same-origin"}}})
	rows := garbageRows{cells: map[string]string{}}
	for _, target := range targets {
		for _, g := range garbageBodies(target.field) {
			target.body = g.text
			rows.measure(b, g.kind, target, "Content-Type", []string{g.contentType}, len(g.text))
		}
	}
	b.Log(rows.table(targets))
}

// BenchmarkGarbageHeaders sends headers of garbage to a view of each kind, before and behind the check of a token.
func BenchmarkGarbageHeaders(b *testing.B) {
	behindProxy := func(s *simplejwt.Settings, _ *core.Deps) { s.NumProxies = 1 }
	f, cookies := newFixture(b, behindProxy), newFixture(b, withCookies, behindProxy)
	json := http.Header{"Content-Type": {jsonType}}
	targets := []garbageTarget{
		{name: "obtain pair", view: views.ObtainPair(f.Auth), body: encodeObject("username", "x", "password", "x"), header: json},
		{name: "refresh, cookies", view: views.Refresh(cookies.Auth), body: "{}", header: json},
		{name: "sessions", view: views.Sessions(f.Auth), header: http.Header{"Authorization": {"Bearer " + f.loginAlice(b).Access}}},
		{name: "sessions, cookies", view: views.Sessions(cookies.Auth), header: http.Header{"Cookie": {access + "=" + cookies.loginAlice(b).Access}}},
	}
	rows := garbageRows{cells: map[string]string{}}
	for _, target := range targets {
		for _, g := range garbageHeaders() {
			size := 0
			for _, value := range g.values {
				size += len(g.name) + len(value) + len(": \r\n")
			}
			rows.measure(b, "`"+g.name+"` of "+g.kind, target, g.name, g.values, size)
		}
	}
	b.Log(rows.table(targets))
}

// garbageRows are the rows of a table of docs/security.md, by kind of garbage.
type garbageRows struct {
	kinds []string
	cells map[string]string
}

// measure sends a request with one more header and reports the CPU time per KiB of garbage, that of the garbage collector
// included.
func (rows *garbageRows) measure(b *testing.B, kind string, target garbageTarget, header string, values []string, size int) {
	b.Run(kind+"/"+target.name, func(b *testing.B) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		if target.body == "" {
			r.Method = http.MethodGet
		}
		for name, value := range target.header {
			r.Header[name] = value
		}
		r.Header[header] = values
		start := cpuTime(b)
		for b.Loop() {
			r.Body = io.NopCloser(strings.NewReader(target.body))
			serveRequest(target.view, r)
		}
		perKiB := float64(cpuTime(b)-start) / float64(b.N) / float64(size) * 1024
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(perKiB, "CPU-ns/KiB")
		if rows.cells[kind] == "" {
			rows.kinds = append(rows.kinds, kind)
		}
		rows.cells[kind] += fmt.Sprintf(" %.1f |", perKiB/1000)
	})
}

// table returns what was measured, in µs per KiB, as Markdown.
func (rows *garbageRows) table(targets []garbageTarget) string {
	var b strings.Builder
	b.WriteString("\n| garbage |")
	for _, target := range targets {
		b.WriteString(" " + target.name + " |")
	}
	b.WriteString("\n| --- |" + strings.Repeat(" ---: |", len(targets)) + "\n")
	for _, kind := range rows.kinds {
		b.WriteString("| " + kind + " |" + rows.cells[kind] + "\n")
	}
	return b.String()
}

// cpuTime returns the CPU time that the process has used.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
