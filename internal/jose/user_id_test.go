package jose

import "testing"

func TestClaim_UserID(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]struct {
		id                string
		present, unusable bool
	}{
		`"1"`:                      {"1", true, false},
		`1`:                        {"1", true, false},
		`"01"`:                     {"01", true, false},
		`"\u0031"`:                 {"1", true, false},
		`"1\u0000"`:                {"1\x00", true, false},
		`-1`:                       {"-1", true, false},
		`123456789012345678901234`: {"123456789012345678901234", true, false},
		`1.0`:                      {"", true, false}, // Python would find user 1
		`1e0`:                      {"", true, false},
		`1E+400`:                   {"", true, true},
		`0.5`:                      {"", true, false},
		`true`:                     {"", true, false},
		`[1]`:                      {"", true, true},
		`{"id":1}`:                 {"", true, true},
		`"1\ud800"`:                {"", true, true},
		`0`:                        {"", false, false}, // what Python calls false is nobody's
		`-0.0`:                     {"", false, false},
		`""`:                       {"", false, true},
		`false`:                    {"", false, false},
		`null`:                     {"", false, false},
		`[]`:                       {"", false, true},
		`{}`:                       {"", false, true},
		``:                         {"", false, false}, // no claim
	} {
		claim := goodClaims(t, "user_id="+value)
		id, present := claim.Get("user_id").UserID()
		if unusable := claim.Get("user_id").IsUnusableUserID(); id != want.id || present != want.present || unusable != want.unusable {
			t.Errorf("%s: id %q, present %t, unusable %t, want %v", value, id, present, unusable, want)
		}
	}
}
