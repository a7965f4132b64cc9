package measure

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// Environment prints what the results depend on: the version of Go, the machine, and the versions of some modules of the
// program.
func Environment(out io.Writer, modules ...string) error {
	versions := make(map[string]string)
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			versions[m.Path] = m.Version
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s/%s, %s, GOMAXPROCS %d\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, cpuModel(), runtime.GOMAXPROCS(0))
	for _, path := range modules {
		version := versions[path]
		if version == "" {
			version = "of unknown version" // a test binary may have no list of modules
		}
		fmt.Fprintf(&b, "%s %s\n", path, version)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// cpuModel returns the model of the processor, which only Linux reports.
func cpuModel() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(data)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				return strings.TrimSpace(value)
			}
		}
	}
	return "a processor of unknown model"
}
