// Package sys is the edge to the kernel: the only importer of x/sys/unix. Each
// function is one thin step (a system call, an ioctl, a file below /proc or
// /sys) with its man page or kernel source named; what the steps mean is
// decided by its callers.
package sys
