// Package initrd makes what an emulated machine boots from: it finds a kernel of the distribution
// with its modules, packs a program with the libraries that it needs, and writes the initial file
// system, a cpio archive in the "newc" format
// (https://docs.kernel.org/driver-api/early-userspace/buffer-format.html).
package initrd
