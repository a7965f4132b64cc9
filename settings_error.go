package simplejwt

import (
	"cmp"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
)

// InvalidSetting is one thing wrong with the settings.
type InvalidSetting struct {
	// Setting is the SIMPLE_JWT name ("ACCESS_TOKEN_LIFETIME") or the name of a core.Deps field ("Deps.Store").
	Setting string
	// Problem says what is wrong and what to do. It never holds the value of a key.
	Problem string
	// Name is what Faults.Error calls the setting: the environment variable that gave it ("SIMPLE_JWT_ACCESS_TOKEN_LIFETIME"), or
	// the file before it ("settings.json: ACCESS_TOKEN_LIFETIME"). Empty stands for Setting.
	Name string
}

// SettingsError is the error that names everything wrong at once.
type SettingsError []InvalidSetting

// Error lists the faults, one on a line, after a line that counts them.
func (f SettingsError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "simplejwt: %d fault(s) in the settings", len(f))
	for _, one := range f {
		b.WriteString("\n  ")
		if name := cmp.Or(one.Name, one.Setting); name != "" {
			b.WriteString(name + ": ")
		}
		b.WriteString(one.Problem)
	}
	return b.String()
}

// Add appends a fault; problem is a fmt format.
func (f *SettingsError) Add(setting, problem string, args ...any) {
	*f = append(*f, InvalidSetting{Setting: setting, Problem: fmt.Sprintf(problem, args...)})
}

// Format prints the settings that are not zero, without any key, for every verb.
func (s Settings) Format(w fmt.State, _ rune) {
	fmt.Fprint(w, "simplejwt.Settings{", strings.Join(s.describe(), " "), "}")
}

// LogValue prints the settings that are not zero, without any key.
func (s Settings) LogValue() slog.Value { return slog.StringValue(strings.Join(s.describe(), " ")) }

func (s Settings) describe() []string {
	var out []string
	v := reflect.ValueOf(s)
	for _, f := range fields {
		value := v.Field(f.index)
		switch {
		case value.IsZero() && !s.given[f.name]:
			continue
		case f.secret:
			out = append(out, f.name+"=[redacted]")
		case f.off && value.String() == Off:
			out = append(out, f.name+"=[off]")
		case value.Kind() == reflect.Func:
			out = append(out, f.name+"=[function]")
		default:
			out = append(out, fmt.Sprintf("%s=%v", f.name, reflect.Indirect(value).Interface()))
		}
	}
	return out
}
