// Bench measures this library beside its peers in one run, and prints ratios.
//
//	go run . [-rounds 6] [-quick] [part ...]
//
// Without parts it measures all of them: see packages requests and database.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/go-simplejwt/simplejwt/bench/database"
	"github.com/go-simplejwt/simplejwt/bench/requests"
)

func main() {
	rounds := flag.Int("rounds", 6, "rounds, of which the medians are printed")
	quick := flag.Bool("quick", false, "one short round of everything, to see that it works")
	flag.Parse()
	if err := runParts(*rounds, *quick, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// runParts measures the named parts, or all of them if none is named. Ctrl-C ends it.
func runParts(rounds int, quick bool, parts []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := requests.Run(ctx, os.Stdout, requests.Options{Rounds: rounds, Quick: quick, Parts: parts}); err != nil {
		return err
	}
	return database.Run(ctx, os.Stdout, database.Options{Rounds: rounds, Quick: quick, Parts: parts})
}
