package models

// FlushLock is the key of the advisory lock of the flush.
const FlushLock = int64(flushLock)
