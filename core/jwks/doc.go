// Package jwks finds the keys of JWK_URL: the JSON Web Key Set (RFC 7517) of the service that signs the tokens. Start with [New]
// and pass the result to core.New:
//
//	keys, err := jwks.New(ctx, settings)
//	if err != nil {
//		return err
//	}
//	auth, err := core.New(settings, core.Deps{Keys: keys, Users: users})
//
// # Fetching
//
// New fetches the set at once. After that a goroutine fetches it every hour, and when a token names a key that is not in the
// set, but for that reason at most once in 10 seconds. The goroutine ends with the context of New. No request waits for a
// fetch. If a fetch fails, the last good set stays in use. A key that is no longer in the set is no longer trusted.
//
// # Keys that are used
//
// A key must have a kid and the type, and for elliptic curves the curve, of ALGORITHM. It is skipped if its use, alg or key_ops
// rule out verifying, if it has private or secret members, if it is not valid, or if another key has the same kid. A skipped
// key does not affect the others. Certificates and URLs in the set are ignored.
package jwks
