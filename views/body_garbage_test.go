package views_test

import (
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/go-simplejwt/simplejwt/views"
)

// garbageBytes is how long the bodies and headers of garbage are: DATA_UPLOAD_MAX_MEMORY_SIZE by default.
const garbageBytes = 1 << 20

// garbage is a body that costs an attacker its bytes only.
type garbage struct{ kind, contentType, text string }

// filled repeats a text between two others up to the length of garbage.
func filled(before, text, after string) string {
	return before + strings.Repeat(text, (garbageBytes-len(before)-len(after))/len(text)) + after
}

// filledBy is filled for texts that differ.
func filledBy(before string, text func(n int) string, after string) string {
	var b strings.Builder
	b.WriteString(before)
	for n := 0; b.Len()+len(text(n))+len(after) <= garbageBytes; n++ {
		b.WriteString(text(n))
	}
	return b.String() + after
}

// garbageBodies are the kinds of bodies that cost, or could cost, more than reading them. field is one that the view asks for.
func garbageBodies(field string) []garbage {
	return slices.Concat(garbageJSON(field), garbageForms(field), garbageMultipart(field))
}

func garbageJSON(field string) []garbage {
	const deep = 9_999 // with the object around as deep as is read
	nested := strings.Repeat("[", deep) + strings.Repeat("]", deep)
	member := `{"` + field + `":`
	long := strings.Repeat("\U000e0001", (garbageBytes/2-16)/4)
	return []garbage{
		{"an integer in a field", jsonType, filled(member, "9", `}`)},
		{"an integer nobody asks for", jsonType, filled(`{"x":[`, "9", `]}`)},
		{"an integer alone", jsonType, filled("", "9", "")},
		{"integers of 4,000 digits", jsonType, filled(`{"x":[0`, ","+strings.Repeat("9", 4000), `]}`)},
		{"a fraction in a field", jsonType, filled(member+`1.`, "9", `}`)},
		{"an exponent in a field", jsonType, filled(member+`1e`, "9", `}`)},
		{"a text in a field", jsonType, filled(member+`"`, "x", `"}`)},
		{"a text without an end", jsonType, filled(member+`"`, "x", ``)},
		{"a token of dots", jsonType, filled(member+`"`, ".", `"}`)},
		{"a token of base64url", jsonType, filled(member+`"e30.`, "e30A", `.e30"}`)},
		{"blanks in a field", jsonType, filled(member+`"`, " ", `"}`)},
		{"wide blanks in a field", jsonType, filled(member+`"`, "\u3000", `"}`)},
		{"blanks around a value", jsonType, filled(member, " ", `""}`)},
		{"escaped NULs", jsonType, filled(member+`"`, `\u0000`, `"}`)},
		{"short escapes", jsonType, filled(member+`"`, `\n`, `"}`)},
		{"surrogate pairs", jsonType, filled(member+`"`, `\ud83d\ude00`, `"}`)},
		{"halves of surrogate pairs", jsonType, filled(member+`"`, `\ude00`, `"}`)},
		{"bytes that are no UTF-8", jsonType, filled(member+`"`, "\xff", `"}`)},
		{"bytes of Latin-1", jsonType + "; charset=latin-1", filled(member+`"`, "\xff", `"}`)},
		{"nested arrays", jsonType, filled("", "[", "")},
		{"nested objects", jsonType, filled("", `{"a":`, "")},
		{"arrays nested as deep as is read", jsonType, filled(`{"x":[`+nested[1:len(nested)-1], ","+nested[1:len(nested)-1], "]}")},
		{"objects nested as deep as is read", jsonType, filled(`{"x":[0`, ","+strings.Repeat(`{"":`, deep-2)+"0"+strings.Repeat("}", deep-2), "]}")},
		{"empty arrays", jsonType, filled(`{"x":[[]`, ",[]", "]}")},
		{"small objects", jsonType, filled(`{"x":[{}`, `,{"":0}`, "]}")},
		{"small numbers", jsonType, filled(`{"x":[0`, ",0", "]}")},
		{"members", jsonType, filledBy(`{"":0`, func(n int) string { return fmt.Sprintf(`,"%x":0`, n) }, "}")},
		{"members of an object nobody asks for", jsonType, filledBy(`{"x":{"":0`, func(n int) string { return fmt.Sprintf(`,"%x":0`, n) }, "}}")},
		{"members of arrays", jsonType, filledBy(`{"":0`, func(n int) string { return fmt.Sprintf(`,"%x":[]`, n) }, "}")},
		{"members of objects", jsonType, filledBy(`{"":0`, func(n int) string { return fmt.Sprintf(`,"%x":{"":0}`, n) }, "}")},
		{"members with escapes in their names", jsonType, filledBy(`{"":0`, func(n int) string { return fmt.Sprintf(`,"\n%x":0`, n) }, "}")},
		{"two long names", jsonType, `{"` + long + `":0,"` + long + `":0}`},
		{"an unknown type", "text/plain", filled("", "x", "")},
	}
}

func garbageForms(field string) []garbage {
	return []garbage{
		{"a form of one field", formType, filled(field+"=", "x", "")},
		{"a form of ampersands", formType, filled(field+"=x", "&", "")},
		{"a form of fields", formType, filledBy(field+"=x", func(n int) string { return fmt.Sprintf("&%x=0", n) }, "")},
		{"a form of one field again and again", formType, filled(field+"=x", "&"+field+"=x", "")},
		{"a form of 1,000 fields", formType, filledBy(field+"=x", func(n int) string { return fmt.Sprintf("&%d=%s", n, strings.Repeat("%41", 340)) }, "")},
		{"a form of broken escapes", formType, filled(field+"=", "%", "")},
		{"a form of escapes that are no UTF-8", formType, filled(field+"=", "%ffa", "")},
		{"a form of plus signs", formType, filled(field+"=", "+", "")},
		{"a form of bytes that are no UTF-8", formType, filled(field+"=", "\xff", "")},
	}
}

func garbageMultipart(field string) []garbage {
	head := "--b\r\nContent-Disposition: form-data; name=\"" + field + "\"\r\n"
	const end = "\r\n--b--\r\n"
	headers := func(n int) string { return fmt.Sprintf("%x:\r\n", n) }
	each := strings.Repeat("a:\n", 370) + "\r\nx"
	return []garbage{
		{"multipart of one part", multipartType, filled(head+"\r\n", "x", end)},
		{"multipart of parts", multipartType, filled("", head+"\r\nx\r\n", "--b--\r\n")},
		{"multipart of parts without headers", multipartType, filled("", "--b\r\n\r\n\r\n", "--b--\r\n")},
		{"multipart of nearly boundaries", multipartType, filled(head+"\r\n", "\r\n--bb", end)},
		{"multipart of lines before the first part", multipartType, filled("", "\n", "")},
		{"multipart with headers", multipartType, filledBy(head, headers, "\r\n\r\nx"+end)},
		{"multipart with one header again and again", multipartType, filled(head, "a:\r\n", "\r\n\r\nx"+end)},
		{"multipart with headers in each part", multipartType, parts(slices.Repeat([]string{each}, 900)...)},
		{"multipart with a header of lines", multipartType, filled(head[:len(head)-2], "\r\n a", "\r\n\r\nx"+end)},
		{"multipart with a header that is none", multipartType, filled(head, "\xff", "\r\n\r\nx"+end)},
		{"multipart with parameters", multipartType, filled(head[:len(head)-2], `;a=""`, "\r\n\r\nx"+end)},
		{"multipart with names of parameters", multipartType, filledBy(head[:len(head)-2], func(n int) string { return fmt.Sprintf(`;%x=`, n) }, "\r\n\r\nx"+end)},
		{"multipart with a long boundary", "multipart/form-data; boundary=" + strings.Repeat("b", garbageBytes/2), filled("", "--b", "")},
		{"multipart of base64", multipartType, filled(head+"Content-Transfer-Encoding: base64\r\n\r\n", "QUFB", end)},
		{"multipart of bytes that are no UTF-8", multipartType, filled(head+"\r\n", "\xffa", end)},
	}
}

// garbageHeader is a header that costs an attacker its bytes only.
type garbageHeader struct {
	kind, name string
	values     []string
}

// garbageHeaders are headers as long as net/http reads by default.
func garbageHeaders() []garbageHeader {
	const each = 32
	token := strings.Repeat("e30A", garbageBytes/4)
	again := func(value string) []string {
		return slices.Repeat([]string{value}, garbageBytes/each)
	}
	both := func(value string) []string {
		half := value[:garbageBytes/2-32]
		return []string{access + "=" + half + "; " + refresh + "=" + half}
	}
	return []garbageHeader{
		{"a scheme", "Authorization", []string{filled("", "x", "")}},
		{"blanks", "Authorization", []string{filled("Bearer ", " ", "x")}},
		{"words", "Authorization", []string{filled("Bearer ", "x ", "x")}},
		{"a token of dots", "Authorization", []string{filled("Bearer ", ".", "")}},
		{"a token of base64url", "Authorization", []string{filled("Bearer e30.", "e30A", ".e30")}},
		{"many fields", "Authorization", again("Bearer x")},
		{"cookies", "Cookie", []string{filled("a", ";a", "")}},
		{"3,000 cookies", "Cookie", []string{strings.Repeat("a="+strings.Repeat("x", garbageBytes/3000-4)+"; ", 2999) + access + "=x"}},
		{"3,000 cookies of one name", "Cookie", []string{strings.Repeat(access+"="+strings.Repeat("x", garbageBytes/3000-20)+"; ", 2999)}},
		{"cookies of dots", "Cookie", both(strings.Repeat(".", garbageBytes))},
		{"cookies of base64url", "Cookie", both("e30." + token)},
		{"many fields of cookies", "Cookie", again(access + "=x")},
		{"commas", "X-Forwarded-For", []string{filled("", ",", "")}},
		{"addresses", "X-Forwarded-For", []string{filled("", "1.1.1.1,", "1.1.1.1")}},
		{"an address", "X-Forwarded-For", []string{filled("", "1:", "1")}},
		{"many fields of addresses", "X-Forwarded-For", again("192.0.2.1")},
		{"marks", "User-Agent", []string{filled("", "\u202e", "")}},
		{"an origin", "Origin", []string{filled("https://", "x", "")}},
		{"an origin of escapes", "Origin", []string{filled("https://", "%41", "")}},
		{"a CSRF token", "X-Csrftoken", []string{filled("", "x", "")}},
		{"parameters", "Content-Type", []string{filled("application/json", `;a=""`, "")}},
		{"quotes", "Content-Type", []string{filled("application/json", `"`, "")}},
		{"a charset", "Content-Type", []string{filled("application/json; charset=", "x", "")}},
		{"a boundary", "Content-Type", []string{filled("multipart/form-data; boundary=", "x", "")}},
	}
}

// TestGarbage_AllocatesLittle measures the memory that a body takes as long as it is looked at: what allocates a multiple of it
// takes time as well.
func TestGarbage_AllocatesLittle(t *testing.T) {
	multiples := map[string]uint64{ // where 8 are not enough
		"members":                              35,
		"members of arrays":                    35,
		"members of objects":                   35,
		"members with escapes in their names":  35,
		"multipart of bytes that are no UTF-8": 15,
		"multipart with a header that is none": 40,
		"multipart with parameters":            9,
		"multipart with names of parameters":   9,
	}
	const allocations = 200_000
	view := views.Refresh(newFixture(t).Auth)
	for _, g := range garbageBodies("refresh") {
		t.Run(g.kind, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			w := post(view, g.contentType, g.text)
			runtime.ReadMemStats(&after)
			if w.Code < 400 || w.Code > 499 || w.Code == http.StatusRequestEntityTooLarge {
				t.Errorf("answer %d %.200s", w.Code, w.Body)
			}
			if w.Body.Len() > 11_000 { // with the start of a Content-Type
				t.Errorf("an answer of %d bytes", w.Body.Len())
			}
			most := max(multiples[g.kind], 8) * uint64(len(g.text))
			if got := after.TotalAlloc - before.TotalAlloc; got > most && !underRace {
				t.Errorf("allocated %d bytes for %d, want at most %d", got, len(g.text), most)
			}
			if got := after.Mallocs - before.Mallocs; got > allocations && !underRace {
				t.Errorf("%d allocations, want at most %d", got, allocations)
			}
		})
	}
}
