package main

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
)

// TestStormASessionGoesOnWhenThereIsRoomAgainForSQLite takes the room to write away from both processes, in two ways, and
// gives it back.
func TestStormASessionGoesOnWhenThereIsRoomAgainForSQLite(t *testing.T) {
	t.Parallel()
	t.Run("whose files may have no bytes", func(t *testing.T) {
		t.Parallel()
		s := newStorm(t, stormGrace, sqliteDSN(t))
		limitFiles := func(bytes uint64) {
			for i := range s.processes {
				if err := limitFiles(s.processes[i].Load().pid, bytes); err != nil {
					t.Fatalf("limit the files of a process: %v", err)
				}
			}
		}
		wantRoomAgain(t, s, func() { limitFiles(0) }, func() { limitFiles(math.MaxUint64) })
	})
	t.Run("whose disk is full", func(t *testing.T) {
		t.Parallel()
		disk := smallDisk(t)
		s := newStorm(t, stormGrace, "sqlite://"+filepath.Join(disk, "storm.sqlite3"))
		filler := filepath.Join(disk, "filler")
		wantRoomAgain(t, s, func() {
			// The log must grow for the next write: what it has is not there to be used again.
			if _, err := s.srv.DB().ExecContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filler, make([]byte, diskSize), 0o600); !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("filling the disk ended with %v, want that it is full", err)
			}
		}, func() {
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
		})
	})
}

// wantRoomAgain has clients refresh before, while and after there is no room.
func wantRoomAgain(t *testing.T, s *storm, fill, empty func()) {
	t.Helper()
	clients := roam(s, 3, http.StatusOK)
	s.await(20)
	clients.stop()
	fill()
	clients.roam(http.StatusServiceUnavailable)
	s.await(20)
	clients.stop()
	empty()
	wantSome(t, clients.wantGoOn(), http.StatusOK, http.StatusServiceUnavailable)
}

// limitFiles sets at which size of a file a running process can write no more.
func limitFiles(pid int, bytes uint64) error {
	limit := syscall.Rlimit{Cur: bytes, Max: math.MaxUint64} // the hard limit stays: none
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

const diskSize = 32 << 20

// smallDisk mounts a small file system in memory, where that is allowed.
func smallDisk(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, fmt.Sprintf("size=%d", diskSize)); err != nil {
		t.Skipf("no small disk can be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			t.Errorf("unmount the small disk: %v", err)
		}
	})
	return folder
}
