package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAllCommands_README compares README's table of commands and flags with the program.
func TestAllCommands_README(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(readme), "\n| Command | Flags | What it does |\n| --- | --- | --- |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	want, got := map[string]string{}, map[string]string{}
	for name, c := range allCommands() {
		want[name] = "`-" + strings.ReplaceAll(c.flags, " ", "` `-") + "`"
	}
	for row := range strings.SplitSeq(table, "\n") {
		if cells := strings.Split(row, " | "); len(cells) == 3 {
			got[strings.Trim(cells[0], "|` ")] = cells[1]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("README's commands (-program +README):\n%s", diff)
	}
}
