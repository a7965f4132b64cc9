//go:build !unix

package measure

import "time"

// began is the start of the program.
var began = time.Now()

// cpuTime returns the time by the clock: this system does not report CPU time to Go.
func cpuTime() time.Duration { return time.Since(began) }
