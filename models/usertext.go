package models

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"gorm.io/gorm/schema"
)

// A field of a user model is text in tokens. parseText and textOf convert between the two, for integers, texts, types that
// read and write text themselves (uuid.UUID), types that databases scan (sql.NullString), and pointers to these. A value has
// one canonical text, the one that formatText writes, so that two texts never name the same user.

// parseText returns the value of the field's type that has this text; false where it is not the canonical text of one.
func parseText(fieldType reflect.Type, text string) (any, bool) {
	target := reflect.New(derefType(fieldType))
	if !readText(target, text) {
		return nil, false
	}
	back, err := formatText(target.Elem())
	if err != nil || back != text {
		return nil, false
	}
	return target.Elem().Interface(), true
}

// maxDigits is how many digits a text may have to be an integer. Python's int() has the same limit, so SimpleJWT rejects a longer
// one as well, and converting a million digits takes long.
const maxDigits = 4300

// isTextOfType reports whether a text that is not canonical still is one of the type: "01" or a number out of range. core returns
// the two cases differently, as SimpleJWT does: nobody has such an id, or it cannot be one.
func isTextOfType(fieldType reflect.Type, text string) bool {
	target := reflect.New(derefType(fieldType))
	if zero := target.Elem(); zero.CanInt() || zero.CanUint() {
		text = strings.TrimSpace(text)
		if text != "" && (text[0] == '+' || text[0] == '-') {
			text = text[1:]
		}
		return text != "" && len(text) <= maxDigits && strings.Trim(text, "0123456789") == ""
	}
	return readText(target, text)
}

// textOf returns the canonical text of a model's field. A field that is NULL has none, which is an error.
func textOf(field *schema.Field, model any) (string, error) {
	value := field.ReflectValueOf(context.Background(), reflect.ValueOf(model).Elem())
	for value.Kind() == reflect.Pointer {
		if value.IsNil() {
			return "", fmt.Errorf("the user's %s is NULL", field.DBName)
		}
		value = value.Elem()
	}
	text, err := formatText(value)
	if err != nil {
		return "", fmt.Errorf("the user's %s: %w", field.DBName, err)
	}
	return text, nil
}

// readText sets what target points to; false where the text is not one of its type.
func readText(target reflect.Value, text string) bool {
	if reader, ok := target.Interface().(encoding.TextUnmarshaler); ok {
		return reader.UnmarshalText([]byte(text)) == nil
	}
	value := target.Elem()
	switch {
	case value.Kind() == reflect.String:
		value.SetString(text)
		return true
	case value.CanInt():
		n, err := strconv.ParseInt(text, 10, value.Type().Bits())
		value.SetInt(n)
		return err == nil
	case value.CanUint():
		// Drivers send unsigned integers as signed ones, and reject more than 63 bits.
		n, err := strconv.ParseUint(text, 10, min(63, value.Type().Bits()))
		value.SetUint(n)
		return err == nil
	}
	scanner, ok := target.Interface().(sql.Scanner)
	return ok && scanner.Scan(text) == nil
}

// formatText returns the text of a value that is not a pointer. Text marshalers come first: a uuid.UUID is a driver.Valuer too.
func formatText(value reflect.Value) (string, error) {
	switch writer := value.Interface().(type) {
	case encoding.TextMarshaler:
		text, err := writer.MarshalText()
		return string(text), err
	case driver.Valuer:
		stored, err := writer.Value()
		if err != nil {
			return "", err
		}
		if text, ok := formatScalar(reflect.ValueOf(stored)); ok {
			return text, nil
		}
		return "", fmt.Errorf("a %s of this value has no text", value.Type())
	}
	if text, ok := formatScalar(value); ok {
		return text, nil
	}
	return "", fmt.Errorf("a %s has no text", value.Type())
}

// formatScalar returns the text of a string or an integer, and false for every other value.
func formatScalar(value reflect.Value) (string, bool) {
	switch {
	case !value.IsValid():
		return "", false
	case value.Kind() == reflect.String:
		return value.String(), true
	case value.CanInt():
		return strconv.FormatInt(value.Int(), 10), true
	case value.CanUint():
		return strconv.FormatUint(value.Uint(), 10), true
	}
	return "", false
}

// hasText reports whether fields of this type can be found by their text.
func hasText(fieldType reflect.Type) bool {
	fieldType = derefType(fieldType)
	pointer := reflect.PointerTo(fieldType)
	if fieldType.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return pointer.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
	}
	switch zero := reflect.Zero(fieldType); {
	case zero.Kind() == reflect.String, zero.CanInt(), zero.CanUint():
		return true
	}
	return pointer.Implements(reflect.TypeFor[sql.Scanner]()) && fieldType.Implements(reflect.TypeFor[driver.Valuer]())
}

// isInteger reports whether values of the field reach the database as integers. A driver.Valuer decides that by itself.
func isInteger(field *schema.Field) bool {
	zero := reflect.Zero(derefType(field.FieldType))
	_, valuer := zero.Interface().(driver.Valuer)
	return !valuer && (zero.CanInt() || zero.CanUint())
}

// derefType returns what a type points to, however often.
func derefType(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}
