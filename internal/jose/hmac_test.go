package jose

import (
	"crypto"
	"encoding/base64"
	"strconv"
	"strings"
	"sync"
	"testing"
)

func TestHMACPool_VerifySum(t *testing.T) {
	t.Parallel()
	p := newHMACPool(crypto.SHA256, []byte("a key of 32 bytes for these tests"))
	sum := string(p.appendSum(nil, "text"))
	if !p.verifySum("text", sum) {
		t.Fatal("the HMAC of the text is rejected")
	}
	if data, _ := base64.RawURLEncoding.DecodeString(sum); len(data) != 32 {
		t.Fatal("an HMAC of another length")
	}
	last := strings.IndexByte(base64Letters, sum[len(sum)-1])
	for name, signature := range map[string]string{
		"an empty signature is rejected":            "",
		"that of another text is rejected":          string(p.appendSum(nil, "texT")),
		"padding is rejected":                       sum + "=",
		"a truncated one is rejected":               sum[:len(sum)-1],
		"a longer one is rejected":                  sum + "A",
		"a line break is rejected":                  sum[:10] + "\n" + sum[10:],
		"other bits in the last letter are noticed": sum[:len(sum)-1] + string(base64Letters[last^1]),
		"a far too long one is rejected":            strings.Repeat(sum, 100),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if p.verifySum("text", signature) {
				t.Errorf("%q is accepted", signature)
			}
		})
	}
}

func TestHMACPool_ConcurrentUse(t *testing.T) {
	t.Parallel()
	p := newHMACPool(crypto.SHA256, []byte("a key of 32 bytes for these tests"))
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			text := strconv.Itoa(i)
			sum := string(newHMACPool(crypto.SHA256, []byte("a key of 32 bytes for these tests")).appendSum(nil, text))
			for range 1000 {
				if !p.verifySum(text, sum) || p.verifySum(text+"x", sum) {
					t.Error("one HMAC disturbs another")
					return
				}
			}
		})
	}
	group.Wait()
}
