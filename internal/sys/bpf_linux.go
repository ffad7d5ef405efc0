package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// testRun is the BPF_PROG_TEST_RUN arm of union bpf_attr (linux/bpf.h).
type testRun struct {
	progFD, retval             uint32
	dataSizeIn, dataSizeOut    uint32
	dataIn, dataOut            uint64
	repeat, duration           uint32
	ctxSizeIn, ctxSizeOut      uint32
	ctxIn, ctxOut              uint64
	flags, cpu, batch, padding uint32
}

// xdpLiveFrames is BPF_F_TEST_XDP_LIVE_FRAMES, kernel 5.18 (linux/bpf.h).
const xdpLiveFrames = 1 << 1

// RunLive runs an XDP program on copies of frame, batch copies at a time, and the kernel carries
// out the program's verdicts (redirect, pass, drop). The call stays in the kernel for about 2^32
// runs. A signal to the calling thread interrupts it; RunLive then returns EINTR unwrapped, and
// the caller can retry.
func RunLive(progFD int, frame []byte, batch int) error {
	attr := testRun{
		progFD:     uint32(progFD),
		dataSizeIn: uint32(len(frame)),
		dataIn:     uint64(uintptr(unsafe.Pointer(&frame[0]))),
		repeat:     ^uint32(0),
		flags:      xdpLiveFrames,
		batch:      uint32(batch),
	}
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_TEST_RUN, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return errno
	}
	return nil
}
