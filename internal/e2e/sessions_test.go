package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSessions_ListAndEnd(t *testing.T) {
	t.Parallel()
	onEachFramework(t, rotating+recommended, func(t *testing.T, s *server) {
		phone, phoneRefresh := s.loginOn("phone")
		laptop, laptopRefresh := s.loginOn("laptop")
		_, tabletRefresh := s.loginOn("tablet")
		s.addUser("mallory")
		mallory := s.tryLogin("mallory", "correct horse").text("access")

		got := s.listSessions(laptop)
		var names []string
		for _, s := range got {
			names = append(names, s.DeviceName+" "+s.UserAgent+" "+s.IP)
			if s.Current != (s.DeviceName == "laptop") || time.Since(s.StartedAt) > time.Minute || s.LastRefreshedAt.Before(s.StartedAt) || time.Until(s.ExpiresAt) < 23*time.Hour {
				t.Errorf("session %+v", s)
			}
		}
		if diff := cmp.Diff([]string{"tablet tablet/1 127.0.0.1", "laptop laptop/1 127.0.0.1", "phone phone/1 127.0.0.1"}, names); diff != "" {
			t.Errorf("sessions (-want +got):\n%s", diff)
		}

		// Another's session is not there.
		phoneID := got[2].ID
		s.want(s.sendAs(mallory, http.MethodDelete, "/api/token/sessions/"+phoneID+"/", ""), 404, "Not found.")
		if n := len(s.listSessions(mallory)); n != 1 {
			t.Errorf("mallory sees %d sessions, want one", n)
		}
		s.want(s.sendAs(mallory, http.MethodDelete, "/api/token/sessions/", ""), 204, "")
		s.want(s.sendAs(laptop, http.MethodDelete, "/api/token/sessions/unknown", ""), 404, "Not found.")
		s.want(s.sendAs(laptop, http.MethodDelete, "/api/token/sessions/%ff%00/", ""), 404, "")
		if n := len(s.listSessions(laptop)); n != 3 {
			t.Fatalf("%d sessions are left, want 3", n)
		}

		// One, the others, all.
		s.want(s.sendAs(laptop, http.MethodDelete, "/api/token/sessions/"+phoneID+"/", ""), 204, "")
		s.want(s.refresh(phoneRefresh), 401, "Token is blacklisted")
		s.want(s.sendAs(phone, http.MethodGet, "/api/token/sessions/", ""), 401, "Given token not valid for any token type")
		s.want(s.sendAs(phone, http.MethodDelete, "/api/token/sessions/", ""), 401, "")
		s.want(s.sendAs(laptop, http.MethodDelete, "/api/token/sessions/others/", ""), 204, "")
		s.want(s.refresh(tabletRefresh), 401, "Token is blacklisted")
		next := s.refresh(laptopRefresh)
		s.want(next, 200, "")
		if got := s.listSessions(laptop); len(got) != 1 || !got[0].Current || got[0].DeviceName != "laptop" || got[0].UserAgent == "laptop/1" {
			t.Errorf("sessions %+v, want the laptop, with the user agent of its refresh", got)
		}
		s.want(s.sendAs(laptop, http.MethodDelete, "/api/token/sessions", ""), 204, "")
		s.want(s.refresh(next.text("refresh")), 401, "Token is blacklisted")
	})
}

func TestSessions_NeedAUser(t *testing.T) {
	t.Parallel()
	onEachFramework(t, "", func(t *testing.T, s *server) {
		access, refresh := s.login()
		for _, path := range []string{"/api/token/sessions/", "/api/token/sessions/others/", "/api/token/sessions/x/", "/api/me/password/"} {
			s.want(s.send(http.MethodDelete, path, ""), 401, "Authentication credentials were not provided.")
			s.want(s.sendAs(refresh, http.MethodDelete, path, ""), 401, "Given token not valid for any token type")
			s.want(s.sendAs(access, http.MethodPut, path, ""), 405, `Method "PUT" not allowed.`)
			if path != "/api/me/password/" {
				s.want(s.send(http.MethodOptions, path, ""), 204, "")
			}
		}
		s.want(s.sendAs(access, http.MethodGet, "/api/token/sessions/others/", ""), 405, "")
	})
}

func TestSessions_CheckSessionInEveryProcess(t *testing.T) {
	t.Parallel()
	const checking = rotating + recommended + `, "CHECK_SESSION": true`
	s := startServerOn(t, "std", checking, newPostgres(t))
	other := newClient(t, s.startProcess("std", s.dsn).url)
	access, refresh := s.login()
	s.want(other.getUser(access), 200, "")
	s.want(s.post("/api/token/blacklist/", `{"refresh": "`+refresh+`"}`), 200, "")
	s.want(other.getUser(access), 401, "Given token not valid for any token type")
	s.want(s.getUser(access), 401, "Given token not valid for any token type")
}
