package sys

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ClockTick opens a cpu-clock perf event that fires every period nanoseconds
// on one core and runs the BPF program there, in the timer's interrupt
// (perf_event_open(2)). Closing the descriptor ends it.
func ClockTick(cpu int, period uint64, progFD int) (*os.File, error) {
	attr := unix.PerfEventAttr{
		Type:   unix.PERF_TYPE_SOFTWARE,
		Config: unix.PERF_COUNT_SW_CPU_CLOCK,
		Size:   uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Sample: period,
		Bits:   unix.PerfBitDisabled,
	}
	fd, err := unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cpu-clock event on cpu %d: %w", cpu, err)
	}
	f := os.NewFile(uintptr(fd), "cpu-clock")
	for _, step := range []struct {
		request uint
		value   int
	}{{unix.PERF_EVENT_IOC_SET_BPF, progFD}, {unix.PERF_EVENT_IOC_ENABLE, 0}} {
		if err := unix.IoctlSetInt(fd, step.request, step.value); err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("cpu-clock event on cpu %d: %w", cpu, err)
		}
	}
	return f, nil
}

// StackSampler notes the call stacks of whatever runs on one core, in the timer's interrupt (perf_event_open(2), cpu-clock). It
// writes into memory that is read when it is disabled: nobody wakes up meanwhile. The kernel takes it away with the descriptor.
type StackSampler struct {
	file   *os.File
	memory []byte // one page of struct perf_event_mmap_page, then the records
}

// OpenStackSampler opens a sampler for one core, which is disabled, with room for at least that many octets of records. It needs
// Linux 6.0 and CAP_PERFMON.
func OpenStackSampler(cpu int, period time.Duration, octets int) (*StackSampler, error) {
	page := os.Getpagesize()
	size := page
	for size < octets {
		size *= 2
	}
	attr := unix.PerfEventAttr{
		Type:        unix.PERF_TYPE_SOFTWARE,
		Config:      unix.PERF_COUNT_SW_CPU_CLOCK,
		Size:        uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Sample:      uint64(period),
		Sample_type: unix.PERF_SAMPLE_TID | unix.PERF_SAMPLE_CALLCHAIN,
		Read_format: unix.PERF_FORMAT_LOST,
		Bits:        unix.PerfBitDisabled | unix.PerfBitWatermark,
		Wakeup:      uint32(size - 1),
	}
	fd, err := unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("sample stacks on cpu %d: perf_event_open: %w", cpu, err)
	}
	s := &StackSampler{file: os.NewFile(uintptr(fd), "stacks")}
	if s.memory, err = unix.Mmap(fd, 0, page+size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return nil, errors.Join(fmt.Errorf("sample stacks on cpu %d: %d octets: mmap: %w", cpu, size, err), s.file.Close())
	}
	return s, nil
}

// Enable begins.
func (s *StackSampler) Enable() error { return s.set(unix.PERF_EVENT_IOC_ENABLE) }

// Disable ends it.
func (s *StackSampler) Disable() error { return s.set(unix.PERF_EVENT_IOC_DISABLE) }

func (s *StackSampler) set(request uint) error {
	return os.NewSyscallError("ioctl of cpu-clock", unix.IoctlSetInt(int(s.file.Fd()), request, 0))
}

// Records returns all records that were written, as perf_event_open(2) describes them: valid until Close.
func (s *StackSampler) Records() []byte {
	about := (*unix.PerfEventMmapPage)(unsafe.Pointer(&s.memory[0]))
	return s.memory[about.Data_offset:][:atomic.LoadUint64(&about.Data_head)]
}

// Lost returns how many records there was no room for.
func (s *StackSampler) Lost() (uint64, error) {
	var value [16]byte // the time, and the count
	if _, err := s.file.Read(value[:]); err != nil {
		return 0, fmt.Errorf("read cpu-clock: %w", err)
	}
	return binary.NativeEndian.Uint64(value[8:]), nil
}

// Close takes the sampler away.
func (s *StackSampler) Close() error {
	return errors.Join(os.NewSyscallError("munmap", unix.Munmap(s.memory)), s.file.Close())
}
