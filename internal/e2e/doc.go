// Package e2e tests the example program from outside, as a client or a browser meets it: over HTTP, in processes of its own, with the
// database looked at afterwards. It has tests only. They need nothing of the example's code: the program is built once, at the first test
// that starts it, with the race detector if the tests have it.
//
// # What is where
//
//   - TestServe, TestCommands: the program's commands, what they print, how it stops.
//   - TestSessions, TestChangePassword, TestOAuthErrors: a user's sessions, on each framework.
//   - TestDifferences: each row of README's table "Differences from SimpleJWT".
//   - TestStorm: many clients against two processes on one database, with lost answers, killed processes and outages.
//   - TestBrowser: the example's page and the client for browsers, in Chromium.
//
// The recorded answers of SimpleJWT are replayed in package example_app, in process.
//
// # How much runs
//
// By default the tests are quick: of the storms only a short race runs, and no browser. With TEST_FULL=1 everything runs, and a missing
// program is a failure. With -short there is no PostgreSQL and no second process on a database. See internal/testlevel.
package e2e
