package e2e

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"unsafe"

	"github.com/go-simplejwt/simplejwt/internal/testlevel"
)

// TestStorm_FullDisk takes the room to write from both processes, in two ways, and gives it back: no session may be lost.
func TestStorm_FullDisk(t *testing.T) {
	t.Parallel()
	testlevel.SkipUnlessFull(t)
	t.Run("the limit of file sizes is 0", func(t *testing.T) {
		t.Parallel()
		s := newStorm(t, withGrace, newSQLite(t))
		limitAll := func(bytes uint64) {
			for i := range s.processes {
				if err := limitFileSize(s.processes[i].Load().cmd.Process.Pid, bytes); err != nil {
					t.Fatalf("limit the files of a process: %v", err)
				}
			}
		}
		wantRecovery(t, s, func() { limitAll(0) }, func() { limitAll(math.MaxUint64) })
	})
	t.Run("the disk is full", func(t *testing.T) {
		t.Parallel()
		disk := mountSmallDisk(t)
		s := newStorm(t, withGrace, "sqlite://"+filepath.Join(disk, "storm.sqlite3"))
		filler := filepath.Join(disk, "filler")
		wantRecovery(t, s, func() {
			// The log must grow for the next write: what it has is not there to be used again.
			if _, err := s.pool.ExecContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filler, make([]byte, diskSize), 0o600); !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("filling the disk ended with %v, want ENOSPC", err)
			}
		}, func() {
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
		})
	})
}

// wantRecovery has clients refresh before, while and after there is no room to write.
func wantRecovery(t *testing.T, s *storm, fill, empty func()) {
	t.Helper()
	clients := startRefreshers(s, 3, http.StatusOK)
	s.await(20)
	clients.stop()
	fill()
	clients.start(http.StatusServiceUnavailable)
	s.await(20)
	clients.stop()
	empty()
	wantStatuses(t, clients.wantActive(), http.StatusOK, http.StatusServiceUnavailable)
}

// limitFileSize sets how large, in bytes, a running process can make a file.
func limitFileSize(pid int, bytes uint64) error {
	limit := syscall.Rlimit{Cur: bytes, Max: math.MaxUint64} // the hard limit stays: none
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// diskSize is the size of the small disk in bytes.
const diskSize = 32 << 20

// mountSmallDisk mounts a small file system in memory, where that is allowed.
func mountSmallDisk(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, fmt.Sprintf("size=%d", diskSize)); err != nil {
		t.Skipf("a small disk cannot be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			t.Errorf("unmount the small disk: %v", err)
		}
	})
	return folder
}
