package views

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/internal/strictjson"
)

// maxFields is how many fields a form may have: Django's DATA_UPLOAD_MAX_NUMBER_FIELDS.
const maxFields = 1000

// body are the fields of a request: strings, or what a JSON value can be, or a file or surrogate.
type body map[string]any

// file stands for an uploaded file, which is no text.
type file struct{}

// surrogate is a JSON string with half of a surrogate pair, which is no valid text.
type surrogate struct {
	text string
	half rune
}

// readBody reads a JSON, form or multipart body, as DRF's default parsers do. An empty body has no fields.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) (body, error) {
	if r.Body == nil { // a request that was not read from a connection
		return body{}, nil
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, &core.Error{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("The request body is larger than %d bytes.", limit)}
	}
	if err != nil {
		return nil, badRequest("The request body could not be read.")
	}
	if len(data) == 0 {
		return body{}, nil
	}
	contentType := r.Header.Get("Content-Type")
	media, params := parseHeader(contentType)
	switch media {
	case "application/json":
		return readJSON(data, params["charset"])
	case "application/x-www-form-urlencoded":
		if !utf8.Valid(data) { // then Django takes it for Latin-1
			return readForm(latin1(data))
		}
		return readForm(string(data))
	case "multipart/form-data":
		return readMultipart(data, params["boundary"])
	}
	return nil, unsupportedMediaType(contentType)
}

// parseHeader reads a value with parameters as Django does, which is laxer than RFC 2045: a boundary may hold any byte
// without quotes, as some clients send it, and of equal parameters the last one counts.
func parseHeader(header string) (value string, params map[string]string) {
	value, rest := cutParameter(header)
	params = map[string]string{}
	for rest != "" {
		var one string
		one, rest = cutParameter(rest)
		name, text, found := strings.Cut(one, "=")
		if !found {
			continue
		}
		text = strings.TrimSpace(text)
		if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
			text = strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(text[1 : len(text)-1])
		}
		params[strings.ToLower(strings.TrimSpace(name))] = text
	}
	return strings.ToLower(strings.TrimSpace(value)), params
}

// cutParameter cuts at the first semicolon outside quotes.
func cutParameter(s string) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ';' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

func badRequest(text string) error {
	return &core.Error{Status: http.StatusBadRequest, Detail: text}
}

func readJSON(data []byte, charset string) (body, error) {
	switch strings.ToLower(charset) {
	case "iso-8859-1", "iso8859-1", "iso_8859-1", "latin-1", "latin1", "latin", "l1", "8859", "cp819": // Python's names of it
		data = []byte(latin1(data))
	}
	members, err := strictjson.Object(string(data))
	if errors.Is(err, strictjson.ErrNotObject) {
		return nil, notAnObject(bytes.TrimSpace(data))
	}
	if err != nil {
		return nil, badRequest("JSON parse error - " + err.Error())
	}
	out := make(body, len(members))
	for _, m := range members {
		value, err := strictjson.Value(m.Raw)
		if err != nil {
			return nil, badRequest("JSON parse error - " + err.Error())
		}
		if s, ok := value.(string); ok {
			if half, lone := strictjson.LoneSurrogate(m.Raw); lone {
				value = surrogate{s, half}
			}
		}
		out[m.Name] = value
	}
	return out, nil
}

func latin1(data []byte) string {
	runes := make([]rune, len(data))
	for i, b := range data {
		runes[i] = rune(b)
	}
	return string(runes)
}

// notAnObject names the Python type of a JSON value, as DRF does.
func notAnObject(data []byte) error {
	if string(data) == "null" {
		return core.ValidationError{"non_field_errors": {"No data provided"}}
	}
	kind := "int"
	switch {
	case data[0] == '[':
		kind = "list"
	case data[0] == '"':
		kind = "str"
	case data[0] == 't', data[0] == 'f':
		kind = "bool"
	case bytes.ContainsAny(data, ".eE"):
		kind = "float"
	}
	return core.ValidationError{"non_field_errors": {"Invalid data. Expected a dictionary, but got " + kind + "."}}
}

// readForm reads a form as Django does: of equal names the last one counts, and a broken escape stands for itself.
func readForm(data string) (body, error) {
	out := body{}
	if strings.Count(data, "&") >= maxFields {
		return nil, badRequest("The number of GET/POST parameters exceeded the limit.")
	}
	for pair := range strings.SplitSeq(data, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		out[unescape(name)] = unescape(value)
	}
	return out, nil
}

func unescape(s string) string {
	s = strings.ReplaceAll(s, "+", " ")
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "%")
		b.WriteString(before)
		if !found {
			return strings.ToValidUTF8(b.String(), "\uFFFD")
		}
		char, err := hex.DecodeString(after[:min(2, len(after))])
		if err != nil || len(char) == 0 {
			b.WriteByte('%')
			s = after
			continue
		}
		b.Write(char)
		s = after[2:]
	}
}

func readMultipart(data []byte, boundary string) (body, error) {
	fail := func(why string) (body, error) { return nil, badRequest("Multipart form parse error - " + why) }
	if boundary == "" {
		return fail("Invalid boundary in multipart: None")
	}
	out := body{}
	reader := multipart.NewReader(bytes.NewReader(data), boundary)
	for n := 0; ; n++ {
		part, err := reader.NextRawPart() // DRF does not decode quoted-printable
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil || n >= maxFields {
			return fail("the parts can't be read")
		}
		value, err := io.ReadAll(part) // bounded: the whole body is
		if err != nil {
			return fail("the parts can't be read")
		}
		if strings.EqualFold(strings.TrimSpace(part.Header.Get("Content-Transfer-Encoding")), "base64") {
			if decoded, err := base64.StdEncoding.DecodeString(string(value)); err == nil {
				value = decoded
			}
		}
		_, disposition := parseHeader(part.Header.Get("Content-Disposition"))
		name := disposition["name"]
		switch {
		case name == "", out[name] == any(file{}): // a file counts before a text of its name
		case disposition["filename"] != "":
			out[name] = file{}
		default:
			out[name] = strings.ToValidUTF8(string(value), "\uFFFD")
		}
	}
}
