// Package jose is the token codec: it signs, verifies and decodes JSON Web Tokens (RFC 7519) in their compact form
// (RFC 7515). It knows nothing of token classes, users and stores. Start with [New].
//
// # Verification
//
// One algorithm is in force, that of ALGORITHM. The header of a token chooses nothing but, with JWK_URL, the key. The
// signature is checked before the claims are read: reading JSON costs several times what an HMAC costs, and what is read
// afterwards was written by the holder of the key. Then iat, nbf, exp, iss, aud, sub and jti are checked as PyJWT does.
//
// # Caches
//
// Headers of verified tokens are kept, so that each is read as JSON once, and keyed hashes are pooled. With
// VERIFIED_TOKEN_CACHE_SIZE whole tokens are kept too, with the keys that verified them. That replaces the check of the
// signature only: the times and the other registered claims are checked on every call.
//
// # Claims
//
// [Claims] are a list of names and JSON texts in the order of the token, decoded on demand. Most claims of a refresh token
// are copied into the next one as they stand.
package jose
