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

// These tests compare README and docs with the code.

// listDocuments returns the paths of all documents, from the root.
func listDocuments(t *testing.T) []string {
	t.Helper()
	out, err := filepath.Glob(filepath.Join("docs", "*.md"))
	if err != nil || len(out) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	return append(out, "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
}

// readFile returns the text of a file.
func readFile(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// readSection returns what a document says below a heading of the second level.
func readSection(t *testing.T, file, heading string) string {
	t.Helper()
	_, text, ok := strings.Cut(readFile(t, file), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("%s has no section %q", file, heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// fence is a block of code.
type fence struct{ language, code string }

var fencePattern = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")

// findFences returns the blocks of code in a text that name their language.
func findFences(text string) []fence {
	var out []fence
	for _, m := range fencePattern.FindAllStringSubmatch(text, -1) {
		out = append(out, fence{m[1], m[2]})
	}
	return out
}

// setting is a field of Settings that its tag names; null says whether a file may give null.
type setting struct {
	reflect.StructField
	name string
	null bool
}

// listSettings returns the settings in the order of the struct.
func listSettings(t *testing.T) []setting {
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

// formatDefault returns a setting's default as the documents write it, or false if they describe it in words.
func formatDefault(t *testing.T, s setting, defaults simplejwt.Settings) (string, bool) {
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

// defaultSettings returns the settings in force where only a key is given.
func defaultSettings(t *testing.T) simplejwt.Settings {
	t.Helper()
	auth, err := core.New(simplejwt.Settings{SigningKey: strings.Repeat("k", 32)}, core.Deps{Users: memstore.NewUsers()})
	if err != nil {
		t.Fatal(err)
	}
	return auth.Settings()
}

func TestREADME_Settings(t *testing.T) {
	t.Parallel()
	defaults := defaultSettings(t)
	rows := regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\| ([^|]+) \\| ([^|]+) \\|$").FindAllStringSubmatch(readSection(t, "README.md", "Settings"), -1)
	var want, got []string
	for _, row := range rows {
		got = append(got, row[1])
	}
	for i, s := range listSettings(t) {
		want = append(want, s.name)
		if i >= len(rows) || rows[i][1] != s.name {
			continue // reported below
		}
		if text, ok := formatDefault(t, s, defaults); ok && rows[i][2] != text {
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

func TestSettingsDocument(t *testing.T) {
	t.Parallel()
	defaults := defaultSettings(t)
	entry := regexp.MustCompile("(?m)^### ([A-Z_]+)\n\n`([A-Za-z]+) ([^`]+)`\\. Default: (.*)$")
	text := readFile(t, filepath.Join("docs", "settings.md"))
	entries := map[string][]string{}
	var got, want []string
	for _, e := range entry.FindAllStringSubmatch(text, -1) {
		entries[e[1]] = e
		got = append(got, e[1])
	}
	if n := strings.Count(text, "\n### "); n != len(got) {
		t.Errorf("docs/settings.md has %d headings of the third level, %d of them with a type and a default", n, len(got))
	}
	for _, s := range listSettings(t) {
		want = append(want, s.name)
		e := entries[s.name]
		if e == nil {
			continue // reported below
		}
		goType := strings.ReplaceAll(s.Type.String(), "simplejwt.", "")
		if s.Type.Kind() == reflect.Func && s.Type.Name() == "" { // the document may name parameters
			goType = e[3]
		}
		if e[2] != s.Name || e[3] != goType {
			t.Errorf("docs/settings.md calls %s `%s %s`, want `%s %s`", s.name, e[2], e[3], s.Name, goType)
		}
		if text, ok := formatDefault(t, s, defaults); ok && !strings.HasPrefix(e[4], text+".") && !strings.HasPrefix(e[4], text+",") {
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

// readMarked returns the code of a file between the comments "name:begin" and "name:end".
func readMarked(t *testing.T, file, name string) string {
	t.Helper()
	_, code, begins := strings.Cut(readFile(t, file), "// "+name+":begin\n")
	code, _, ends := strings.Cut(code, "\n// "+name+":end\n")
	if !begins || !ends {
		t.Fatalf("%s has no code between %s:begin and %s:end", file, name, name)
	}
	return code
}

func TestREADME_QuickStart(t *testing.T) {
	t.Parallel()
	want := []fence{{"go", readFile(t, filepath.Join("example_app", "quickstart", "main.go"))}}
	var got []fence
	for _, f := range findFences(readSection(t, "README.md", "Quick start")) {
		if f.language == "go" {
			got = append(got, f)
		}
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(fence{})); diff != "" {
		t.Errorf("README's quick start (-compiled +README):\n%s", diff)
	}
}

func TestFrameworksDocument(t *testing.T) {
	t.Parallel()
	const longest = 25 // lines
	file := filepath.Join("docs", "frameworks.md")
	for heading, framework := range map[string]string{"Gin": "gin", "Echo": "echo"} {
		code := readMarked(t, filepath.Join("example_app", "quickstart_"+framework+"_test.go"), "quickstart")
		if lines := strings.Count(code, "\n"); lines > longest {
			t.Errorf("the quick start for %s has %d lines, want at most %d", heading, lines, longest)
		}
		want := []fence{{"go", code}}
		if diff := cmp.Diff(want, findFences(readSection(t, file, heading)), cmp.AllowUnexported(fence{})); diff != "" {
			t.Errorf("the quick start for %s (-compiled +document):\n%s", heading, diff)
		}
	}
}

func TestREADME_Browser(t *testing.T) {
	t.Parallel()
	want := []fence{{"go", readMarked(t, filepath.Join("stdjwt", "cookies_test.go"), "cookies")}}
	got := findFences(readSection(t, "README.md", "In the browser"))
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(fence{})); diff != "" {
		t.Errorf("README's code for the browser (-compiled +README):\n%s", diff)
	}
}

// TestREADME_Commands pins the two commands, which .ci/run runs, and how to use a clone. Only the quick start has further commands.
func TestREADME_Commands(t *testing.T) {
	t.Parallel()
	const module = "github.com/go-simplejwt/simplejwt"
	useClone := "git clone https://" + module + " ../simplejwt\ngo mod edit -replace " + module + "=../simplejwt\n"
	want := []fence{{"sh", "go run ./example_app\n"}, {"sh", "go test ./...\n"}, {"sh", useClone}}
	if diff := cmp.Diff(want, findFences(readSection(t, "README.md", "Start")), cmp.AllowUnexported(fence{})); diff != "" {
		t.Errorf("README's commands (-want +got):\n%s", diff)
	}
	quickStart := findFences(readSection(t, "README.md", "Quick start"))
	for _, f := range findFences(readFile(t, "README.md")) {
		if f.language != "go" && !slices.Contains(want, f) && !slices.Contains(quickStart, f) {
			t.Errorf("README has one more block of %s:\n%s", f.language, f.code)
		}
	}
}

// TestDocuments_Code checks blocks of code by their language: Go by gofmt, settings by FromJSON.
func TestDocuments_Code(t *testing.T) {
	t.Parallel()
	for _, file := range listDocuments(t) {
		text := readFile(t, file)
		all := findFences(text)
		if n := strings.Count("\n"+text, "\n```"); n != 2*len(all) {
			t.Errorf("%s: %d lines begin or end a block of code, and %d blocks were found", file, n, len(all))
		}
		for _, f := range all {
			switch f.language {
			case "go":
				formatted, err := format.Source([]byte(f.code))
				if err != nil {
					t.Errorf("%s: not Go: %v\n%s", file, err, f.code)
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

// readProse returns a document without its blocks of code.
func readProse(t *testing.T, file string) string {
	t.Helper()
	return fencePattern.ReplaceAllString(readFile(t, file), "")
}

// readAnchors returns the ids that GitHub gives to the headings of a document.
func readAnchors(t *testing.T, file string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(readProse(t, file), -1) {
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

func TestDocuments_Links(t *testing.T) {
	t.Parallel()
	inlineCode, link := regexp.MustCompile("`[^`\n]*`"), regexp.MustCompile(`\]\(([^)]*)\)`)
	count := 0
	for _, file := range listDocuments(t) {
		for _, m := range link.FindAllStringSubmatch(inlineCode.ReplaceAllString(readProse(t, file), ""), -1) {
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
			} else if hasAnchor && !readAnchors(t, target)[anchor] {
				t.Errorf("%s links to %s: there is no such heading", file, m[1])
			}
		}
	}
	if count == 0 {
		t.Error("no link was found")
	}
}

func TestDocuments_Files(t *testing.T) {
	t.Parallel()
	for _, file := range listDocuments(t) {
		for _, m := range regexp.MustCompile("`([a-z_/]+\\.go)`").FindAllStringSubmatch(readProse(t, file), -1) {
			if _, err := os.Stat(filepath.FromSlash(m[1])); err != nil {
				t.Errorf("%s names %s: %v", file, m[1], err)
			}
		}
	}
}

// TestArchitecture_Dependencies compares the table of dependencies with the direct requirements of go.mod, both ways.
func TestArchitecture_Dependencies(t *testing.T) {
	t.Parallel()
	want, got := map[string]string{}, map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^(?:\t|require )(\S+) (v\S+)$`).FindAllStringSubmatch(readFile(t, "go.mod"), -1) {
		want[m[1]] = m[2]
	}
	table := readSection(t, filepath.Join("docs", "architecture.md"), "Dependencies")
	for _, m := range regexp.MustCompile(`(?m)^\| (\S+\.\S+) \| (\S+) \|`).FindAllStringSubmatch(table, -1) {
		got[m[1]] = m[2]
	}
	if len(want) == 0 {
		t.Fatal("go.mod has no direct requirement")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the dependencies of docs/architecture.md (-go.mod +document):\n%s", diff)
	}
}
