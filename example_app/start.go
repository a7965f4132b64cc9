package main

import (
	"net/http"
	"slices"
)

// route is a line of the start page.
type route struct{ Methods, Path, Does string }

// viewRoutes are the routes below each door; apiRoutes are those of /api alone.
var (
	viewRoutes = []route{
		{"POST", "/token/", "logs in with username and password"},
		{"POST", "/token/refresh/", "refreshes the tokens"},
		{"POST", "/token/verify/", "says whether a token is good"},
		{"POST", "/token/blacklist/", "logs out"},
		{"GET, DELETE", "/token/sessions/", "lists your sessions, or ends all of them"},
		{"DELETE", "/token/sessions/others/", "ends all sessions but this one"},
		{"DELETE", "/token/sessions/{id}/", "ends one session"},
		{"GET", "/me/", "says who you are"},
		{"POST", "/me/password/", "changes the password from old_password to new_password"},
	}
	apiRoutes = []route{
		{"POST", "/token/sliding/", "logs in and issues a sliding token"},
		{"POST", "/token/sliding/refresh/", "refreshes a sliding token"},
		{"GET", "/me/stateless/", "says who you are by the token alone"},
	}
)

// startPage says what is mounted, and links to the page.
func (a *app) startPage() http.Handler {
	type section struct {
		Path, Carries string
		Routes        []route
	}
	var sections []section
	account := ""
	for _, d := range a.doors() {
		s := section{Path: d.path, Carries: "with tokens in bodies and headers"}
		routes := slices.Concat(viewRoutes, apiRoutes)
		if d.auth.Settings().AuthCookie {
			s.Carries, routes, account = "with tokens in cookies", viewRoutes, pagePath
		}
		for _, r := range routes {
			s.Routes = append(s.Routes, route{r.Methods, d.path + r.Path, r.Does})
		}
		sections = append(sections, s)
	}
	return content(render("page/start.html", map[string]any{"Account": account, "Doors": sections}), "text/html; charset=utf-8")
}
