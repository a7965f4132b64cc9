package pgtest

import "syscall"

// memoryNeeded is the free space, in bytes, that a file system in memory must
// have for clusters. A few dozen databases take half of it. Docker's default of
// 64 MiB is not enough.
const memoryNeeded = 1 << 30

// memoryFolder returns the folder of Linux's file system in memory, or "" if it
// has too little space. On machines with a slow disk a database is created
// there in 20 ms instead of 250 ms.
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
