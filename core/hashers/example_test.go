package hashers_test

import (
	"context"
	"fmt"

	"github.com/go-simplejwt/simplejwt/core/hashers"
)

func Example() {
	ctx := context.Background()
	passwords, err := hashers.New(hashers.Options{Preferred: "argon2"})
	if err != nil {
		fmt.Println(err)
		return
	}

	// A row that Django wrote. The password is right, and should be stored in the preferred format.
	const row = "pbkdf2_sha256$1000$Yk3nq0XvTz81sPbLmWcD7a$qEy51cg99n5LB4T4+GGhRX6OpEn0q1ROYvp51+ZRrH0="
	ok, upgrade, err := passwords.Check(ctx, "correct horse battery staple", row)
	fmt.Println(ok, upgrade, err)

	encoded, err := passwords.Make(ctx, "correct horse battery staple")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(passwords.Check(ctx, "correct horse battery staple", encoded))
	fmt.Println(passwords.Check(ctx, "wrong", encoded))

	// There is no such user. The time of the answer must not show that.
	fmt.Println(passwords.Dummy(ctx, "correct horse battery staple"))
	// Output:
	// true true <nil>
	// true false <nil>
	// false false <nil>
	// <nil>
}
