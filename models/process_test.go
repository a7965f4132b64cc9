package models_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libtnb/sqlite"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/go-simplejwt/simplejwt"
	"github.com/go-simplejwt/simplejwt/core"
	"github.com/go-simplejwt/simplejwt/models"
)

// A test starts its own binary again as a second process, which serves one task: it reads a line, works, and answers a
// line, until its input ends. Such tests run with TEST_FULL=1 only.
const (
	processTask    = "MODELS_TEST_CHILD"
	processDialect = "MODELS_TEST_DIALECT"
	processDSN     = "MODELS_TEST_DSN"

	taskMigrate = "migrate"
	taskRace    = "race"
	taskRotate  = "rotate"
	taskLogin   = "login"
	taskFlush   = "flush"

	// processClients is how many goroutines, each on a pool of its own, a second process works with.
	processClients = 4
)

// process is a running second process.
type process struct {
	in  io.Writer
	out *bufio.Reader
}

// startProcess starts a second process on the database; it ends with the test.
func startProcess(t testing.TB, task string, d database) *process {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), processTask+"="+task, processDialect+"="+d.name, processDSN+"="+d.dsn)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	requireNoError(t, err)
	out, err := command.StdoutPipe()
	requireNoError(t, err)
	requireNoError(t, command.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = command.Wait()
	})
	c := &process{in: in, out: bufio.NewReader(out)}
	if got := c.receive(t); got != "ready" {
		t.Fatalf("the second process says %q", got)
	}
	return c
}

func (c *process) send(t testing.TB, line string) {
	t.Helper()
	_, err := fmt.Fprintln(c.in, line)
	requireNoError(t, err)
}

func (c *process) receive(t testing.TB) string {
	t.Helper()
	line, err := c.out.ReadString('\n')
	if err != nil {
		t.Fatalf("the second process ended: %v", err)
	}
	return strings.TrimSpace(line)
}

// runProcess is the main function of the second process.
func runProcess() int {
	pools := make([]*gorm.DB, processClients)
	for i := range pools {
		dialector := sqlite.Open(os.Getenv(processDSN))
		if os.Getenv(processDialect) == "PostgreSQL" {
			dialector = postgres.Open(os.Getenv(processDSN))
		}
		db, err := connectDB(dialector)
		if err != nil {
			fmt.Println("cannot connect")
			return 1
		}
		pools[i] = db
	}
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		answer, err := runTask(ctx, os.Getenv(processTask), lines.Text(), pools)
		cancel()
		if err != nil {
			answer = "error: " + err.Error()
		}
		fmt.Println(answer)
	}
	return 0
}

// runTask does a task on all pools at once and returns how often it succeeded.
func runTask(ctx context.Context, task, argument string, pools []*gorm.DB) (string, error) {
	var successes atomic.Int64
	errs := make([]error, len(pools))
	var group sync.WaitGroup
	for i, db := range pools {
		group.Go(func() {
			var n int
			switch task {
			case taskMigrate:
				n, errs[i] = 1, models.AutoMigrate(ctx, db, &account{})
			case taskRace:
				var ok bool
				_, ok, errs[i] = models.NewStore(db).Rotate(ctx, newRotation(argument))
				if ok {
					n = 1
				}
			case taskLogin:
				n, errs[i] = logInConcurrently(ctx, db, argument)
			case taskFlush:
				n, errs[i] = models.NewStore(db).FlushExpired(ctx, now)
				if errors.Is(errs[i], core.ErrFlushRunning) {
					errs[i] = nil
				}
			case taskRotate:
				n, errs[i] = rotateUntilEnded(ctx, models.NewStore(db), argument)
			}
			successes.Add(int64(n))
		})
	}
	group.Wait()
	return fmt.Sprint(successes.Load()), errors.Join(errs...)
}

// rotateUntilEnded is a client that rotates, from the latest token where another client was faster, until its session has
// ended. It returns how often it rotated.
func rotateUntilEnded(ctx context.Context, store core.Store, session string) (int, error) {
	rotations := 0
	for jti := session; ; {
		next := newRotation(jti)
		_, ok, err := store.Rotate(ctx, next)
		if err != nil {
			return rotations, err
		}
		if ok {
			rotations++
			jti = next.NewJTI
			continue
		}
		state, err := store.State(ctx, jti, session)
		if err != nil || state.Latest == nil || state.Latest.Blacklisted {
			return rotations, err
		}
		jti = state.Latest.JTI
	}
}

const (
	sessionLimit = 3
	loginsAtOnce = 8
	liveSessions = `SELECT count(DISTINCT COALESCE(o.session_id, o.jti)) FROM token_blacklist_outstandingtoken o
		WHERE o.user_id = ? AND NOT EXISTS (SELECT 1 FROM token_blacklist_blacklistedtoken b WHERE b.token_id = o.id)`
	limitedLogins = `SELECT count(*) FROM token_blacklist_blacklistedtoken WHERE reason = 'limit'`
)

// logInConcurrently logs a user in from several clients at once, under a limit of sessions, and returns how often.
func logInConcurrently(ctx context.Context, db *gorm.DB, userID string) (int, error) {
	auth, err := core.New(
		simplejwt.Settings{SigningKey: strings.Repeat("k", 32), MaxSessionsPerUser: sessionLimit},
		core.Deps{Users: models.NewUsers[account](db), Store: models.NewStore(db), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, err
	}
	id, err := strconv.ParseInt(userID, 10, 64)
	if err != nil {
		return 0, err
	}
	errs := make([]error, loginsAtOnce)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			_, errs[i] = auth.Login(ctx, &account{ID: id, IsActive: true})
		})
	}
	group.Wait()
	return loginsAtOnce, errors.Join(errs...)
}
