package client_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt/client"
)

// This file holds the Go code of docs/clients.md, between comments.

// start:begin
func report(ctx context.Context, password string) (err error) {
	api, err := client.New(client.Config{BaseURL: "https://api.example.com"})
	if err != nil {
		return err
	}
	if err := api.Login(ctx, "alice", password, map[string]any{"device_name": "nightly report"}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, api.Logout(ctx)) }()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example.com/api/me/", nil)
	if err != nil {
		return err
	}
	resp, err := api.Client().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(os.Stdout, resp.Body)
	return err
}

// start:end

// errors:begin
func explain(err error) string {
	var authErr *client.Error
	switch {
	case errors.Is(err, client.ErrNotLoggedIn):
		return "Please log in."
	case errors.Is(err, client.ErrSessionEnded) && errors.As(err, &authErr):
		if authErr.Reason == "reused" {
			return "Please log in. Someone else may have a copy of your tokens."
		}
		return "Please log in again: " + authErr.Detail
	case errors.As(err, &authErr):
		return "The server is not available at the moment."
	}
	return err.Error()
}

// errors:end

// service:begin
func service(ctx context.Context, password string) (api *client.Client, err error) {
	api, err = client.New(client.Config{
		BaseURL: "https://api.example.com",
		OnSessionEnd: func(error) {
			_ = api.Login(ctx, "reporter", password, nil) // if that fails, so do the requests
		},
	})
	if err != nil {
		return nil, err
	}
	return api, api.Login(ctx, "reporter", password, nil)
}

// service:end

// file:begin
type file string // its path

func (f file) Load(context.Context) (client.Tokens, error) {
	var t client.Tokens
	data, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return t, err
	}
	return t, json.Unmarshal(data, &t)
}

func (f file) Save(_ context.Context, t client.Tokens) error {
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(string(f)), ".tokens") // readable for its owner only
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // it no longer exists after the rename
	_, err = temporary.Write(data)
	if err = cmp.Or(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), string(f))
}

// file:end

var _, _ = report, service // they compile; there is no server to run them

// TestGuide_CodeCompiles compares docs/clients.md with the code above.
func TestGuide_CodeCompiles(t *testing.T) {
	t.Parallel()
	code, err := os.ReadFile("guide_test.go")
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile(filepath.Join("..", "docs", "clients.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(guide), "\n## Go\n")
	if !found {
		t.Fatal("docs/clients.md has no section Go")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var want, got []string
	for _, name := range []string{"start", "errors", "service", "file"} {
		_, text, _ := strings.Cut(string(code), "// "+name+":begin\n")
		text, _, found := strings.Cut(text, "\n// "+name+":end\n")
		if !found {
			t.Fatalf("there is no code between %s:begin and %s:end", name, name)
		}
		want = append(want, text)
	}
	for _, m := range regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(section, -1) {
		got = append(got, m[1])
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("the guide's code (-compiled +guide):\n%s", diff)
	}
}

func TestGuide_FileStore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens.json")
	store := file(path)
	if tokens, err := store.Load(t.Context()); err != nil || tokens != (client.Tokens{}) {
		t.Errorf("without a file: %v, %v", tokens, err)
	}
	want := client.Tokens{Access: "a", Refresh: "r"}
	for range 2 {
		if err := store.Save(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		if got, err := store.Load(t.Context()); err != nil || got != want {
			t.Errorf("loaded %v, %v", got == want, err)
		}
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("the folder holds %v, %v; want the one file", files, err)
	}
}

func TestGuide_Explain(t *testing.T) {
	runInBubble(t, func(t *testing.T) {
		ended := runUntilSessionEnds(t)
		for want, err := range map[string]error{
			"Please log in.": client.ErrNotLoggedIn,
			"Please log in. Someone else may have a copy of your tokens.": ended,
			"The server is not available at the moment.":                  &client.Error{Op: "refresh", Status: 503},
			"EOF": io.EOF,
		} {
			if got := explain(err); got != want {
				t.Errorf("explain(%v) is %q, want %q", err, got, want)
			}
		}
	})
}
