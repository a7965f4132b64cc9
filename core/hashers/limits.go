package hashers

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/crypto/bcrypt"
)

var (
	// ErrTooExpensive is the error of Check for a stored hash, and of New for an Options.Preferred, that costs more than the
	// limits of Options allow. The full error names the format, the cost, its value and its limit, and the option that raises
	// the limit; it holds nothing else of the hash.
	ErrTooExpensive = errors.New("the password hash is too expensive")

	// errUnreadable is the error of parse where no password matches. The full error says what can't be read, and holds nothing
	// of the hash but the name of its format.
	errUnreadable = errors.New("the password hash cannot be read")
)

// maxNumber is where the numbers of a stored hash end: a larger one counts as this one, which is over every limit.
const maxNumber = 1 << 30

// The defaults let a check take at most three seconds of processor time on the machine of docs/performance.md, in the shapes
// that take longest (BenchmarkCheckAtLimit), and 256 MiB. They are three to ten times what Django writes.
const (
	defaultPBKDF2Iterations = 5_000_000
	defaultArgon2Work       = 2048 // MiB
	defaultBcryptCost       = 15
	defaultScryptWork       = 4 << 20
	defaultMemoryMiB        = 256
)

// limits are those of Options, with the defaults filled in.
type limits struct {
	pbkdf2Iterations int
	argon2Work       int // MiB
	bcryptCost       int
	scryptWork       int
	memoryMiB        int
}

func defaultLimits() limits {
	return limits{defaultPBKDF2Iterations, defaultArgon2Work, defaultBcryptCost, defaultScryptWork, defaultMemoryMiB}
}

// limits returns the limits, or an error that names the option that is out of its range. The ranges end where a number that was
// clamped to maxNumber would be within the limit; argon2's memory is in KiB, 8 at least.
func (o Options) limits() (limits, error) {
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

// cost is what a hash costs in one respect, and the limit and the option that limits it.
type cost struct {
	name   string // with the format and the unit
	value  int64
	limit  int
	option string
}

// checkCosts returns ErrTooExpensive for the first cost over its limit.
func checkCosts(h hash, l limits) error {
	for _, c := range h.costs(l) {
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

// unreadable returns errUnreadable with what is wrong.
func unreadable(what string) error { return fmt.Errorf("%w: %s", errUnreadable, what) }
