package pgtest

import "syscall"

// memoryNeeded is the free memory, in bytes, that makes a file system in it a
// place for a cluster. A few dozen databases take half of it; Docker's default
// of 64 MiB would be too little.
const memoryNeeded = 1 << 30

// memoryFolder returns the folder of Linux's file system in memory, or "" if
// it has too little room. Where the disk is slow at making files, a database
// is created there ten times as fast: 20 ms instead of 250 ms.
func memoryFolder() string {
	const folder = "/dev/shm"
	var fs syscall.Statfs_t
	if err := syscall.Statfs(folder, &fs); err != nil {
		return ""
	}
	if fs.Bavail*uint64(fs.Bsize) < memoryNeeded {
		return ""
	}
	return folder
}
