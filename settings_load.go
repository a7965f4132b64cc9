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

// removed are the names SimpleJWT refuses because it once had them.
var removed = []string{"AUTH_HEADER_TYPE", "AUTH_TOKEN_CLASS", "SECRET_KEY", "TOKEN_BACKEND_CLASS"}

// djangoDefaults are the dotted paths of SimpleJWT's own defaults: a settings file taken over from Django may name them.
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

// field is a setting: where it lies in Settings and how it is read.
type field struct {
	name                       string
	index                      int
	null, off, secret, seconds bool
}

// fields lists the settings in the order of the struct, read from its tags.
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

// FromJSON reads settings from a JSON object of SIMPLE_JWT names over base. A name that is present is taken as it is
// written: "0s" is zero, "" is empty, null is Python's None. Durations are Go's ("5m0s"); LEEWAY may be a number of
// seconds; AUDIENCE, AUTH_HEADER_TYPES and AUTH_TOKEN_CLASSES are a string or a list of strings; settings that are
// functions can't be given here.
//
// The error is a Faults with all that is wrong. The returned Settings remember the faults too and core.New reports them
// with its own, so a program that calls core.New in any case may leave the error to it.
func FromJSON(base Settings, data []byte) (Settings, error) { return fromJSON(base, data, "") }

// FromFile is FromJSON for a file, whose name stands in its faults. A file that can't be read is a fault too.
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
	s.faults = append(s.faults, InvalidSetting{Problem: fmt.Sprintf("the settings can't be read: %v", err), Name: file})
	return s, s.faults
}

// fromJSON is FromJSON for the data of a file; "" is none.
func fromJSON(base Settings, data []byte, file string) (Settings, error) {
	s := base.clone()
	values, err := strictjson.Object(string(data))
	if err != nil {
		problem := fmt.Sprintf("%sthe settings are not a JSON object of names and values: %v", lineOf(data, err), err)
		s.faults = append(s.faults, InvalidSetting{Problem: problem, Name: file})
		return s, s.faults
	}
	for _, v := range values {
		name := ""
		if file != "" {
			name = file + ": " + v.Name
		}
		s.set(v.Name, name, json.RawMessage(v.Raw))
	}
	return s, s.err()
}

// lineOf says in which line of a JSON text a syntax error is; nothing for an error without a place.
func lineOf(data []byte, err error) string {
	var syntax *json.SyntaxError
	end := 0
	switch {
	case errors.As(err, &syntax):
		end = max(0, int(syntax.Offset)-1) // it counts the byte that is wrong
	case !utf8.Valid(data):
		for r, size := utf8.DecodeRune(data); r != utf8.RuneError || size > 1; r, size = utf8.DecodeRune(data[end:]) {
			end += size
		}
	default:
		return ""
	}
	return fmt.Sprintf("line %d: ", 1+bytes.Count(data[:end], []byte("\n")))
}

// FromEnv reads settings from environment variables such as SIMPLE_JWT_ROTATE_REFRESH_TOKENS=true over base. Values are
// written as in FromJSON, strings without quotes; lists may be written as JSON, and null is Python's None.
// The error is as in FromJSON, with the variables' names.
func FromEnv(base Settings) (Settings, error) {
	s := base.clone()
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		if setting, ok := strings.CutPrefix(name, envPrefix); ok {
			s.set(setting, name, envJSON(setting, value))
		}
	}
	return s, s.err()
}

// envJSON writes an environment value as the JSON the setting's type asks for.
func envJSON(name, value string) json.RawMessage {
	if !utf8.ValidString(value) {
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

func looksNumeric(value string) bool {
	_, err := strconv.ParseFloat(value, 64)
	return err == nil && json.Valid([]byte(value))
}

func (s Settings) clone() Settings {
	given, names := map[string]bool{}, map[string]string{}
	for name := range s.given {
		given[name] = true
	}
	maps.Copy(names, s.names)
	s.given, s.names, s.faults = given, names, slices.Clone(s.faults)
	return s
}

func (s *Settings) err() error {
	if len(s.faults) == 0 {
		return nil
	}
	return s.faults
}

// set reads one setting; what is wrong with it becomes a fault. called is the setting's NameOf, "" for its name.
func (s *Settings) set(name, called string, raw json.RawMessage) {
	add := func(setting, problem string, args ...any) {
		s.faults = append(s.faults, InvalidSetting{Setting: setting, Problem: fmt.Sprintf(problem, args...), Name: called})
	}
	if slices.Contains(removed, name) {
		add("", "The '%s' setting has been removed. Please refer to 'docs/settings.md' for available settings.", name)
		return
	}
	i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
	if i < 0 {
		add(name, "no such setting%s", suggestion(name))
		return
	}
	if _, lone := strictjson.LoneSurrogate(string(raw)); lone || !utf8.Valid(raw) { // never replaced: it would be another key
		add(name, "is not valid Unicode text")
		return
	}
	if err := s.read(fields[i], raw); err != nil {
		add(name, "%v", err)
		return
	}
	s.given[name] = !bytes.Equal(raw, []byte("null"))
	s.names[name] = called
}

func (s *Settings) read(f field, raw json.RawMessage) error {
	target := reflect.ValueOf(s).Elem().Field(f.index)
	if bytes.Equal(raw, []byte("null")) {
		switch {
		case f.off:
			target.SetString(Off)
		case target.Kind() == reflect.Func: // what the program set stays
		case f.null:
			target.SetZero()
		default:
			return errors.New("may not be null")
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

// readHook accepts nothing but SimpleJWT's own default for a setting that is a function.
func readHook(name string, raw json.RawMessage) error {
	var path string
	if json.Unmarshal(raw, &path) == nil && path != "" && path == djangoDefaults[name] {
		return nil
	}
	return errors.New("is a function: set it in Go")
}

func readAs(raw json.RawMessage, target any, what string) error {
	if err := json.Unmarshal(raw, target); err != nil {
		return fmt.Errorf("must be %s", what)
	}
	return nil
}

func readDuration(raw json.RawMessage, target *time.Duration, seconds bool) error {
	var number float64
	if seconds && json.Unmarshal(raw, &number) == nil {
		if math.Abs(number) > math.MaxInt64/float64(time.Second) {
			return errors.New("is out of range")
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

// readList reads a string or a list of strings and reports which it was.
func readList[T ~string](raw json.RawMessage, target *[]T) (bool, error) {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*target = []T{T(one)}
		return false, nil
	}
	var pointers []*string
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

// suggestion names the setting that is spelled most like name, if any is close.
func suggestion(name string) string {
	best, least := "", len(name)/3+1
	for _, f := range fields {
		if d := distance(strings.ToUpper(name), f.name); d < least {
			best, least = f.name, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// distance is the Levenshtein distance of two names.
func distance(a, b string) int {
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
