# Calls of what exists; see CONTRIBUTING.md.
.PHONY: test short lint bench fuzz ci

test:
	go test -timeout 20m ./...

short:
	go test ./core ./views ./ginjwt ./echojwt ./stdjwt

lint:
	gofmt -l .
	go vet ./...
	golangci-lint run ./...

bench:
	cd bench && go run .

fuzz:
	go test ./internal/jose -run '^$$' -fuzz FuzzAgainstReference -fuzztime 50000x

ci:
	.ci/run
