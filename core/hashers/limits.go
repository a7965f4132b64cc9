package hashers

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/crypto/bcrypt"
)

var (
	// ErrTooExpensive means that a stored hash (Check) or Options.Preferred (New) costs more than the limits of Options allow.
	// The error that wraps it names the format, the cost, its value, its limit and the option that raises the limit, and contains
	// nothing else of the hash.
	ErrTooExpensive = errors.New("the password hash is too expensive")

	// errUnreadable means that no password can match a stored hash. The error that wraps it says what cannot be read, and contains
	// nothing of the hash but the name of its format.
	errUnreadable = errors.New("the password hash cannot be read")
)

// maxNumber is the highest number that is read from a stored hash. A larger one counts as maxNumber, which is over every limit,
// so that products of two numbers fit into 64 bits.
const maxNumber = 1 << 30

// With the default limits a check takes at most 256 MiB, and at most three seconds of processor time on the machine of
// docs/performance.md, even for the costs that take longest (BenchmarkCheckAtLimit). They are three to ten times what Django writes.
const (
	defaultPBKDF2Iterations = 5_000_000
	defaultArgon2Work       = 2048 // MiB
	defaultBcryptCost       = 15
	defaultScryptWork       = 4 << 20
	defaultMemoryMiB        = 256
)

// limits are the limits of Options, with the defaults filled in.
type limits struct {
	pbkdf2Iterations int
	argon2Work       int // MiB
	bcryptCost       int
	scryptWork       int
	memoryMiB        int
}

// defaultLimits returns the limits of the zero Options.
func defaultLimits() limits {
	return limits{defaultPBKDF2Iterations, defaultArgon2Work, defaultBcryptCost, defaultScryptWork, defaultMemoryMiB}
}

// resolveLimits fills in the defaults, and returns an error that names the first option out of its range. The ranges end below
// the limit that a number clamped to maxNumber would still meet: argon2's memory is in KiB, and at least 8.
func (o Options) resolveLimits() (limits, error) {
	for _, option := range []struct {
		name                     string
		value                    *int
		standard, least, highest int
	}{
		{"MaxPBKDF2Iterations", &o.MaxPBKDF2Iterations, defaultPBKDF2Iterations, 1, maxNumber - 1},
		{"MaxArgon2Work", &o.MaxArgon2Work, defaultArgon2Work, 1, maxNumber/128 - 1},
		{"MaxBcryptCost", &o.MaxBcryptCost, defaultBcryptCost, bcrypt.MinCost, bcrypt.MaxCost},
		{"MaxScryptWork", &o.MaxScryptWork, defaultScryptWork, 1, maxNumber - 1},
		{"MaxMemoryMiB", &o.MaxMemoryMiB, defaultMemoryMiB, 1, maxNumber/1024 - 1},
	} {
		if *option.value == 0 {
			*option.value = option.standard
		}
		if *option.value < option.least || *option.value > option.highest {
			return limits{}, fmt.Errorf("hashers: Options.%s is %d: it must be between %d and %d, or 0 for %d",
				option.name, *option.value, option.least, option.highest, option.standard)
		}
	}
	return limits{o.MaxPBKDF2Iterations, o.MaxArgon2Work, o.MaxBcryptCost, o.MaxScryptWork, o.MaxMemoryMiB}, nil
}

// cost is one cost of a hash, with its limit and the option that sets the limit.
type cost struct {
	name   string // with the format and the unit
	value  int64
	limit  int
	option string
}

// checkCosts returns ErrTooExpensive for the first cost of h over its limit, and nil if there is none.
func checkCosts(h hash, l limits) error {
	for _, c := range h.listCosts(l) {
		if c.value <= int64(c.limit) {
			continue
		}
		value := strconv.FormatInt(c.value, 10)
		if c.value >= maxNumber { // it may have been clamped
			value = fmt.Sprintf("%d or more", maxNumber)
		}
		return fmt.Errorf("%w: %s is %s, the limit is %d: hashers.Options.%s raises it", ErrTooExpensive, c.name, value, c.limit, c.option)
	}
	return nil
}

// unreadableError wraps errUnreadable with what is wrong. The text must not contain any part of the hash.
func unreadableError(what string) error { return fmt.Errorf("%w: %s", errUnreadable, what) }
