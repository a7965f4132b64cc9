package jose

import (
	"iter"
	"slices"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/internal/strictjson"
)

// Claims are the claims of a token, in order. The zero value has none. Assigning Claims does not copy them: use Clone
// before changing one of two. Claims that Verify returned may be in the token cache; they are copied by the first change.
// Claims are for one goroutine.
type Claims struct {
	list   []Claim
	shared bool // with the token cache
}

// NewClaims makes empty Claims with room for n.
func NewClaims(n int) Claims { return Claims{list: make([]Claim, 0, n)} }

// parseClaims reads a JSON object. The error says what is wrong with it.
func parseClaims(text string) (Claims, error) {
	var buf [16]strictjson.Member
	members, err := strictjson.Append(buf[:0], text)
	if err != nil {
		return Claims{}, err
	}
	list := make([]Claim, len(members), len(members)+1)
	for i, m := range members {
		list[i] = Claim{name: m.Name, raw: m.Raw}
	}
	return Claims{list: list}, nil
}

// Get returns the claim with this name, nil for none. It is good until the next change.
func (c Claims) Get(name string) *Claim {
	for i := range c.list {
		if c.list[i].name == name {
			return &c.list[i]
		}
	}
	return nil
}

// Has reports whether there is a claim with this name, even if it is null.
func (c Claims) Has(name string) bool { return c.Get(name) != nil }

// All returns the claims in order. They must not be changed meanwhile.
func (c Claims) All() iter.Seq[*Claim] {
	return func(yield func(*Claim) bool) {
		for i := range c.list {
			if !yield(&c.list[i]) {
				return
			}
		}
	}
}

// Map returns all claims decoded, as an application sees them.
func (c Claims) Map() simplejwt.Claims {
	out := make(simplejwt.Claims, len(c.list))
	for i := range c.list {
		out[c.list[i].name] = c.list[i].Value()
	}
	return out
}

// Clone returns a copy that can be changed independently.
func (c Claims) Clone() Claims { return Claims{list: slices.Clone(c.list)} }

// Set sets a claim to a Go value, in its place or at the end.
func (c *Claims) Set(name string, value any) { c.Put(Claim{name: name, value: value}) }

// Put sets a claim of another token, in its place or at the end.
func (c *Claims) Put(claim Claim) {
	c.own()
	if old := c.Get(claim.name); old != nil {
		*old = claim
		return
	}
	c.list = append(c.list, claim)
}

// Delete removes a claim.
func (c *Claims) Delete(name string) { c.DeleteFunc(func(n string) bool { return n == name }) }

// DeleteFunc removes all claims for whose names drop returns true.
func (c *Claims) DeleteFunc(drop func(name string) bool) {
	c.own()
	c.list = slices.DeleteFunc(c.list, func(claim Claim) bool { return drop(claim.name) })
}

// own copies claims that are shared before they are changed.
func (c *Claims) own() {
	if c.shared {
		*c = c.Clone()
	}
}

// appendJSON appends the claims as a JSON object to b. What was read is written as it stood. Errors: a value that JSON
// can't hold.
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
