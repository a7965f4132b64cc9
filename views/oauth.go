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
	invalidGrant           = "invalid_grant" // the credentials of a login, or the token of a refresh, are not valid
	invalidToken           = "invalid_token" // the token of a request is not valid
	insufficientScope      = "insufficient_scope"
	accessDenied           = "access_denied" // by where the request comes from, which no scope would change
	temporarilyUnavailable = "temporarily_unavailable"
	serverError            = "server_error"
)

// oauthError is what OAUTH_ERRORS adds to a denial: error, error_description and reason. The zero value adds nothing.
type oauthError struct{ name, description, reason string }

// newOAuthError returns a denial in OAuth's terms; unauthorized is the code of a 401. A request without credentials gets no error code
// (RFC 6750 section 3.1), and neither does a status that OAuth has no code for, such as 404.
func newOAuthError(denial *core.Error, unauthorized string) oauthError {
	out := oauthError{description: sanitizeDescription(denial.Detail), reason: denial.Reason}
	switch denial.Status {
	case http.StatusUnauthorized:
		out.name = unauthorized
		if errors.Is(denial, core.ErrBadHeader) {
			out.name = invalidRequest
		}
	case http.StatusForbidden:
		out.name = insufficientScope
		if isCSRFError(denial) {
			out.name = accessDenied
		}
	case http.StatusPreconditionFailed:
		out.name = accessDenied
	case http.StatusServiceUnavailable:
		out.name = temporarilyUnavailable
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		out.name = invalidRequest
	}
	if out.name == "" || errors.Is(denial, core.ErrNotAuthenticated) {
		return oauthError{}
	}
	if len(denial.Messages) == 1 {
		out.description = sanitizeDescription(denial.Messages[0].Message) // more precise than Detail, which says that no token type fits
	}
	return out
}

// newFieldsOAuthError returns errors by field in OAuth's terms, in the order of the names. Where the fields only reword a denial, as
// those of a blacklisted token do, the denial decides; it is nil for none.
func newFieldsOAuthError(invalid core.ValidationError, denial *core.Error, unauthorized string) oauthError {
	if denial != nil {
		return newOAuthError(denial, unauthorized)
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

// sanitizeDescription removes the characters that error_description may not have in a header (RFC 6750 section 3), quotes and line
// breaks among them, whatever a hook wrote. The body has the same text.
func sanitizeDescription(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, text)
}

// addTo returns the body d with the members of o, if OAUTH_ERRORS is on.
func (o oauthError) addTo(d detail, on bool) detail {
	if on {
		d.Error, d.Description, d.Reason = o.name, o.description, o.reason
	}
	return d
}

// challengeParams returns what follows the realm in WWW-Authenticate (RFC 6750 section 3), if OAUTH_ERRORS is on and there is an error
// code.
func (o oauthError) challengeParams(on bool) string {
	if !on || o.name == "" {
		return ""
	}
	return `, error="` + o.name + `", error_description="` + o.description + `"`
}

// fieldErrorBody returns the body of errors by field. Its type is not an error, which Echo would write in its own form. A field that is
// named as one of OAuth's members keeps its place.
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
