# Short names for the commands of CONTRIBUTING.md.
.PHONY: test short full lint bench fuzz ci

test: # README's command
	go test ./...

short: # seconds: no PostgreSQL, no second processes
	go test -short ./...

full: # the end-to-end tests with all rounds, and Chromium
	.ci/run full

lint:
	.ci/run format vet tidy lint

bench: # the benchmarks beside peers
	cd bench && go run .

fuzz:
	.ci/run fuzz

ci: # everything
	.ci/run
