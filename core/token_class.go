package core

import (
	"strings"
	"time"

	"github.com/go-simplejwt/simplejwt"
)

// ClassName is the name of a token class.
type ClassName = simplejwt.ClassName

// The names of SimpleJWT's token classes.
const (
	AccessToken  ClassName = "AccessToken"
	RefreshToken ClassName = "RefreshToken"
	SlidingToken ClassName = "SlidingToken"
	UntypedToken ClassName = "UntypedToken"
)

// TokenClass is a kind of token, like SimpleJWT's subclasses of Token.
type TokenClass struct {
	// Name is how AUTH_TOKEN_CLASSES and messages call it: "AccessToken".
	Name ClassName
	// Type is its token_type: "access".
	Type string
	// Lifetime is how long a new token is good.
	Lifetime time.Duration
	// Blacklistable is SimpleJWT's BlacklistMixin: tokens are recorded when issued and looked up when presented.
	Blacklistable bool
}

// tokenClasses are the token classes of an Auth.
type tokenClasses struct {
	access, refresh, sliding, untyped *TokenClass

	byName  map[ClassName]*TokenClass
	allowed []*TokenClass // AUTH_TOKEN_CLASSES
}

// djangoTokens starts the dotted path of a token class in a settings file taken over from Django.
const djangoTokens = "rest_framework_simplejwt.tokens."

// newTokenClasses makes SimpleJWT's classes and adds the custom ones of Deps.TokenClasses.
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
