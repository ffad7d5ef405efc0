// Package sys wraps the kernel's interfaces and is the only importer of x/sys/unix. Each function
// is one thin step (a system call, an ioctl, a file below /proc or /sys) and names its man page or
// kernel source. Callers decide what a result means.
package sys
