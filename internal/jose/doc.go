// Package jose is the token codec: it signs, verifies and decodes JSON Web Tokens (RFC 7519) in their compact form
// (RFC 7515). It knows nothing of token classes, users and stores. Start with [New].
//
// # Verification
//
// ALGORITHM is the only algorithm that is accepted. The header of a token can choose the key of JWK_URL, and nothing else.
// The signature is verified before the claims are read: reading JSON costs several times as much as an HMAC, and what is
// read afterwards was written by the holder of the key. Then iat, nbf, exp, iss, aud, sub and jti are checked as PyJWT does.
//
// # Caches
//
// The headers of verified tokens are kept, so that each is read as JSON once, and keyed hashes are pooled. With
// VERIFIED_TOKEN_CACHE_SIZE whole tokens are kept too, together with the keys that verified them. This replaces the check
// of the signature only: times and the other registered claims are checked on every call.
//
// # Claims
//
// [Claims] are a list of names and JSON texts in the order of the token, decoded on demand. A refresh copies most claims of
// the old token into the new one as they stand.
package jose
