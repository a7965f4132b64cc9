package conformance

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed testdata/*.json
var testdata embed.FS

// scenario is a recorded sequence of requests: settings, users, and steps to replay.
type scenario struct {
	Name         string         `json:"name"`
	What         string         `json:"what"`  // the rule, which messages show
	Level        string         `json:"level"` // core, edge or quirk: how plain the rule is
	Profile      map[string]any `json:"profile"`
	BlacklistApp *bool          `json:"blacklist_app"` // default true
	Needs        []string       `json:"needs"`
	Users        []userSpec     `json:"users"`
	Steps        []step         `json:"steps"`
	Startup      *startup       `json:"startup"` // instead of steps: the settings must be rejected

	file   string
	number int // unique among all scenarios; makes user names unique
}

// blacklistApp reports whether the server has a token store, as a Django project
// has with the app token_blacklist.
func (s *scenario) blacklistApp() bool { return s.BlacklistApp == nil || *s.BlacklistApp }

// startup is the expected error of a server that does not start.
type startup struct {
	Fails          bool     `json:"fails"`
	StderrContains []string `json:"stderr_contains"`
}

// userSpec is a user to create before the steps.
type userSpec struct {
	Alias    string  `json:"alias"`
	Username string  `json:"username"` // default: the alias and the scenario's number
	Password *string `json:"password"`
	IsActive *bool   `json:"is_active"` // default true
}

// step is one action: request, mint, edit, user, table, flush or sleep. Do names
// it, and decides which of the other fields are used.
type step struct {
	Do string `json:"do"`

	// request
	Method      string            `json:"method"`
	Path        string            `json:"path"`
	Headers     pairs             `json:"headers"`
	JSON        optional          `json:"json"`
	Form        pairs             `json:"form"`
	Multipart   pairs             `json:"multipart"`
	Raw         *string           `json:"raw"`
	RawBase64   []byte            `json:"raw_base64"`
	ContentType *string           `json:"content_type"`
	Capture     map[string]string `json:"capture"`
	Expect      expectation       `json:"expect"`
	// Reference is the answer of the real SimpleJWT if Expect differs from it on
	// purpose. It documents the difference and is not replayed.
	Reference json.RawMessage `json:"reference"`

	// mint, and edit
	As             string           `json:"as"`
	From           string           `json:"from"`
	Claims         map[string]any   `json:"claims"`
	PayloadRaw     *string          `json:"payload_raw"`
	Drop           []string         `json:"drop"`
	Alg            string           `json:"alg"`
	SignAlg        string           `json:"sign_alg"`
	Key            string           `json:"key"`
	Secret         *string          `json:"secret"`
	Header         map[string]any   `json:"header"`
	KeepNullHeader bool             `json:"keep_null_header"`
	Edit           []map[string]any `json:"edit"`

	// user
	Op string `json:"op"`
	userSpec
	User string `json:"user"`

	// table
	Table string         `json:"table"`
	Where map[string]any `json:"where"`

	// sleep
	Seconds float64 `json:"seconds"`
}

// expectation is what an answer or the rows of a table must be.
type expectation struct {
	Status   any                  `json:"status"` // a number or a list of them
	Headers  map[string]any       `json:"headers"`
	Body     optional             `json:"body"`
	BodyText *string              `json:"body_text"`
	Tokens   map[string]tokenSpec `json:"tokens"`

	Count int              `json:"count"`
	Rows  []map[string]any `json:"rows"`
}

// tokenSpec is what a JWT of an answer must hold, and the key that verifies it.
type tokenSpec struct {
	Key     string         `json:"key"`
	Header  map[string]any `json:"header"`
	Payload map[string]any `json:"payload"`
}

// optional is a JSON value that may be absent; null is a value.
type optional struct {
	set   bool
	value any
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *optional) UnmarshalJSON(data []byte) (err error) {
	o.set = true
	o.value, err = decodeJSON(data)
	return err
}

// pairs is an object that keeps its order, or a list of [name, value], in which
// names may repeat. It is nil only if it is absent.
type pairs [][2]any

// UnmarshalJSON implements json.Unmarshaler.
func (p *pairs) UnmarshalJSON(data []byte) error {
	*p = pairs{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if data[0] == '[' {
		return dec.Decode((*[][2]any)(p))
	}
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		var value any
		if err := dec.Decode(&value); err != nil {
			return err
		}
		*p = append(*p, [2]any{name, value})
	}
	return nil
}

// loadVectors reads all vectors and their keys from a folder named testdata. An
// unknown field is an error: it would not be replayed, and nobody would notice.
func loadVectors(files fs.FS) (keyring, []*scenario, error) {
	names, err := fs.Glob(files, "testdata/*.json")
	if err != nil {
		return nil, nil, err
	}
	keys := keyring{}
	var all []*scenario
	seen := map[string]bool{}
	for _, name := range names {
		if path.Base(name) == "keys.json" {
			if err := decodeFile(files, name, &keys); err != nil {
				return nil, nil, err
			}
			continue
		}
		var list []*scenario
		if err := decodeFile(files, name, &list); err != nil {
			return nil, nil, err
		}
		for _, s := range list {
			if seen[s.Name] || s.Name == "" {
				return nil, nil, fmt.Errorf("%s: a scenario's name is empty or repeated: %q", name, s.Name)
			}
			seen[s.Name] = true // across all files: names are those of subtests
			s.file = path.Base(name)
			s.number = len(all) + 1
			all = append(all, s)
		}
	}
	return keys, all, nil
}

// decodeFile decodes a file strictly: no unknown fields and no unpaired surrogates.
func decodeFile(files fs.FS, name string, into any) error {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return err
	}
	if hasLoneSurrogate(data) {
		return fmt.Errorf("%s: has a lone surrogate, which encoding/json would replace; use raw", name)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// groupBySettings returns groups of scenarios with equal settings. The largest
// comes first: started last, it would run alone at the end.
func groupBySettings(scenarios []*scenario) [][]*scenario {
	index := map[string]int{}
	var all [][]*scenario
	for _, s := range scenarios {
		// encoding/json sorts the names of a map, so equal settings have equal texts.
		id := fmt.Sprint(textOf(s.Profile), s.blacklistApp(), s.Startup != nil)
		i, ok := index[id]
		if !ok {
			i = len(all)
			index[id] = i
			all = append(all, nil)
		}
		all[i] = append(all[i], s)
	}
	slices.SortStableFunc(all, func(a, b []*scenario) int { return cmp.Compare(len(b), len(a)) })
	return all
}

// jwksNames returns the keys that a setting of the form ${jwks:rsa1,rsa2} names.
func jwksNames(setting any) ([]string, bool) {
	text, _ := setting.(string)
	list, ok := strings.CutPrefix(text, "${jwks:")
	if !ok {
		return nil, false
	}
	return strings.Split(strings.TrimSuffix(list, "}"), ","), true
}
