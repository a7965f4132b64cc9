package core

import (
	"strings"
	"time"

	"github.com/go-simplejwt/simplejwt"
)

// ClassName is the name of a token class: one of the constants below, or of a custom TokenClass.
type ClassName = simplejwt.ClassName

// The names of SimpleJWT's token classes.
const (
	// AccessToken authenticates requests. It is not recorded.
	AccessToken ClassName = "AccessToken"
	// RefreshToken gets new access tokens.
	RefreshToken ClassName = "RefreshToken"
	// SlidingToken authenticates requests and refreshes itself.
	SlidingToken ClassName = "SlidingToken"
	// UntypedToken stands for a token of any class when one is verified. No such token can be created.
	UntypedToken ClassName = "UntypedToken"
)

// TokenClass is a kind of token, like SimpleJWT's subclasses of Token.
type TokenClass struct {
	// Name identifies the class in AUTH_TOKEN_CLASSES and in messages: "AccessToken".
	Name ClassName
	// Type is its TOKEN_TYPE_CLAIM: "access".
	Type string
	// Lifetime is how long a new token is valid: more than 0, at most a hundred years.
	Lifetime time.Duration
	// Blacklistable is SimpleJWT's BlacklistMixin: tokens are recorded when issued and looked up when presented.
	Blacklistable bool
}

// tokenClasses holds the token classes of an Auth.
type tokenClasses struct {
	access, refresh, sliding, untyped *TokenClass

	byName  map[ClassName]*TokenClass
	allowed []*TokenClass // AUTH_TOKEN_CLASSES
}

// djangoTokens is the prefix of a token class in settings that were copied from a Django project.
const djangoTokens = "rest_framework_simplejwt.tokens."

// newTokenClasses returns SimpleJWT's classes and the custom ones of Deps.TokenClasses.
func newTokenClasses(s *simplejwt.Settings, custom []TokenClass, invalid *simplejwt.SettingsError) tokenClasses {
	c := tokenClasses{
		access:  &TokenClass{Name: AccessToken, Type: "access", Lifetime: s.AccessTokenLifetime},
		refresh: &TokenClass{Name: RefreshToken, Type: "refresh", Lifetime: s.RefreshTokenLifetime, Blacklistable: true},
		sliding: &TokenClass{Name: SlidingToken, Type: "sliding", Lifetime: s.SlidingTokenLifetime, Blacklistable: true},
		untyped: &TokenClass{Name: UntypedToken, Type: "untyped"},
		byName:  map[ClassName]*TokenClass{},
	}
	types := map[string]bool{}
	for _, class := range []*TokenClass{c.access, c.refresh, c.sliding, c.untyped} {
		c.byName[class.Name], types[class.Type] = class, true
	}
	for _, class := range custom {
		switch {
		case class.Name == "" || class.Type == "":
			invalid.Add("Deps.TokenClasses", "Cannot create token with no type or lifetime: a class needs Name and Type")
		case class.Lifetime <= 0 || class.Lifetime > maxLifetime:
			invalid.Add("Deps.TokenClasses", "%s: the lifetime must be more than 0 and at most a hundred years", class.Name)
		case c.byName[class.Name] != nil || types[class.Type]:
			invalid.Add("Deps.TokenClasses", "%s: the name or the type %q is taken", class.Name, class.Type)
		default:
			c.byName[class.Name], types[class.Type] = &class, true
		}
	}
	for _, name := range s.AuthTokenClasses {
		class := c.byName[ClassName(strings.TrimPrefix(string(name), djangoTokens))]
		if class == nil || class == c.untyped {
			invalid.Add("AUTH_TOKEN_CLASSES", "there is no class %q; known are AccessToken, SlidingToken, RefreshToken and those of Deps.TokenClasses", name)
			continue
		}
		c.allowed = append(c.allowed, class)
	}
	if len(s.AuthTokenClasses) == 0 {
		invalid.Add("AUTH_TOKEN_CLASSES", "needs at least one class, such as AccessToken")
	}
	return c
}
