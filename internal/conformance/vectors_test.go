package conformance

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
)

func TestLoadVectors_Errors(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"an unknown field of a step":   `[{"name": "a", "steps": [{"do": "request", "colour": 1}]}]`,
		"an unknown field of a case":   `[{"name": "a", "weight": 1}]`,
		"two cases of one name":        `[{"name": "a"}, {"name": "a"}]`,
		"a case without a name":        `[{"what": "a"}]`,
		"a lone surrogate":             `[{"name": "\ud800"}]`,
		"something other than a list":  `{"name": "a"}`,
		"a lone low surrogate":         `[{"name": "\udc00\ud800"}]`,
		"a high surrogate before text": `[{"name": "\ud800\n\udc00"}]`,
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, all, err := loadVectors(fstest.MapFS{"testdata/x.json": {Data: []byte(data)}}); err == nil {
				t.Errorf("got %d scenarios, want an error", len(all))
			}
		})
	}
	fine := `[{"name": "a \ud83d\udd11", "what": "an escaped \\ud800"}]`
	if _, _, err := loadVectors(fstest.MapFS{"testdata/x.json": {Data: []byte(fine)}}); err != nil {
		t.Errorf("a pair of surrogates: %v", err)
	}
}

// TestLoadVectors_EverythingIsKnown checks every recorded step without a server:
// each request can be encoded, and each placeholder and variable is known.
func TestLoadVectors_EverythingIsKnown(t *testing.T) {
	t.Parallel()
	keys, all, err := loadVectors(testdata)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < minScenarios {
		t.Fatalf("found %d scenarios, want at least %d", len(all), minScenarios)
	}
	for _, s := range all {
		v := newVars(keys, s.number)
		for _, u := range s.Users {
			v.users[u.Alias] = &user{id: "1", username: "u", password: "p"}
		}
		for i := range s.Steps {
			if err := checkStep(v, &s.Steps[i]); err != nil {
				t.Errorf("%s: step %d: %v", s.Name, i+1, err)
			}
		}
	}
}

// checkStep does what replaying a step needs, except to send it.
func checkStep(v *vars, s *step) error {
	m := &matcher{vars: v}
	switch s.Do {
	case "mint":
		token, err := v.mintToken(s)
		v.storeValue(s.As, token)
		return err
	case "edit":
		return (&replayer{vars: v}).replayEdit(s)
	case "request":
		if _, err := v.requestBytes("127.0.0.1:1", s); err != nil {
			return err
		}
		m.matchAnswer(&s.Expect, &answer{status: 200}, nil, nil)
		sample, err := v.mintToken(&step{Claims: map[string]any{"jti": "${uuid}", "exp": json.Number("1")}})
		for name := range s.Capture {
			v.storeValue(name, sample)
		}
		if err != nil {
			return err
		}
		return findUnknownWord(m, s.Expect)
	case "table":
		where, err := v.fillObject(s.Where)
		if err != nil {
			return err
		}
		if _, _, err = tableQuery(s.Table, where, true); err != nil {
			return err
		}
		return findUnknownWord(m, s.Expect)
	case "user", "flush", "sleep":
		return nil
	}
	return errors.New("unknown step " + s.Do)
}

// findUnknownWord returns the error of a word in angle brackets that is not a
// placeholder, or of a variable that nothing has set.
func findUnknownWord(m *matcher, e expectation) error {
	var texts []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			texts = append(texts, v)
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(e.Headers)
	walk(e.Body.value)
	for _, spec := range e.Tokens {
		walk(spec.Header)
		walk(spec.Payload)
	}
	for _, row := range e.Rows {
		walk(row)
	}
	for _, s := range texts {
		if placeholderPattern.MatchString(s) && !m.matchPlaceholder("", s, nil) {
			return errors.New("unknown placeholder " + s)
		}
		if _, err := m.vars.fillText(s); err != nil {
			return err
		}
	}
	for _, diff := range m.diffs {
		if strings.Contains(diff, "unknown variable") || strings.Contains(diff, "no token named") {
			return errors.New(diff)
		}
	}
	return nil
}
