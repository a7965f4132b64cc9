package jose

import (
	"iter"
	"slices"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/internal/strictjson"
)

// Claims are the claims of a token, in order. The zero value is empty and ready to use. Assigning Claims does not copy
// them: use Clone before changing one of two. Claims from Verify may be shared with the token cache; the first change
// copies them. Claims must not be used by several goroutines at once.
//
// They are a list and not a map: a token has about ten claims, so a linear search is faster than hashing, and the order is
// kept.
type Claims struct {
	list   []Claim
	shared bool // with the token cache: copy before the first change
}

// NewClaims returns empty Claims with capacity for n, so that n calls of Set allocate once.
func NewClaims(n int) Claims { return Claims{list: make([]Claim, 0, n)} }

// parseClaims reads a JSON object. It decodes no value. Errors: those of strictjson.Append.
func parseClaims(text string) (Claims, error) {
	var buf [16]strictjson.Member // on the stack, enough for most tokens
	members, err := strictjson.Append(buf[:0], text)
	if err != nil {
		return Claims{}, err
	}
	list := make([]Claim, len(members), len(members)+1) // room for one claim that is set later
	for i, m := range members {
		list[i] = Claim{name: m.Name, raw: m.Raw}
	}
	return Claims{list: list}, nil
}

// Get returns the claim with this name, nil if there is none. The pointer is valid until the next change of the Claims.
func (c Claims) Get(name string) *Claim {
	for i := range c.list {
		if c.list[i].name == name {
			return &c.list[i]
		}
	}
	return nil
}

// Has reports whether there is a claim with this name. One whose value is null counts.
func (c Claims) Has(name string) bool { return c.Get(name) != nil }

// All yields the claims in order. The Claims must not be changed during the iteration.
func (c Claims) All() iter.Seq[*Claim] {
	return func(yield func(*Claim) bool) {
		for i := range c.list {
			if !yield(&c.list[i]) {
				return
			}
		}
	}
}

// Map returns a copy of all claims by name, each as Value decodes it. It is what an application's hooks see.
func (c Claims) Map() simplejwt.Claims {
	out := make(simplejwt.Claims, len(c.list))
	for i := range c.list {
		out[c.list[i].name] = c.list[i].Value()
	}
	return out
}

// Clone returns a copy that can be changed independently of c.
func (c Claims) Clone() Claims { return Claims{list: slices.Clone(c.list)} }

// Set sets a claim to a Go value that encoding/json can encode. It replaces the claim of this name in its place, or is
// appended.
func (c *Claims) Set(name string, value any) { c.Put(Claim{name: name, value: value}) }

// Put sets a claim to a verbatim copy of one from another token. It replaces the claim of this name in its place, or is appended.
func (c *Claims) Put(claim Claim) {
	c.copyIfShared()
	if old := c.Get(claim.name); old != nil {
		*old = claim
		return
	}
	c.list = append(c.list, claim)
}

// Delete removes a claim. It does nothing if there is none with this name.
func (c *Claims) Delete(name string) { c.DeleteFunc(func(n string) bool { return n == name }) }

// DeleteFunc removes all claims for whose names drop returns true, and keeps the order of the others.
func (c *Claims) DeleteFunc(drop func(name string) bool) {
	c.copyIfShared()
	c.list = slices.DeleteFunc(c.list, func(claim Claim) bool { return drop(claim.name) })
}

// copyIfShared replaces claims that are shared with the token cache by a copy. Every method that changes claims calls it
// first, so that no request sees what another one set.
func (c *Claims) copyIfShared() {
	if c.shared {
		*c = c.Clone()
	}
}

// appendJSON appends the claims as a JSON object to b. Claims that were read are written as they stand. The error is that
// of encoding/json for a value that JSON can't hold.
func (c Claims) appendJSON(b []byte) ([]byte, error) {
	b = append(b, '{')
	for i := range c.list {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = c.list[i].appendJSON(b); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}
