package browsertest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-simplejwt/simplejwt/internal/browsertest"
	"github.com/go-simplejwt/simplejwt/internal/testlevel"
)

func TestTab(t *testing.T) {
	testlevel.SkipUnlessFull(t)
	if testlevel.Race {
		t.Skip("a browser takes two cores for itself: it is used without the race detector")
	}
	for _, engine := range browsertest.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.SetCookie(w, &http.Cookie{Name: "a", Value: "b", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
				fmt.Fprintf(w, "<!DOCTYPE html><title>x</title><body><input id=i autofocus>%s", r.URL.Path)
			}))
			t.Cleanup(server.Close)
			url := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
			browser := browsertest.Start(t, engine)
			tab := browser.NewProfile(t, url+"/one")
			tab.Until(`document.body.innerText.includes("/one")`)
			if got := browsertest.Value[[]int](tab, `Promise.resolve([1, 2])`); len(got) != 2 {
				t.Errorf("the value of a promise: %v", got)
			}
			if _, err := browsertest.Try[int](tab, `Promise.reject(new Error("no"))`); err == nil {
				t.Error("a script that fails is no error")
			}
			hidden := tab.AnotherHidden(url + "/two")
			hidden.Until(`document.body.innerText.includes("/two")`)
			t.Log(engine, "hidden:", browsertest.Value[bool](hidden, `document.hidden`), "front:", browsertest.Value[bool](tab, `document.hidden`))
			if got := tab.Cookies(); len(got) != 1 || got[0].Name != "a" || !got[0].HTTPOnly || got[0].SameSite != "lax" || got[0].Expiry != 0 {
				t.Errorf("cookies: %+v", got)
			}
			tab.DropCookie("a")
			if got := tab.Cookies(); len(got) != 0 {
				t.Errorf("cookies after they were dropped: %+v", got)
			}
			tab.Show()
			tab.Eval(`document.getElementById("i").focus()`)
			tab.Press("hello")
			tab.Until(`document.getElementById("i").value === "hello"`)
			tab.Begin(`window.answer = confirm("?")`)
			tab.AnswerPrompt()
			tab.Until(`window.answer === true`)
			tab.Visit(url + "/three")
			tab.Back()
			tab.Until(`document.body.innerText.includes("/one")`)
			tab.Resize(390, 800)
			if got := tab.Picture(); len(got) < 100 {
				t.Errorf("a picture of %d bytes", len(got))
			}
			if other := browser.NewProfile(t, url+"/four"); len(other.Cookies()) != 1 {
				t.Error("profiles share cookies")
			}
			hidden.Close()
		})
	}
}
