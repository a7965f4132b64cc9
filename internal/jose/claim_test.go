package jose

import (
	"encoding/json"
	"testing"
	"time"
)

func TestClaim_Time(t *testing.T) {
	t.Parallel()
	at := noon().Unix()
	for value, want := range map[any]int64{ // 0 for no time
		at: at, int(at): at, json.Number(unixAt(1)): at + 1, json.Number(unixAt(0) + ".9"): at, nil: 0, "4102444800": 0, true: 0, 1e10: 0,
		json.Number("1e400"): 0, int64(1) << 60: 0,
	} {
		var claims Claims
		claims.Set("x", value)
		got, ok := claims.Get("x").Time()
		if ok != (want != 0) || ok && (got.Unix() != want || got.Location() != time.UTC) {
			t.Errorf("%v (%T) is %v, %t, want %d", value, value, got, ok, want)
		}
	}
	if _, ok := (*Claim)(nil).Time(); ok {
		t.Error("a claim that is not there has a time")
	}
}

func TestClaim_Text_LoneSurrogate(t *testing.T) {
	t.Parallel()
	claims := mustVerify(t, newCodec(t), signPayload(goodPayload(`name="\ud800"`, `list=["\ud800"]`)))
	name := claims.Get("name")
	if text, ok := name.Text(); ok || text != "" || name.IsText() || name.Is("\ufffd") {
		t.Errorf("it is the text %q", text)
	}
	if name.Value() != "\ufffd" {
		t.Errorf("the application gets %q, want the replacement character", name.Value())
	}
}
