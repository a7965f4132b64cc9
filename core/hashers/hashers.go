// Package hashers makes and checks password hashes in the formats that Django stores: argon2, pbkdf2_sha256, pbkdf2_sha1,
// bcrypt, bcrypt_sha256 and scrypt. Rows that Django wrote can be checked here, and rows that are made here can be checked
// by Django where the algorithm is among its PASSWORD_HASHERS.
//
// Start reading at Hashers.Check; one file a format holds the rest.
//
// # What no password matches
//
// An unusable password ("!..."), every format not named above, argon2d, argon2 of another version than 19, and a hash with
// parts missing, unreadable or to spare, with a cost that its format does not allow, or longer than 1,024 bytes. Check answers
// false for them, after as much work as for a hash of the preferred format. [Readable] says what is wrong with one.
//
// # Limits
//
// A stored hash says what it costs, and a computation that has begun can't be stopped: neither the standard library's pbkdf2
// nor argon2, bcrypt and scrypt of golang.org/x/crypto take a context. A context ends only the wait for a slot. The limits of
// Options make up for that: a hash over a limit is ErrTooExpensive before any work and before the wait for a slot. With the
// default limits a check computes for three seconds at most and takes 256 MiB at most. New returns the same error for a
// preferred format over a limit, so the limits hold for Make and Dummy too.
//
// # Time
//
// The time of a failed check hides who exists only as far as the stored rows are of the preferred format: set
// Options.Preferred to the format that most rows have.
package hashers

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// MaxPasswordBytes is the length in bytes of the longest password that is hashed. A longer one never matches and
// cannot be made: it would only serve to keep the machine busy.
const MaxPasswordBytes = 4096

// dummyPassword stands in for a password that is not hashed itself, so that the answer takes the usual time.
const dummyPassword = "a password of usual length"

var errPasswordTooLong = fmt.Errorf("password is longer than %d bytes", MaxPasswordBytes)

// Options configures New. The zero value is ready to use.
type Options struct {
	// Preferred names the format that Make writes, by Django's name, with these costs:
	// "argon2" (argon2id, 19 MiB, 2 passes, 1 lane: OWASP's parameters), "pbkdf2_sha256" and "pbkdf2_sha1"
	// (1,000,000 iterations), "bcrypt" and "bcrypt_sha256" (cost 12), "scrypt" (N 16384, r 8, p 5).
	// Defaults to "argon2".
	Preferred string

	// MaxConcurrent is how many hashes are computed at once; further calls wait for a slot until their context ends.
	// It bounds memory too: each check of an argon2 row takes the memory that the row names (19 MiB by default, 100 MiB
	// in Django's), and all of them together at most MaxConcurrent times MaxMemoryMiB. Defaults to runtime.GOMAXPROCS(0).
	MaxConcurrent int

	// MaxPBKDF2Iterations is the highest number of iterations of pbkdf2_sha256 and pbkdf2_sha1. Defaults to 5,000,000; Django
	// 5.2 writes 1,000,000 and Django 6.1 1,500,000.
	MaxPBKDF2Iterations int

	// MaxArgon2Work is the highest product of argon2's memory in MiB and its passes: what a computation writes. Fractions are
	// dropped. Lanes share the memory, so they do not count. Defaults to 2048; Django writes 100 MiB and 2 passes, 200.
	MaxArgon2Work int

	// MaxBcryptCost is the highest cost of bcrypt and bcrypt_sha256, between 4 and 31. Each step doubles the work. Defaults
	// to 15; Django writes 12.
	MaxBcryptCost int

	// MaxScryptWork is the highest product N*r*p of scrypt. Defaults to 4,194,304; Django writes 16384*8*5, 655,360.
	MaxScryptWork int

	// MaxMemoryMiB is the most memory, in MiB, of one hash of argon2 or scrypt. Fractions are dropped. Defaults to 256; Django
	// writes argon2 of 100 MiB and scrypt of 16 MiB.
	MaxMemoryMiB int
}

// Hashers makes and checks password hashes. It is safe for concurrent use. Make one with New.
type Hashers struct {
	// preferred has the costs that Make uses, a random salt and a random sum: no password matches it, so a check
	// against it is the dummy.
	preferred hash
	slots     chan struct{}
	limits    limits
}

// hash is one stored hash, taken apart. Implementations are immutable.
type hash interface {
	// matches does the full work of the hash, whatever the password, and compares in constant time.
	matches(password string) bool

	// renewed returns the stored form of a password with the same costs and a new salt.
	renewed(password string) (string, error)

	// costs returns what the hash costs, beside the limits.
	costs(l limits) []cost

	// current says whether the hash has the format and at least the costs of the preferred one, and a salt of 128 bits.
	current(preferred hash) bool

	// gap returns what remains to be computed after this hash to have worked as long as the preferred one.
	gap(preferred hash) []hash
}

// New returns Hashers with a dummy hash prepared, so that the first Dummy takes as long as any later one. It fails on
// an unknown Options.Preferred, on a negative Options.MaxConcurrent, on a limit out of its range, and with ErrTooExpensive on
// an Options.Preferred that costs more than the limits allow.
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
	l, err := o.limits()
	if err != nil {
		return nil, err
	}
	if err := checkCosts(preferred, l); err != nil {
		return nil, fmt.Errorf("hashers: Options.Preferred: %w", err)
	}
	return newHashers(preferred, o.MaxConcurrent, l), nil
}

func newHashers(preferred hash, maxConcurrent int, l limits) *Hashers {
	return &Hashers{preferred: preferred, slots: make(chan struct{}, maxConcurrent), limits: l}
}

// Make returns the stored form of a password in the preferred format, with a new random salt of at least 128 bits. It
// fails on a password over MaxPasswordBytes, with plain bcrypt on one over 72 bytes or with a NUL byte, and with the
// error of ctx if that ends before there is a slot. Once begun, it can't be stopped.
func (h *Hashers) Make(ctx context.Context, password string) (string, error) {
	if len(password) > MaxPasswordBytes {
		return "", fmt.Errorf("hashers: make: %w", errPasswordTooLong)
	}
	var encoded string
	var failed error
	err := h.run(ctx, func() { encoded, failed = h.preferred.renewed(password) })
	if err = errors.Join(err, failed); err != nil {
		return "", fmt.Errorf("hashers: make: %w", err)
	}
	return encoded, nil
}

// Check says whether password is the one that was stored as encoded. An unusable, unknown, corrupt or empty encoded
// and a password over MaxPasswordBytes are answered like a wrong password, after a Dummy: see Readable. With ok, upgrade says that
// encoded is not of the preferred format, has lower costs, or a salt of less than 128 bits: the caller should store what
// Make returns instead (like Django's must_update, which would also lower a higher cost).
//
// Err is ErrTooExpensive for an encoded over a limit of Options, whatever the password, at once and without any hashing. It is
// the error of ctx if that ended before there was a slot. Once begun, a computation can't be stopped: see the package comment.
func (h *Hashers) Check(ctx context.Context, password, encoded string) (ok, upgrade bool, err error) {
	stored, err := parse(encoded, h.limits)
	if errors.Is(err, ErrTooExpensive) {
		return false, false, fmt.Errorf("hashers: check: %w", err)
	}
	if err != nil || len(password) > MaxPasswordBytes {
		return false, false, h.Dummy(ctx, password)
	}
	err = h.run(ctx, func() { ok = h.verify(stored, password) })
	if err != nil {
		return false, false, fmt.Errorf("hashers: check: %w", err)
	}
	return ok, ok && !stored.current(h.preferred), nil
}

// verify does all the work of a check. A row with a lower cost than today's would tell by its quick refusal that the
// user exists, so a refusal takes the rest of the time too.
func (h *Hashers) verify(stored hash, password string) bool {
	if stored.matches(password) {
		return true
	}
	for _, more := range stored.gap(h.preferred) {
		more.matches(password)
	}
	return false
}

// Dummy takes as long as Check against a hash of the preferred format: call it where there is no hash to check, as for
// an unknown user. It fails only with the error of ctx if that ended before there was a slot.
func (h *Hashers) Dummy(ctx context.Context, password string) error {
	if len(password) > MaxPasswordBytes {
		password = dummyPassword
	}
	if err := h.run(ctx, func() { h.preferred.matches(password) }); err != nil {
		return fmt.Errorf("hashers: dummy: %w", err)
	}
	return nil
}

// Unusable returns a value for the password column that no password matches, random as Django's are.
func Unusable() string {
	return "!" + randomText(40)
}

// run calls work when a slot is free, unless ctx has ended. Work itself can't be stopped.
func (h *Hashers) run(ctx context.Context, work func()) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait for a slot: %w", ctx.Err())
	case h.slots <- struct{}{}:
	}
	defer func() { <-h.slots }()
	if err := ctx.Err(); err != nil { // where both are ready, select takes either
		return fmt.Errorf("wait for a slot: %w", err)
	}
	work()
	return nil
}
