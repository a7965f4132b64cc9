package hashers

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// MaxPasswordBytes is the length in bytes of the longest password that is hashed. Make rejects a longer one and Check never
// matches it, to prevent denial of service.
const MaxPasswordBytes = 4096

// dummyPassword is hashed in place of a password that is rejected, so that the check takes the usual time.
const dummyPassword = "a password of usual length"

// errPasswordTooLong is the error of Make for a password over MaxPasswordBytes. It does not include the password.
var errPasswordTooLong = fmt.Errorf("password is longer than %d bytes", MaxPasswordBytes)

// Options configures New. The zero value makes argon2 hashes and checks every format within the default limits. The limits apply
// to stored hashes and to Preferred.
type Options struct {
	// Preferred is Django's name of the format that Make writes. The costs are
	// "argon2" (argon2id, 19 MiB, 2 passes, 1 lane: OWASP's parameters), "pbkdf2_sha256" and "pbkdf2_sha1"
	// (1,000,000 iterations), "bcrypt" and "bcrypt_sha256" (cost 12), "scrypt" (N 16384, r 8, p 5).
	// Defaults to "argon2".
	Preferred string

	// MaxConcurrent is how many hashes are computed at once; further calls wait for a slot until their context ends.
	// It limits memory too: a check of an argon2 row uses the memory that the row names (19 MiB by default, 100 MiB
	// in Django), and all checks together use at most MaxConcurrent times MaxMemoryMiB. Defaults to runtime.GOMAXPROCS(0).
	MaxConcurrent int

	// MaxPBKDF2Iterations is the highest number of iterations of pbkdf2_sha256 and pbkdf2_sha1. Defaults to 5,000,000; Django
	// 5.2 writes 1,000,000 and Django 6.1 1,500,000.
	MaxPBKDF2Iterations int

	// MaxArgon2Work is the highest product of argon2's memory in MiB and its passes, i.e. the total memory written. The product
	// is rounded down. Lanes do not count, as they share the memory. Defaults to 2048; Django's 100 MiB and 2 passes are 200.
	MaxArgon2Work int

	// MaxBcryptCost is the highest cost of bcrypt and bcrypt_sha256, between 4 and 31. Each step doubles the work. Defaults
	// to 15; Django writes 12.
	MaxBcryptCost int

	// MaxScryptWork is the highest product N*r*p of scrypt. Defaults to 4,194,304; Django's 16384*8*5 is 655,360.
	MaxScryptWork int

	// MaxMemoryMiB is the most memory, in MiB, of one hash of argon2 or scrypt, rounded down. Defaults to 256; Django
	// writes argon2 of 100 MiB and scrypt of 16 MiB.
	MaxMemoryMiB int
}

// Hashers makes and checks password hashes. It is safe for concurrent use. The zero value is not usable: make one with New.
type Hashers struct {
	// preferred has the costs that Make uses, a random salt and a random sum. No password matches it, so a check against it
	// is the work of Dummy.
	preferred hash
	slots     chan struct{} // holds one value for each computation under way; its capacity is MaxConcurrent
	limits    limits        // with the defaults filled in
}

// hash is one parsed stored hash. Each format implements it in a file of its own. Implementations are immutable, so they may be
// shared between goroutines.
type hash interface {
	// matchesPassword does the full work of the hash for every password and compares in constant time.
	matchesPassword(password string) bool

	// encodePassword returns the stored form of a password with the costs of this hash and a new salt.
	encodePassword(password string) (string, error)

	// listCosts returns what computing the hash costs, each cost with its limit.
	listCosts(l limits) []cost

	// isCurrent reports whether the hash has the format of the preferred one, at least its costs, and a salt of at least 128 bits.
	isCurrent(preferred hash) bool

	// remainingWork returns extra hashes that make up the difference to preferred; nil if the algorithms differ or the difference
	// cannot be computed (argon2, scrypt).
	remainingWork(preferred hash) []hash
}

// New returns Hashers for the options. It prepares the hash that Dummy computes, so the first Dummy takes as long as any later
// one. It returns an error for an unknown Options.Preferred, a negative Options.MaxConcurrent and a limit out of its range, and
// ErrTooExpensive for an Options.Preferred that costs more than the limits allow.
func New(o Options) (*Hashers, error) {
	if o.Preferred == "" {
		o.Preferred = "argon2"
	}
	preferred, known := newPreferred(o.Preferred)
	if !known {
		return nil, fmt.Errorf("hashers: unknown preferred format %q", o.Preferred)
	}
	if o.MaxConcurrent < 0 {
		return nil, errors.New("hashers: negative MaxConcurrent")
	}
	if o.MaxConcurrent == 0 {
		o.MaxConcurrent = runtime.GOMAXPROCS(0)
	}
	l, err := o.resolveLimits()
	if err != nil {
		return nil, err
	}
	if err := checkCosts(preferred, l); err != nil {
		return nil, fmt.Errorf("hashers: Options.Preferred: %w", err)
	}
	return newHashers(preferred, o.MaxConcurrent, l), nil
}

// newHashers does not validate its arguments. Tests call it with costs below the defaults.
func newHashers(preferred hash, maxConcurrent int, l limits) *Hashers {
	return &Hashers{preferred: preferred, slots: make(chan struct{}, maxConcurrent), limits: l}
}

// Make returns the stored form of a password in the preferred format, with a new random salt of at least 128 bits. It returns an
// error for a password over MaxPasswordBytes; plain bcrypt also rejects passwords over 72 bytes or containing a NUL byte. It
// returns the error of ctx if that ends before a slot is free. A computation that has started cannot be stopped.
func (h *Hashers) Make(ctx context.Context, password string) (string, error) {
	if len(password) > MaxPasswordBytes {
		return "", fmt.Errorf("hashers: make: %w", errPasswordTooLong)
	}
	var encoded string
	var failed error
	err := h.runInSlot(ctx, func() { encoded, failed = h.preferred.encodePassword(password) })
	if err = errors.Join(err, failed); err != nil {
		return "", fmt.Errorf("hashers: make: %w", err)
	}
	return encoded, nil
}

// Check reports whether password is the one that was stored as encoded. If encoded is unusable, unknown, corrupt or empty, or
// password is too long (MaxPasswordBytes), Check does the work of Dummy and returns false; Readable says what is wrong with encoded.
// If ok is true, upgrade reports that encoded does not have the preferred format, has lower costs, or has a salt of less than 128
// bits: the caller should store what Make returns instead. Django's must_update does the same, but would also lower a higher cost.
//
// The error is ErrTooExpensive for an encoded over a limit of Options, for every password, at once and without any hashing. It
// is the error of ctx if that ends before a slot is free. A computation that has started cannot be stopped.
func (h *Hashers) Check(ctx context.Context, password, encoded string) (ok, upgrade bool, err error) {
	stored, err := parseHash(encoded, h.limits)
	if errors.Is(err, ErrTooExpensive) {
		return false, false, fmt.Errorf("hashers: check: %w", err)
	}
	if err != nil || len(password) > MaxPasswordBytes {
		return false, false, h.Dummy(ctx, password)
	}
	err = h.runInSlot(ctx, func() { ok = h.verifyPassword(stored, password) })
	if err != nil {
		return false, false, fmt.Errorf("hashers: check: %w", err)
	}
	return ok, ok && !stored.isCurrent(h.preferred), nil
}

// verifyPassword compares a password with a stored hash. A wrong password for a hash with lower costs than the preferred ones would
// be rejected quickly, which would show that the user exists: so a failed check also computes remainingWork, as far as the
// algorithm allows it.
func (h *Hashers) verifyPassword(stored hash, password string) bool {
	if stored.matchesPassword(password) {
		return true
	}
	for _, more := range stored.remainingWork(h.preferred) {
		more.matchesPassword(password)
	}
	return false
}

// Dummy takes as long as Check against a hash of the preferred format. Call it where there is no hash to check, such as for an
// unknown user. Its only error is that of ctx, if ctx ends before a slot is free.
func (h *Hashers) Dummy(ctx context.Context, password string) error {
	if len(password) > MaxPasswordBytes {
		password = dummyPassword
	}
	if err := h.runInSlot(ctx, func() { h.preferred.matchesPassword(password) }); err != nil {
		return fmt.Errorf("hashers: dummy: %w", err)
	}
	return nil
}

// Unusable returns a value for the password column that no password matches: "!" and 40 random characters, as Django's
// make_password(None) returns.
func Unusable() string {
	return "!" + randomText(40)
}

// runInSlot waits for a free slot and calls work, or returns the error of ctx if that ends first. It does not stop work that has
// started.
func (h *Hashers) runInSlot(ctx context.Context, work func()) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait for a slot: %w", ctx.Err())
	case h.slots <- struct{}{}:
	}
	defer func() { <-h.slots }()
	if err := ctx.Err(); err != nil { // select takes either case if both are ready
		return fmt.Errorf("wait for a slot: %w", err)
	}
	work()
	return nil
}
