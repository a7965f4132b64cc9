package e2e

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt/internal/testlevel"
)

// packageFolder is the npm package of the client for browsers.
const packageFolder = "../../views/browser"

// TestBrowserPackage_Types compiles a program that uses all of the types, strictly.
func TestBrowserPackage_Types(t *testing.T) {
	t.Parallel()
	testlevel.SkipUnlessFull(t)
	compiler := filepath.Join(useNPM(t), "typescript", "bin", "tsc")
	for file, isRight := range map[string]bool{"right.ts": true, "wrong.ts": false} {
		args := []string{compiler, "--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom", filepath.Join("testdata", "types", file)}
		out, err := exec.CommandContext(t.Context(), "node", args...).CombinedOutput()
		if isRight && err != nil {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
		if mistakes := strings.Count(string(out), "error TS"); !isRight && mistakes != 5 {
			t.Errorf("%s has %d mistakes that the types find, want 5:\n%s", file, mistakes, out)
		}
	}
}

// TestBrowserPackage_Files looks at what npm would publish.
func TestBrowserPackage_Files(t *testing.T) {
	t.Parallel()
	testlevel.SkipUnlessFull(t)
	useNPM(t)
	cmd := exec.CommandContext(t.Context(), "npm", "pack", "--dry-run", "--json")
	cmd.Dir = packageFolder
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var packed []struct{ Files []struct{ Path string } }
	if err := json.Unmarshal(out, &packed); err != nil || len(packed) != 1 {
		t.Fatalf("npm pack: %v: %s", err, out)
	}
	var got []string
	for _, file := range packed[0].Files {
		got = append(got, file.Path)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"LICENSE", "README.md", "package.json", "simplejwt.d.ts", "simplejwt.js"}, got); diff != "" {
		t.Errorf("files of the package (-want +got):\n%s", diff)
	}
}

// TestBrowserPackage_OnAServer makes a client where there is no page, as a server that renders one does.
func TestBrowserPackage_OnAServer(t *testing.T) {
	t.Parallel()
	testlevel.SkipUnlessFull(t)
	if _, err := exec.LookPath("node"); err != nil {
		testlevel.SkipMissing(t, "node")
	}
	const script = `import { createClient } from "./simplejwt.js";
		globalThis.fetch = async (input) => "fetched " + input;
		for (const mode of ["cookie", "header"]) {
			const client = createClient({ mode });
			console.log(await client.fetch("https://api.example/x"), JSON.stringify(client.session), client.signal.aborted);
		}`
	cmd := exec.CommandContext(t.Context(), "node", "--input-type=module", "--eval", script)
	cmd.Dir = packageFolder
	out, err := cmd.CombinedOutput()
	if want := strings.Repeat("fetched https://api.example/x \"\" false\n", 2); err != nil || string(out) != want {
		t.Errorf("%v: %s, want %s", err, out, want)
	}
}
