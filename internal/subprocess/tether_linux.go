package subprocess

import "syscall"

// tether makes the kernel end a program with the thread that has started it (prctl(2), PR_SET_PDEATHSIG).
func tether(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
