package simplejwt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-simplejwt/simplejwt/internal/strictjson"
)

// envPrefix starts the name of an environment variable that holds a setting.
const envPrefix = "SIMPLE_JWT_"

// removedNames are settings that SimpleJWT once had. It rejects their names, and so do we.
var removedNames = []string{"AUTH_HEADER_TYPE", "AUTH_TOKEN_CLASS", "SECRET_KEY", "TOKEN_BACKEND_CLASS"}

// djangoDefaults are the dotted paths of SimpleJWT's own defaults. A settings file copied from a Django project may name
// them: the default here is the same function.
var djangoDefaults = map[string]string{
	"USER_AUTHENTICATION_RULE":         "rest_framework_simplejwt.authentication.default_user_authentication_rule",
	"ON_LOGIN_SUCCESS":                 "rest_framework_simplejwt.serializers.default_on_login_success",
	"ON_LOGIN_FAILED":                  "rest_framework_simplejwt.serializers.default_on_login_failed",
	"TOKEN_USER_CLASS":                 "rest_framework_simplejwt.models.TokenUser",
	"TOKEN_OBTAIN_SERIALIZER":          "rest_framework_simplejwt.serializers.TokenObtainPairSerializer",
	"TOKEN_REFRESH_SERIALIZER":         "rest_framework_simplejwt.serializers.TokenRefreshSerializer",
	"TOKEN_VERIFY_SERIALIZER":          "rest_framework_simplejwt.serializers.TokenVerifySerializer",
	"TOKEN_BLACKLIST_SERIALIZER":       "rest_framework_simplejwt.serializers.TokenBlacklistSerializer",
	"SLIDING_TOKEN_OBTAIN_SERIALIZER":  "rest_framework_simplejwt.serializers.TokenObtainSlidingSerializer",
	"SLIDING_TOKEN_REFRESH_SERIALIZER": "rest_framework_simplejwt.serializers.TokenRefreshSlidingSerializer",
}

// field describes a setting: its name, its field in Settings, and how its value is read.
type field struct {
	name  string // SIMPLE_JWT name
	index int    // in the struct

	null    bool // null is accepted and means zero
	off     bool // null is accepted and means Off
	secret  bool // the value is never printed
	seconds bool // a number counts seconds
}

// fields are the settings in the order of the struct, read from its tags.
var fields = func() []field {
	var out []field
	t := reflect.TypeFor[Settings]()
	for i := range t.NumField() {
		tag, ok := t.Field(i).Tag.Lookup("setting")
		if !ok {
			continue
		}
		words := strings.Split(tag, ",")
		has := func(word string) bool { return slices.Contains(words[1:], word) }
		out = append(out, field{name: words[0], index: i, null: has("null") || has("off"), off: has("off"),
			secret: has("secret"), seconds: has("seconds")})
	}
	return out
}()

// FromJSON reads a JSON object of SIMPLE_JWT names and returns base with these settings. base is not changed. A value is
// taken as written: "0s" is zero, "" is empty, null is Python's None. Durations are Go's ("5m0s"); LEEWAY may be a number
// of seconds; AUDIENCE, AUTH_HEADER_TYPES and AUTH_TOKEN_CLASSES are a string or a list of strings. Settings that are
// functions can't be given in JSON.
//
// The error is a [SettingsError] with all that is wrong; the valid settings apply nevertheless. The returned Settings keep
// it too, and core.New reports it together with its own, so a program that calls core.New may ignore the error here.
func FromJSON(base Settings, data []byte) (Settings, error) { return fromJSON(base, data, "") }

// FromFile is like FromJSON, for a file. Its errors name the file. A file that can't be read is an invalid setting without a
// name.
func FromFile(base Settings, file string) (Settings, error) {
	data, err := os.ReadFile(file)
	if err == nil {
		return fromJSON(base, data, file)
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	s := base.clone()
	s.invalid = append(s.invalid, InvalidSetting{Problem: fmt.Sprintf("the settings can't be read: %v", err), Name: file})
	return s, s.invalid
}

// fromJSON reads the data of a file; file is "" for data that is in none.
func fromJSON(base Settings, data []byte, file string) (Settings, error) {
	s := base.clone()
	values, err := strictjson.Object(string(data))
	if err != nil {
		problem := fmt.Sprintf("%sthe settings are not a JSON object of names and values: %v", lineOf(data, err), err)
		s.invalid = append(s.invalid, InvalidSetting{Problem: problem, Name: file})
		return s, s.invalid
	}
	for _, v := range values {
		name := ""
		if file != "" {
			name = file + ": " + v.Name
		}
		s.setFromJSON(v.Name, name, json.RawMessage(v.Raw))
	}
	return s, s.loadError()
}

// lineOf returns "line 3: " for a syntax error of encoding/json or the first byte that is not UTF-8, and "" for an error
// that has no position.
func lineOf(data []byte, err error) string {
	var syntax *json.SyntaxError
	end := 0
	switch {
	case errors.As(err, &syntax):
		end = max(0, int(syntax.Offset)-1) // Offset is behind the byte that is wrong
	case !utf8.Valid(data):
		for r, size := utf8.DecodeRune(data); r != utf8.RuneError || size > 1; r, size = utf8.DecodeRune(data[end:]) {
			end += size
		}
	default:
		return ""
	}
	return fmt.Sprintf("line %d: ", 1+bytes.Count(data[:end], []byte("\n")))
}

// FromEnv reads environment variables such as SIMPLE_JWT_ROTATE_REFRESH_TOKENS=true and returns base with these settings.
// Values are written as in FromJSON, strings without quotes. A list is one string or JSON, a boolean also True or 1, and
// the word null is Python's None. The error is that of FromJSON, with the names of the variables.
func FromEnv(base Settings) (Settings, error) {
	s := base.clone()
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		if setting, ok := strings.CutPrefix(name, envPrefix); ok {
			s.setFromJSON(setting, name, envJSON(setting, value))
		}
	}
	return s, s.loadError()
}

// envJSON converts the value of an environment variable to the JSON of the setting's type. What fits no type becomes a
// JSON string, so that setFromJSON reports it.
func envJSON(name, value string) json.RawMessage {
	if !utf8.ValidString(value) { // json.Marshal would replace bytes
		return json.RawMessage(value)
	}
	quoted, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
	if i < 0 {
		return quoted
	}
	kind := reflect.TypeFor[Settings]().Field(fields[i].index).Type.Kind()
	isList := kind == reflect.Slice && strings.HasPrefix(value, "[")
	isNumber := (kind == reflect.Int64 || kind == reflect.Int) && looksNumeric(value)
	isBool := kind == reflect.Bool || kind == reflect.Pointer
	if b, err := strconv.ParseBool(value); isBool && err == nil {
		return json.RawMessage(strconv.FormatBool(b))
	}
	if value == "null" || isList || isNumber {
		return json.RawMessage(value)
	}
	return quoted
}

// looksNumeric reports whether value is a number in JSON and in Go: ParseFloat alone accepts inf and 0x10.
func looksNumeric(value string) bool {
	_, err := strconv.ParseFloat(value, 64)
	return err == nil && json.Valid([]byte(value))
}

// clone returns a copy whose unexported maps and slices are its own.
func (s Settings) clone() Settings {
	given, names := map[string]bool{}, map[string]string{}
	for name := range s.given {
		given[name] = true
	}
	maps.Copy(names, s.names)
	s.given, s.names, s.invalid = given, names, slices.Clone(s.invalid)
	return s
}

// loadError returns the invalid settings as an error, nil if there are none. A nil SettingsError in an error is not nil.
func (s *Settings) loadError() error {
	if len(s.invalid) == 0 {
		return nil
	}
	return s.invalid
}

// setFromJSON reads one setting. What is wrong with it is added to s.invalid, and the setting then keeps its value.
// displayName is what NameOf returns from now on, "" for the name itself.
func (s *Settings) setFromJSON(name, displayName string, raw json.RawMessage) {
	add := func(setting, problem string, args ...any) {
		s.invalid = append(s.invalid, InvalidSetting{Setting: setting, Problem: fmt.Sprintf(problem, args...), Name: displayName})
	}
	if slices.Contains(removedNames, name) {
		add("", "The '%s' setting has been removed. Please refer to 'docs/settings.md' for available settings.", name)
		return
	}
	i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
	if i < 0 {
		add(name, "no such setting%s", suggestName(name))
		return
	}
	// encoding/json would replace what is not text, and a key would become another, weaker one.
	if _, lone := strictjson.LoneSurrogate(string(raw)); lone || !utf8.Valid(raw) {
		add(name, "is not valid Unicode text: use UTF-8 without unpaired surrogates")
		return
	}
	if err := s.readValue(fields[i], raw); err != nil {
		add(name, "%v", err)
		return
	}
	s.given[name] = !bytes.Equal(raw, []byte("null"))
	s.names[name] = displayName
}

// readValue decodes raw into the field of a setting. Its errors complete a sentence that begins with the setting's name.
func (s *Settings) readValue(f field, raw json.RawMessage) error {
	target := reflect.ValueOf(s).Elem().Field(f.index)
	if bytes.Equal(raw, []byte("null")) {
		switch {
		case f.off:
			target.SetString(Off)
		case target.Kind() == reflect.Func: // the function that the program set stays
		case f.null:
			target.SetZero()
		default:
			return errors.New("may not be null: leave it out for the default")
		}
		return nil
	}
	switch p := target.Addr().Interface().(type) {
	case *time.Duration:
		return readDuration(raw, p, f.seconds)
	case *[]string:
		list, err := readList(raw, p)
		if err == nil && f.name == "AUDIENCE" {
			s.audienceList = list
		}
		return err
	case *[]ClassName:
		_, err := readList(raw, p)
		return err
	case *bool:
		return readAs(raw, p, "true or false")
	case **bool:
		value := new(bool)
		err := readAs(raw, value, "true or false")
		if err == nil {
			*p = value
		}
		return err
	case *string:
		return readAs(raw, p, "a string")
	case *int64, *int:
		return readAs(raw, p, "a whole number")
	}
	return readHook(f.name, raw)
}

// readHook accepts only the path of SimpleJWT's own default for a setting that is a function.
func readHook(name string, raw json.RawMessage) error {
	var path string
	if json.Unmarshal(raw, &path) == nil && path != "" && path == djangoDefaults[name] {
		return nil
	}
	return errors.New("is a function: set it in Go")
}

// readAs decodes raw into target. The error names the kind of value that is expected, and does not repeat raw, which may
// be a key.
func readAs(raw json.RawMessage, target any, what string) error {
	if err := json.Unmarshal(raw, target); err != nil {
		return fmt.Errorf("must be %s", what)
	}
	return nil
}

// readDuration decodes a Go duration ("5m0s"), or a number of seconds if seconds is set.
func readDuration(raw json.RawMessage, target *time.Duration, seconds bool) error {
	var number float64
	if seconds && json.Unmarshal(raw, &number) == nil {
		if math.Abs(number) > math.MaxInt64/float64(time.Second) {
			return errors.New("is out of range: a duration has at most 292 years")
		}
		*target = time.Duration(number * float64(time.Second))
		return nil
	}
	var text string
	hint := `must be a duration such as "5m0s"`
	if seconds {
		hint += " or a number of seconds"
	}
	if err := json.Unmarshal(raw, &text); err != nil {
		return errors.New(hint)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return errors.New(hint)
	}
	*target = d
	return nil
}

// readList decodes a string or a list of strings, and reports whether it was a list.
func readList[T ~string](raw json.RawMessage, target *[]T) (isList bool, err error) {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*target = []T{T(one)}
		return false, nil
	}
	var pointers []*string // so that a null among the strings shows
	if err := json.Unmarshal(raw, &pointers); err != nil || slices.Contains(pointers, nil) {
		return false, errors.New("must be a string or a list of strings")
	}
	list := make([]T, len(pointers))
	for i, p := range pointers {
		list[i] = T(*p)
	}
	*target = list
	return true, nil
}

// suggestName returns what to do about an unknown name: "; did you mean X?" for the setting that is spelled most like it,
// or where to find the names if none is close.
func suggestName(name string) string {
	best, least := "", len(name)/3+1
	for _, f := range fields {
		if d := editDistance(strings.ToUpper(name), f.name); d < least {
			best, least = f.name, d
		}
	}
	if best == "" {
		return "; docs/settings.md lists the names"
	}
	return "; did you mean " + best + "?"
}

// editDistance returns the Levenshtein distance of two names: how many letters to insert, delete or replace.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost++
			}
			last = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
