// Bench measures this library beside its peers, all in one run, and prints ratios.
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
	if err := run(*rounds, *quick, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run measures the parts that are named, all where none is.
func run(rounds int, quick bool, parts []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := requests.Run(ctx, os.Stdout, requests.Options{Rounds: rounds, Quick: quick, Parts: parts}); err != nil {
		return err
	}
	return database.Run(ctx, os.Stdout, database.Options{Rounds: rounds, Quick: quick, Parts: parts})
}
