package views

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/go-simplejwt/simplejwt/core"
)

// The error codes of OAuth: RFC 6749 sections 4.1.2.1 and 5.2, RFC 6750 section 3.1.
const (
	invalidRequest         = "invalid_request"
	invalidGrant           = "invalid_grant" // what a client logs in or refreshes with is not good
	invalidToken           = "invalid_token" // the token of a request is not good
	insufficientScope      = "insufficient_scope"
	accessDenied           = "access_denied" // by where the request comes from, which no scope would change
	temporarilyUnavailable = "temporarily_unavailable"
	serverError            = "server_error"
)

// oauthError is what OAUTH_ERRORS adds to a refusal.
type oauthError struct{ name, description, reason string }

// newOAuthError says a refusal in OAuth's words; unauthorized is the word for a 401. Whoever sends no credentials is told of no
// error (RFC 6750 section 3.1).
func newOAuthError(refusal *core.Error, unauthorized string) oauthError {
	out := oauthError{description: sanitizeDescription(refusal.Detail), reason: refusal.Reason}
	switch refusal.Status {
	case http.StatusUnauthorized:
		out.name = unauthorized
		if errors.Is(refusal, core.ErrBadHeader) {
			out.name = invalidRequest
		}
	case http.StatusForbidden:
		out.name = insufficientScope
		if isCSRFError(refusal) {
			out.name = accessDenied
		}
	case http.StatusServiceUnavailable:
		out.name = temporarilyUnavailable
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		out.name = invalidRequest
	}
	if out.name == "" || errors.Is(refusal, core.ErrNotAuthenticated) {
		return oauthError{}
	}
	if len(refusal.Messages) == 1 {
		out.description = sanitizeDescription(refusal.Messages[0].Message) // it says more than that no type was right
	}
	return out
}

// newFieldsOAuthError is oauthOf for errors by field; refusal is the one behind them, nil for none.
func newFieldsOAuthError(invalid core.ValidationError, refusal *core.Error, unauthorized string) oauthError {
	if refusal != nil {
		return newOAuthError(refusal, unauthorized)
	}
	var names []string
	for name := range invalid {
		names = append(names, name)
	}
	slices.Sort(names)
	var texts []string
	for _, name := range names {
		texts = append(texts, name+": "+strings.Join(invalid[name], " "))
	}
	return oauthError{name: invalidRequest, description: sanitizeDescription(strings.Join(texts, " "))}
}

// sanitizeDescription leaves the characters that error_description may have, in a body and in a header (RFC 6750 section 3).
func sanitizeDescription(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, text)
}

func (o oauthError) addTo(d detail, on bool) detail {
	if on {
		d.Error, d.Description, d.Reason = o.name, o.description, o.reason
	}
	return d
}

// challengeParams is what follows the realm in WWW-Authenticate.
func (o oauthError) challengeParams(on bool) string {
	if !on || o.name == "" {
		return ""
	}
	return `, error="` + o.name + `", error_description="` + o.description + `"`
}

// fieldErrorBody is the body of errors by field. It is no error, which Echo would write in its own form.
func fieldErrorBody(invalid core.ValidationError, o oauthError, on bool) map[string]any {
	out := map[string]any{}
	for name, messages := range invalid {
		out[name] = messages
	}
	if on {
		for name, text := range map[string]string{"error": o.name, "error_description": o.description, "reason": o.reason} {
			if _, isField := invalid[name]; text != "" && !isField {
				out[name] = text
			}
		}
	}
	return out
}
