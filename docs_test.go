package simplejwt_test

import (
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/core/memstore"
)

// These tests hold README and docs against the code.

// documents are the files that are looked at, from the root.
func documents(t *testing.T) []string {
	t.Helper()
	out, err := filepath.Glob(filepath.Join("docs", "*.md"))
	if err != nil || len(out) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	return append(out, "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// section is what a document says below a heading of the second level.
func section(t *testing.T, file, heading string) string {
	t.Helper()
	_, text, ok := strings.Cut(read(t, file), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("%s has no section %q", file, heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// fence is a block of code.
type fence struct{ language, code string }

var fencePattern = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")

func fences(text string) []fence {
	var out []fence
	for _, m := range fencePattern.FindAllStringSubmatch(text, -1) {
		out = append(out, fence{m[1], m[2]})
	}
	return out
}

// setting is a field of Settings by its tag.
type setting struct {
	reflect.StructField
	name string
	null bool
}

func settingsOfTheCode(t *testing.T) []setting {
	t.Helper()
	var out []setting
	for f := range reflect.TypeFor[simplejwt.Settings]().Fields() {
		if tag, ok := f.Tag.Lookup("setting"); ok {
			words := strings.Split(tag, ",")
			null := slices.Contains(words, "null") || slices.Contains(words, "off")
			out = append(out, setting{StructField: f, name: words[0], null: null})
		}
	}
	if len(out) == 0 {
		t.Fatal("no field of Settings has a tag")
	}
	return out
}

// defaultOf writes a setting's default as the documents do; false for one whose default is no value of its own.
func defaultOf(t *testing.T, s setting, defaults simplejwt.Settings) (string, bool) {
	t.Helper()
	if s.name == "SIGNING_KEY" || s.name == "VERIFYING_KEY" {
		return "", false
	}
	switch v := reflect.ValueOf(defaults).FieldByIndex(s.Index).Interface().(type) {
	case time.Duration:
		switch {
		case v == 0:
			return "0", true
		case v%time.Hour == 0:
			return fmt.Sprintf("%d hours", v/time.Hour), true
		}
		return fmt.Sprintf("%d minutes", v/time.Minute), true
	case string:
		if v == "" {
			return "none", true
		}
		return "`" + v + "`", true
	case []string:
		if len(v) == 0 {
			return "none", true
		}
		return "`" + strings.Join(v, "`, `") + "`", true
	case bool:
		return fmt.Sprint(v), true
	case *bool:
		return fmt.Sprint(*v), true
	case int64:
		return fmt.Sprintf("%d bytes", v), true
	}
	return "", false // a function
}

func defaultSettings(t *testing.T) simplejwt.Settings {
	t.Helper()
	auth, err := core.New(simplejwt.Settings{SigningKey: strings.Repeat("k", 32)}, core.Deps{Users: memstore.NewUsers()})
	if err != nil {
		t.Fatal(err)
	}
	return auth.Settings()
}

func TestEverySettingIsInREADME(t *testing.T) {
	t.Parallel()
	defaults := defaultSettings(t)
	rows := regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\| ([^|]+) \\| ([^|]+) \\|$").FindAllStringSubmatch(section(t, "README.md", "Settings"), -1)
	var want, got []string
	for _, row := range rows {
		got = append(got, row[1])
	}
	for i, s := range settingsOfTheCode(t) {
		want = append(want, s.name)
		if i >= len(rows) || rows[i][1] != s.name {
			continue // told below
		}
		if text, ok := defaultOf(t, s, defaults); ok && rows[i][2] != text {
			t.Errorf("the default of %s is %q in README, want %q", s.name, rows[i][2], text)
		}
		if isFunction := s.Type.Kind() == reflect.Func; isFunction != strings.HasPrefix(rows[i][3], "function: ") {
			t.Errorf("README says of %s %q; it is a function: %t", s.name, rows[i][3], isFunction)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("README's settings (-code +README):\n%s", diff)
	}
}

func TestEverySettingHasItsSection(t *testing.T) {
	t.Parallel()
	defaults := defaultSettings(t)
	entry := regexp.MustCompile("(?m)^### ([A-Z_]+)\n\n`([A-Za-z]+) ([^`]+)`\\. Default: (.*)$")
	text := read(t, filepath.Join("docs", "settings.md"))
	entries := map[string][]string{}
	var got, want []string
	for _, e := range entry.FindAllStringSubmatch(text, -1) {
		entries[e[1]] = e
		got = append(got, e[1])
	}
	if n := strings.Count(text, "\n### "); n != len(got) {
		t.Errorf("docs/settings.md has %d headings of the third level, %d of them with a type and a default", n, len(got))
	}
	for _, s := range settingsOfTheCode(t) {
		want = append(want, s.name)
		e := entries[s.name]
		if e == nil {
			continue // told below
		}
		goType := strings.ReplaceAll(s.Type.String(), "simplejwt.", "")
		if s.Type.Kind() == reflect.Func && s.Type.Name() == "" { // the document may name parameters
			goType = e[3]
		}
		if e[2] != s.Name || e[3] != goType {
			t.Errorf("docs/settings.md calls %s `%s %s`, want `%s %s`", s.name, e[2], e[3], s.Name, goType)
		}
		if text, ok := defaultOf(t, s, defaults); ok && !strings.HasPrefix(e[4], text+".") && !strings.HasPrefix(e[4], text+",") {
			t.Errorf("docs/settings.md: the default of %s is %q, want %q", s.name, e[4], text)
		}
		if null := strings.Contains(e[4], "null"); null != s.null {
			t.Errorf("docs/settings.md says of %s that it may be null: %t, want %t", s.name, null, s.null)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the settings of docs/settings.md (-code +document):\n%s", diff)
	}
}

// between is the code of a file between the comments "name:begin" and "name:end".
func between(t *testing.T, file, name string) string {
	t.Helper()
	_, code, begins := strings.Cut(read(t, file), "// "+name+":begin\n")
	code, _, ends := strings.Cut(code, "\n// "+name+":end\n")
	if !begins || !ends {
		t.Fatalf("%s has no code between %s:begin and %s:end", file, name, name)
	}
	return code
}

func TestQuickStartsAreCompiledCode(t *testing.T) {
	t.Parallel()
	const longest = 25 // lines
	file := func(framework string) string { return filepath.Join("example_app", "quickstart_"+framework+"_test.go") }
	want := []fence{{"go", between(t, file("std"), "user")}}
	for _, framework := range []string{"gin", "echo", "std"} {
		code := between(t, file(framework), "quickstart")
		if lines := strings.Count(code, "\n"); lines > longest {
			t.Errorf("the quick start for %s has %d lines, want at most %d", framework, lines, longest)
		}
		want = append(want, fence{"go", code})
	}
	got := fences(section(t, "README.md", "Quick start"))
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(fence{})); diff != "" {
		t.Errorf("README's quick starts (-compiled +README):\n%s", diff)
	}
}

func TestTheStartInTheBrowserIsCompiledCode(t *testing.T) {
	t.Parallel()
	want := []fence{{"go", between(t, filepath.Join("stdjwt", "cookies_test.go"), "cookies")}}
	got := fences(section(t, "README.md", "In the browser"))
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(fence{})); diff != "" {
		t.Errorf("README's start in the browser (-compiled +README):\n%s", diff)
	}
}

func TestTwoCommandsAreEnough(t *testing.T) {
	t.Parallel()
	want := []fence{{"sh", "go run ./example_app\n"}, {"sh", "go test -timeout 20m ./...\n"}}
	if diff := cmp.Diff(want, fences(section(t, "README.md", "Start")), cmp.AllowUnexported(fence{})); diff != "" {
		t.Errorf("README's commands (-want +got):\n%s", diff)
	}
	for _, f := range fences(read(t, "README.md")) {
		if f.language != "go" && !slices.Contains(want, f) {
			t.Errorf("README has one more block of %s:\n%s", f.language, f.code)
		}
	}
}

// TestCodeInDocuments holds blocks of code to what their language allows: Go to gofmt, settings to FromJSON.
func TestCodeInDocuments(t *testing.T) {
	t.Parallel()
	for _, file := range documents(t) {
		text := read(t, file)
		all := fences(text)
		if n := strings.Count("\n"+text, "\n```"); n != 2*len(all) {
			t.Errorf("%s: %d lines begin or end a block of code, and %d blocks were found", file, n, len(all))
		}
		for _, f := range all {
			switch f.language {
			case "go":
				formatted, err := format.Source([]byte(f.code))
				if err != nil {
					t.Errorf("%s: no Go: %v\n%s", file, err, f.code)
				} else if diff := cmp.Diff(string(formatted), f.code); diff != "" {
					t.Errorf("%s: not formatted (-gofmt +document):\n%s", file, diff)
				}
			case "json":
				if _, err := simplejwt.FromJSON(simplejwt.Settings{}, []byte(f.code)); err != nil {
					t.Errorf("%s: %v\n%s", file, err, f.code)
				}
			}
		}
	}
}

// prose is a document without its blocks of code.
func prose(t *testing.T, file string) string {
	t.Helper()
	return fencePattern.ReplaceAllString(read(t, file), "")
}

// anchors are the ids that GitHub gives to the headings of a document.
func anchors(t *testing.T, file string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(prose(t, file), -1) {
		out[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, m[1])] = true
	}
	return out
}

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	inlineCode, link := regexp.MustCompile("`[^`\n]*`"), regexp.MustCompile(`\]\(([^)]*)\)`)
	count := 0
	for _, file := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(inlineCode.ReplaceAllString(prose(t, file), ""), -1) {
			if strings.HasPrefix(m[1], "https://") {
				continue
			}
			count++
			path, anchor, hasAnchor := strings.Cut(m[1], "#")
			target := file
			if path != "" {
				target = filepath.Join(filepath.Dir(file), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", file, m[1], err)
			} else if hasAnchor && !anchors(t, target)[anchor] {
				t.Errorf("%s links to %s: there is no such heading", file, m[1])
			}
		}
	}
	if count == 0 {
		t.Error("no link was found")
	}
}

func TestFilesNamedInDocumentsExist(t *testing.T) {
	t.Parallel()
	for _, file := range documents(t) {
		for _, m := range regexp.MustCompile("`([a-z_/]+\\.go)`").FindAllStringSubmatch(prose(t, file), -1) {
			if _, err := os.Stat(filepath.FromSlash(m[1])); err != nil {
				t.Errorf("%s names %s: %v", file, m[1], err)
			}
		}
	}
}
