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
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/internal/strictjson"
)

const (
	// maxFields is how many fields a form may have: Django's DATA_UPLOAD_MAX_NUMBER_FIELDS.
	maxFields = 1000

	// maxValues is how many values JSON for a hook may have: making one costs as much as scanning 100 bytes.
	maxValues = 10_000

	// maxPartHeaders is how many headers a part of a multipart body may have: reading one costs fifty times what its bytes do.
	maxPartHeaders = 20

	// maxHeader is how many bytes of a header with parameters are read, as in Django. A longer one counts as empty.
	maxHeader = 10_000
)

// body holds the fields of a request by name. A value is a string, any other value of JSON as strictjson decodes it, a file or a
// surrogate. The latter two never reach a hook: validateFields replaces or removes them.
type body map[string]any

// file stands for an uploaded file, whose content is not kept: no field of the views is one.
type file struct{}

// surrogate is a JSON string with half of a surrogate pair, which Python reads and DRF rejects by name. Go has no such string.
type surrogate struct {
	text string // with U+FFFD in its place
	half rune   // the first lone half
}

// readBody reads a JSON, form or multipart body of at most limit bytes, as DRF's default parsers do. An empty body has no fields,
// whatever its type. Of JSON it decodes the wanted fields only, nil for all: decoding the others can cost ten times what scanning them
// does. Errors are *core.Error with 413, 415 or 400, or core.ValidationError for JSON that is not an object.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, wanted []field) (body, error) {
	if r.Body == nil { // a request that was made by a program and not read from a connection
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
		return readJSON(data, params["charset"], wanted)
	case "application/x-www-form-urlencoded":
		if !utf8.Valid(data) { // then Django takes it for Latin-1
			return readForm(decodeLatin1(data))
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
	if len(header) > maxHeader {
		return "", nil
	}
	value, rest := splitParameter(header)
	params = map[string]string{}
	for rest != "" {
		var one string
		one, rest = splitParameter(rest)
		name, text, found := strings.Cut(one, "=")
		if !found {
			continue
		}
		text = strings.TrimSpace(text)
		if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
			text = quotedPairs.Replace(text[1 : len(text)-1])
		}
		params[strings.ToLower(strings.TrimSpace(name))] = text
	}
	return strings.ToLower(strings.TrimSpace(value)), params
}

// quotedPairs removes the backslashes of a quoted text. Making a replacer costs a hundred times what using one does.
var quotedPairs = strings.NewReplacer(`\\`, `\`, `\"`, `"`)

// splitParameter splits a header at its first semicolon outside quotes. A backslash within quotes escapes the next byte.
func splitParameter(s string) (before, after string) {
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

// badRequest returns the 400 of DRF's ParseError with a message.
func badRequest(text string) error {
	return &core.Error{Status: http.StatusBadRequest, Detail: text}
}

// readJSON reads an object strictly: no name twice, valid UTF-8, nothing behind the object. Only Latin-1 is decoded by its charset, as
// any other text is UTF-8 or an error. A lone surrogate is kept as such, for validateFields to name it.
func readJSON(data []byte, charset string, wanted []field) (body, error) {
	var text string
	switch strings.ToLower(charset) {
	case "iso-8859-1", "iso8859-1", "iso_8859-1", "latin-1", "latin1", "latin", "l1", "8859", "cp819": // Python's names of it
		text = decodeLatin1(data)
	default:
		text = string(data)
	}
	members, err := strictjson.Object(text)
	if errors.Is(err, strictjson.ErrNotObject) {
		return nil, notAnObject(strings.TrimSpace(text))
	}
	if err != nil {
		return nil, badRequest("JSON parse error - " + err.Error())
	}
	size := len(wanted)
	if wanted == nil {
		size = len(members)
		if countValues(text) > maxValues {
			return nil, badRequest(fmt.Sprintf("JSON parse error - more than %d values", maxValues))
		}
	}
	out := make(body, size)
	for _, m := range members {
		if wanted != nil && !slices.ContainsFunc(wanted, func(f field) bool { return f.name == m.Name }) {
			continue
		}
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

// countValues returns an upper bound of the number of values in a JSON text. It counts the characters in front of values, those within
// strings included, which costs a fraction of scanning the text.
func countValues(text string) int {
	return strings.Count(text, "[") + strings.Count(text, "{") + strings.Count(text, ",")
}

// decodeLatin1 decodes ISO 8859-1, in which each byte is the code point of a character.
func decodeLatin1(data []byte) string {
	var text strings.Builder
	text.Grow(2 * len(data)) // what is not ASCII takes two bytes
	for _, b := range data {
		text.WriteRune(rune(b))
	}
	return text.String()
}

// notAnObject returns DRF's error for JSON that is not an object, which names the Python type of the value.
func notAnObject(text string) error {
	if text == "null" {
		return core.ValidationError{"non_field_errors": {"No data provided"}}
	}
	kind := "int"
	switch {
	case text[0] == '[':
		kind = "list"
	case text[0] == '"':
		kind = "str"
	case text[0] == 't', text[0] == 'f':
		kind = "bool"
	case strings.ContainsAny(text, ".eE"):
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
		out[unescapeForm(name)] = unescapeForm(value)
	}
	return out, nil
}

// unescapeForm decodes a name or value of a form as Python's unquote_plus does: an escape that is not two hex digits is kept,
// and bytes that are not UTF-8 become U+FFFD.
func unescapeForm(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		char := [1]byte{s[i]}
		switch {
		case s[i] == '+':
			char[0] = ' '
		case s[i] == '%' && i+2 < len(s):
			if n, _ := hex.Decode(char[:], []byte(s[i+1:i+3])); n == 1 {
				i += 2
			}
		}
		b.WriteByte(char[0])
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD")
}

// readMultipart reads the parts of a multipart body as Django's parser does: of equal names the last one counts, but a file counts
// before a text, and base64 that can't be decoded is kept. Each part is limited in its headers, and all parts in their number.
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
		if err != nil || n >= maxFields || countHeaders(part) > maxPartHeaders {
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

// countHeaders returns how many header lines a part has.
func countHeaders(part *multipart.Part) int {
	n := 0
	for _, values := range part.Header {
		n += len(values)
	}
	return n
}
