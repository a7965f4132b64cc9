//go:build !unix

package measure

import "time"

var began = time.Now()

// spent is the time by the clock.
func spent() time.Duration { return time.Since(began) }
