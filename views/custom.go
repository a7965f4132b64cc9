package views

import (
	"context"
	"net/http"
	"strings"

	"github.com/go-simplejwt/simplejwt/core"
)

// WithDevice returns the context of a request with the client's device: its address by NUM_PROXIES and its user agent, as the views
// record them. Pass the context to Auth.Login, Auth.LoginSliding, Auth.RenewSession and Auth.PasswordChanged in a custom route. It has
// no Device.Name, which the views take from the field device_name: set one by core.DeviceFrom and core.WithDevice.
func WithDevice(r *http.Request, a *core.Auth) context.Context {
	return core.WithDevice(r.Context(), readDevice(r, a.Settings().NumProxies))
}

// ReadJSON reads the named text fields of a request in a custom route, all of them required, and returns their texts in the order of
// the names. It reads as the views read: no name twice, nothing behind the object, at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes. Texts
// are not trimmed, but one of white space only is blank and rejected. Other fields are ignored. Unlike the views it takes JSON only,
// which another site can't send without a preflight.
//
// Errors, for [WriteError]: a *core.Error with status 413, 415 or 400, or a core.ValidationError that names each wrong field.
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

// unsupportedMediaType returns DRF's 415. It names as much of the Content-Type as parseHeader reads.
func unsupportedMediaType(contentType string) error {
	contentType = contentType[:min(maxHeader, len(contentType))]
	return &core.Error{Status: http.StatusUnsupportedMediaType,
		Detail: `Unsupported media type "` + strings.ToValidUTF8(contentType, "\uFFFD") + `" in request.`}
}
