package simplejwt

import (
	"cmp"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
)

// InvalidSetting is one thing that is wrong with the settings.
type InvalidSetting struct {
	// Setting is the SIMPLE_JWT name ("ACCESS_TOKEN_LIFETIME") or the name of a core.Deps field ("Deps.Store").
	Setting string
	// Problem says what is wrong and what to do. It never contains the value of a key.
	Problem string
	// Name is what SettingsError.Error calls the setting: the environment variable that it was read from
	// ("SIMPLE_JWT_ACCESS_TOKEN_LIFETIME"), or the file and its name ("settings.json: ACCESS_TOKEN_LIFETIME"). Empty means
	// Setting.
	Name string
}

// SettingsError is the error of settings that are not valid. It lists all that is wrong, so that one start of a program
// finds everything. errors.As finds it in the error of core.New.
type SettingsError []InvalidSetting

// Error lists the invalid settings, each on a line, after a line that counts them.
func (e SettingsError) Error() string {
	settings := "settings"
	if len(e) == 1 {
		settings = "setting"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "simplejwt: %d invalid %s:", len(e), settings)
	for _, one := range e {
		b.WriteString("\n  ")
		if name := cmp.Or(one.Name, one.Setting); name != "" {
			b.WriteString(name + ": ")
		}
		b.WriteString(one.Problem)
	}
	return b.String()
}

// Add appends an invalid setting. problem is a fmt format, and must not print the value of a key.
func (e *SettingsError) Add(setting, problem string, args ...any) {
	*e = append(*e, InvalidSetting{Setting: setting, Problem: fmt.Sprintf(problem, args...)})
}

// Format prints the settings that are not zero, for every verb. It never prints a key, so that Settings can be logged.
func (s Settings) Format(w fmt.State, _ rune) {
	fmt.Fprint(w, "simplejwt.Settings{", strings.Join(s.describeFields(), " "), "}")
}

// LogValue returns the text of Format, without the type's name: package slog never logs a key.
func (s Settings) LogValue() slog.Value {
	return slog.StringValue(strings.Join(s.describeFields(), " "))
}

// describeFields returns NAME=value for each setting that is not zero or was set explicitly, without the value of a key.
func (s Settings) describeFields() []string {
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
