package views

import (
	"context"
	"net/http"
	"strings"

	"github.com/go-simplejwt/simplejwt/core"
)

// WithDevice returns the context of a request with the client's device, its address by NUM_PROXIES and its user agent, as the
// views record it. Hand it to Auth.Login, Auth.LoginSliding, Auth.RenewSession and Auth.PasswordChanged in a route of your own.
// What the client calls its device is not in it: core.DeviceFrom and core.WithDevice set that.
func WithDevice(r *http.Request, a *core.Auth) context.Context {
	return core.WithDevice(r.Context(), readDevice(r, a.Settings().NumProxies))
}

// ReadJSON reads text fields of a request in a route of your own, all of them required, as the views read theirs: not trimmed, no
// name twice, nothing behind the object, at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes. Other fields are ignored. Unlike the views it
// takes JSON only, which another site can't send without a preflight. The texts are in the order of the names.
// Errors, for WriteError: an *core.Error with 413, 415 or 400, a core.ValidationError that names each wrong field.
func ReadJSON(w http.ResponseWriter, r *http.Request, a *core.Auth, names ...string) ([]string, error) {
	contentType := r.Header.Get("Content-Type")
	if media, _ := parseHeader(contentType); media != "application/json" && (contentType != "" || r.ContentLength != 0) {
		return nil, unsupportedMediaType(contentType)
	}
	fields := make([]field, len(names))
	for i, name := range names {
		fields[i] = field{name: name}
	}
	in, err := readBody(w, r, a.Settings().DataUploadMaxMemorySize, fields)
	if err != nil {
		return nil, err
	}
	attrs, err := in.validateFields(fields)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(names))
	for i, name := range names {
		out[i], _ = attrs[name].(string)
	}
	return out, nil
}

// unsupportedMediaType is DRF's error. It names as much of a Content-Type as is read.
func unsupportedMediaType(contentType string) error {
	contentType = contentType[:min(maxHeader, len(contentType))]
	return &core.Error{Status: http.StatusUnsupportedMediaType,
		Detail: `Unsupported media type "` + strings.ToValidUTF8(contentType, "\uFFFD") + `" in request.`}
}
