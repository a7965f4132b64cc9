package jose

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-simplejwt/simplejwt"
)

func TestClaims(t *testing.T) {
	t.Parallel()
	claims := goodClaims(t, "null=null")
	t.Run("null is not nothing", func(t *testing.T) {
		if !claims.Has("null") || claims.Get("null").Value() != nil || claims.Has("none") || claims.Get("none").Value() != nil {
			t.Error("a claim that is null and none at all are the same")
		}
	})
	t.Run("they keep their order", func(t *testing.T) {
		changed := claims.Clone()
		changed.Set("iat", "now")
		changed.Set("last", int64(1))
		changed.Put(*claims.Get("exp"))
		changed.Delete("null")
		var names []string
		for claim := range changed.All() {
			names = append(names, claim.Name())
		}
		if diff := cmp.Diff([]string{"exp", "iat", "jti", "token_type", "user_id", "last"}, names); diff != "" {
			t.Errorf("names (-want +got):\n%s", diff)
		}
	})
	t.Run("a map of them is a copy", func(t *testing.T) {
		claims.Map()["jti"] = "two"
		want := simplejwt.Claims{
			"exp": json.Number(unixAt(300)), "iat": json.Number(unixAt(0)), "jti": "one", "null": nil, "token_type": "access", "user_id": "1",
		}
		if diff := cmp.Diff(want, claims.Map()); diff != "" {
			t.Errorf("claims (-want +got):\n%s", diff)
		}
	})
	t.Run("a clone is a copy", func(t *testing.T) {
		clone := claims.Clone()
		clone.Set("jti", "two")
		clone.DeleteFunc(func(name string) bool { return name != "jti" })
		if !claims.Get("jti").Is("one") || !claims.Has("exp") {
			t.Errorf("claims %v", claims.Map())
		}
	})
	t.Run("the zero value has none", func(t *testing.T) {
		var none Claims
		none.Delete("jti")
		if none.Has("jti") || len(none.Map()) > 0 {
			t.Errorf("claims %v", none.Map())
		}
	})
}

func TestSign_KeepsClaimsAsRead(t *testing.T) {
	t.Parallel()
	const read = `{"a":"\u00e9\/","b":1.10,"":null,"é":[ 1, {"x":"\ud800"} ]}`
	c := newCodec(t)
	claims := mustVerify(t, c, signPayload(read))
	if got := decodePart(t, mustSign(t, c, claims), 1); got != read {
		t.Errorf("payload %s, want %s", got, read)
	}
	set := NewClaims(1)
	for _, value := range []any{"<&>\n\"é\x7f", int64(-1), 2, true, nil, []string{"x"}, map[string]any{"y": 1.5}, json.Number("1.10")} {
		set.Set(string(rune('a'+len(set.list))), value)
	}
	const want = `{"a":"<&>\n\"é` + "\x7f" + `","b":-1,"c":2,"d":true,"e":null,"f":["x"],"g":{"y":1.5},"h":1.10}`
	if got := decodePart(t, mustSign(t, c, set), 1); got != want {
		t.Errorf("payload %s, want %s", got, want)
	}
}
