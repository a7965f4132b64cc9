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

// garbage is a body that costs an attacker nothing but its bytes.
type garbage struct{ kind, contentType, text string }

// repeatText returns a text repeated between two others, in all as long as garbageBytes allows.
func repeatText(before, text, after string) string {
	return before + strings.Repeat(text, (garbageBytes-len(before)-len(after))/len(text)) + after
}

// repeatTexts is repeatText for texts that differ.
func repeatTexts(before string, text func(n int) string, after string) string {
	var b strings.Builder
	b.WriteString(before)
	for n := 0; b.Len()+len(text(n))+len(after) <= garbageBytes; n++ {
		b.WriteString(text(n))
	}
	return b.String() + after
}

// garbageBodies returns the kinds of bodies that cost, or could cost, more than reading them. field is one that the view reads.
func garbageBodies(field string) []garbage {
	return slices.Concat(garbageJSON(field), garbageForms(field), garbageMultipart(field))
}

func garbageJSON(field string) []garbage {
	const deep = 9_999 // with the object around as deep as is read
	nested := strings.Repeat("[", deep) + strings.Repeat("]", deep)
	member := `{"` + field + `":`
	long := strings.Repeat("\U000e0001", (garbageBytes/2-16)/4)
	return []garbage{
		{"an integer in a field", jsonType, repeatText(member, "9", `}`)},
		{"an integer nobody asks for", jsonType, repeatText(`{"x":[`, "9", `]}`)},
		{"an integer alone", jsonType, repeatText("", "9", "")},
		{"integers of 4,000 digits", jsonType, repeatText(`{"x":[0`, ","+strings.Repeat("9", 4000), `]}`)},
		{"a fraction in a field", jsonType, repeatText(member+`1.`, "9", `}`)},
		{"an exponent in a field", jsonType, repeatText(member+`1e`, "9", `}`)},
		{"a text in a field", jsonType, repeatText(member+`"`, "x", `"}`)},
		{"a text without an end", jsonType, repeatText(member+`"`, "x", ``)},
		{"a token of dots", jsonType, repeatText(member+`"`, ".", `"}`)},
		{"a token of base64url", jsonType, repeatText(member+`"e30.`, "e30A", `.e30"}`)},
		{"blanks in a field", jsonType, repeatText(member+`"`, " ", `"}`)},
		{"wide blanks in a field", jsonType, repeatText(member+`"`, "\u3000", `"}`)},
		{"blanks around a value", jsonType, repeatText(member, " ", `""}`)},
		{"escaped NULs", jsonType, repeatText(member+`"`, `\u0000`, `"}`)},
		{"short escapes", jsonType, repeatText(member+`"`, `\n`, `"}`)},
		{"surrogate pairs", jsonType, repeatText(member+`"`, `\ud83d\ude00`, `"}`)},
		{"halves of surrogate pairs", jsonType, repeatText(member+`"`, `\ude00`, `"}`)},
		{"bytes that are no UTF-8", jsonType, repeatText(member+`"`, "\xff", `"}`)},
		{"bytes of Latin-1", jsonType + "; charset=latin-1", repeatText(member+`"`, "\xff", `"}`)},
		{"nested arrays", jsonType, repeatText("", "[", "")},
		{"nested objects", jsonType, repeatText("", `{"a":`, "")},
		{"arrays nested as deep as is read", jsonType, repeatText(`{"x":[`+nested[1:len(nested)-1], ","+nested[1:len(nested)-1], "]}")},
		{"objects nested as deep as is read", jsonType, repeatText(`{"x":[0`, ","+strings.Repeat(`{"":`, deep-2)+"0"+strings.Repeat("}", deep-2), "]}")},
		{"empty arrays", jsonType, repeatText(`{"x":[[]`, ",[]", "]}")},
		{"small objects", jsonType, repeatText(`{"x":[{}`, `,{"":0}`, "]}")},
		{"small numbers", jsonType, repeatText(`{"x":[0`, ",0", "]}")},
		{"members", jsonType, repeatTexts(`{"":0`, func(n int) string { return fmt.Sprintf(`,"%x":0`, n) }, "}")},
		{"members of an object nobody asks for", jsonType, repeatTexts(`{"x":{"":0`, func(n int) string { return fmt.Sprintf(`,"%x":0`, n) }, "}}")},
		{"members of arrays", jsonType, repeatTexts(`{"":0`, func(n int) string { return fmt.Sprintf(`,"%x":[]`, n) }, "}")},
		{"members of objects", jsonType, repeatTexts(`{"":0`, func(n int) string { return fmt.Sprintf(`,"%x":{"":0}`, n) }, "}")},
		{"members with escapes in their names", jsonType, repeatTexts(`{"":0`, func(n int) string { return fmt.Sprintf(`,"\n%x":0`, n) }, "}")},
		{"two long names", jsonType, `{"` + long + `":0,"` + long + `":0}`},
		{"an unknown type", "text/plain", repeatText("", "x", "")},
	}
}

func garbageForms(field string) []garbage {
	return []garbage{
		{"a form of one field", formType, repeatText(field+"=", "x", "")},
		{"a form of ampersands", formType, repeatText(field+"=x", "&", "")},
		{"a form of fields", formType, repeatTexts(field+"=x", func(n int) string { return fmt.Sprintf("&%x=0", n) }, "")},
		{"a form of one field again and again", formType, repeatText(field+"=x", "&"+field+"=x", "")},
		{"a form of 1,000 fields", formType, repeatTexts(field+"=x", func(n int) string { return fmt.Sprintf("&%d=%s", n, strings.Repeat("%41", 340)) }, "")},
		{"a form of broken escapes", formType, repeatText(field+"=", "%", "")},
		{"a form of escapes that are no UTF-8", formType, repeatText(field+"=", "%ffa", "")},
		{"a form of plus signs", formType, repeatText(field+"=", "+", "")},
		{"a form of bytes that are no UTF-8", formType, repeatText(field+"=", "\xff", "")},
	}
}

func garbageMultipart(field string) []garbage {
	head := "--b\r\nContent-Disposition: form-data; name=\"" + field + "\"\r\n"
	const end = "\r\n--b--\r\n"
	headers := func(n int) string { return fmt.Sprintf("%x:\r\n", n) }
	each := strings.Repeat("a:\n", 370) + "\r\nx"
	return []garbage{
		{"multipart of one part", multipartType, repeatText(head+"\r\n", "x", end)},
		{"multipart of parts", multipartType, repeatText("", head+"\r\nx\r\n", "--b--\r\n")},
		{"multipart of parts without headers", multipartType, repeatText("", "--b\r\n\r\n\r\n", "--b--\r\n")},
		{"multipart of nearly boundaries", multipartType, repeatText(head+"\r\n", "\r\n--bb", end)},
		{"multipart of lines before the first part", multipartType, repeatText("", "\n", "")},
		{"multipart with headers", multipartType, repeatTexts(head, headers, "\r\n\r\nx"+end)},
		{"multipart with one header again and again", multipartType, repeatText(head, "a:\r\n", "\r\n\r\nx"+end)},
		{"multipart with headers in each part", multipartType, joinParts(slices.Repeat([]string{each}, 900)...)},
		{"multipart with a header of lines", multipartType, repeatText(head[:len(head)-2], "\r\n a", "\r\n\r\nx"+end)},
		{"multipart with a header that is none", multipartType, repeatText(head, "\xff", "\r\n\r\nx"+end)},
		{"multipart with parameters", multipartType, repeatText(head[:len(head)-2], `;a=""`, "\r\n\r\nx"+end)},
		{"multipart with names of parameters", multipartType, repeatTexts(head[:len(head)-2], func(n int) string { return fmt.Sprintf(`;%x=`, n) }, "\r\n\r\nx"+end)},
		{"multipart with a long boundary", "multipart/form-data; boundary=" + strings.Repeat("b", garbageBytes/2), repeatText("", "--b", "")},
		{"multipart of base64", multipartType, repeatText(head+"Content-Transfer-Encoding: base64\r\n\r\n", "QUFB", end)},
		{"multipart of bytes that are no UTF-8", multipartType, repeatText(head+"\r\n", "\xffa", end)},
	}
}

// garbageHeader is a header that costs an attacker nothing but its bytes.
type garbageHeader struct {
	kind, name string
	values     []string
}

// garbageHeaders returns headers as long as net/http reads by default.
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
		{"a scheme", "Authorization", []string{repeatText("", "x", "")}},
		{"blanks", "Authorization", []string{repeatText("Bearer ", " ", "x")}},
		{"words", "Authorization", []string{repeatText("Bearer ", "x ", "x")}},
		{"a token of dots", "Authorization", []string{repeatText("Bearer ", ".", "")}},
		{"a token of base64url", "Authorization", []string{repeatText("Bearer e30.", "e30A", ".e30")}},
		{"many fields", "Authorization", again("Bearer x")},
		{"cookies", "Cookie", []string{repeatText("a", ";a", "")}},
		{"3,000 cookies", "Cookie", []string{strings.Repeat("a="+strings.Repeat("x", garbageBytes/3000-4)+"; ", 2999) + access + "=x"}},
		{"3,000 cookies of one name", "Cookie", []string{strings.Repeat(access+"="+strings.Repeat("x", garbageBytes/3000-20)+"; ", 2999)}},
		{"cookies of dots", "Cookie", both(strings.Repeat(".", garbageBytes))},
		{"cookies of base64url", "Cookie", both("e30." + token)},
		{"many fields of cookies", "Cookie", again(access + "=x")},
		{"commas", "X-Forwarded-For", []string{repeatText("", ",", "")}},
		{"addresses", "X-Forwarded-For", []string{repeatText("", "1.1.1.1,", "1.1.1.1")}},
		{"an address", "X-Forwarded-For", []string{repeatText("", "1:", "1")}},
		{"many fields of addresses", "X-Forwarded-For", again("192.0.2.1")},
		{"marks", "User-Agent", []string{repeatText("", "\u202e", "")}},
		{"an origin", "Origin", []string{repeatText("https://", "x", "")}},
		{"an origin of escapes", "Origin", []string{repeatText("https://", "%41", "")}},
		{"a CSRF token", "X-Csrftoken", []string{repeatText("", "x", "")}},
		{"parameters", "Content-Type", []string{repeatText("application/json", `;a=""`, "")}},
		{"quotes", "Content-Type", []string{repeatText("application/json", `"`, "")}},
		{"a charset", "Content-Type", []string{repeatText("application/json; charset=", "x", "")}},
		{"a boundary", "Content-Type", []string{repeatText("multipart/form-data; boundary=", "x", "")}},
	}
}

// The test limits the memory that reading a body allocates: what allocates many times the body also takes time. It is not parallel,
// as it counts bytes.
func TestBody_GarbageAllocatesLittle(t *testing.T) {
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
			w := postBody(view, g.contentType, g.text)
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
