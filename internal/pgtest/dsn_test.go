package pgtest

import (
	"context"
	"os"
	"testing"
)

func TestDatabase(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, dsn, want string
	}{
		{"that of a URL is replaced", "postgres://a:b%2Fc@h:1/old?sslmode=disable", "postgres://a:b%2Fc@h:1/new?sslmode=disable"},
		{"a URL without one gets it", "postgresql://h", "postgresql://h/new"},
		{"that of a URL's query is replaced", "postgres://h/?dbname=old&database=old&host=%2Frun", "postgres://h/new?host=%2Frun"},
		{"that of keys and values is replaced", "host=h dbname=old", "host=h dbname=old dbname=new"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := withDatabase(tt.dsn, "new"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDescribeError(t *testing.T) {
	t.Parallel()
	if got, want := describeError(os.ErrInvalid), "the connection failed"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := describeError(context.DeadlineExceeded), "no response in time"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
