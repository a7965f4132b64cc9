package main

import (
	"net/http"
	"slices"
)

// route is a row of the start page.
type route struct{ Methods, Path, Does string }

// viewRoutes are the routes of each transport, apiRoutes those of /api alone. TestStartPage compares them with what is mounted.
var (
	viewRoutes = []route{
		{"POST", "/token/", "logs in with username and password"},
		{"POST", "/token/refresh/", "refreshes the tokens"},
		{"POST", "/token/verify/", "checks whether a token is valid"},
		{"POST", "/token/blacklist/", "logs out"},
		{"GET, DELETE", "/token/sessions/", "lists your sessions, or ends all of them"},
		{"DELETE", "/token/sessions/others/", "ends all sessions but this one"},
		{"DELETE", "/token/sessions/{id}/", "ends one session"},
		{"GET", "/me/", "shows who you are"},
		{"POST", "/me/password/", "changes the password from old_password to new_password"},
	}
	apiRoutes = []route{
		{"POST", "/token/sliding/", "logs in and issues a sliding token"},
		{"POST", "/token/sliding/refresh/", "refreshes a sliding token"},
		{"GET", "/me/stateless/", "shows who you are by the token alone"},
	}
)

// startPage lists what is mounted, and links to the page of the account. It is rendered once: settings do not change.
func (a *app) startPage() http.Handler {
	// section is a table of the page: the routes of one transport.
	type section struct {
		Path, Carries string
		Routes        []route
	}
	var sections []section
	account := ""
	for _, tr := range a.listTransports() {
		s := section{Path: tr.path, Carries: "with tokens in bodies and headers"}
		routes := slices.Concat(viewRoutes, apiRoutes)
		if tr.auth.Settings().AuthCookie {
			s.Carries, routes, account = "with tokens in cookies", viewRoutes, pagePath
		}
		for _, r := range routes {
			s.Routes = append(s.Routes, route{r.Methods, tr.path + r.Path, r.Does})
		}
		sections = append(sections, s)
	}
	return serveContent(renderTemplate("page/start.html", map[string]any{"Account": account, "Transports": sections}), "text/html; charset=utf-8")
}
