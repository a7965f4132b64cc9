//go:build unix

package browsertest

import (
	"os/exec"
	"syscall"
)

// setGroup makes a program the head of a process group, as browsers start others.
func setGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup ends a program and all that it has started.
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
