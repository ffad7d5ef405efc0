package stacks

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// unknown is a function that nothing names.
const unknown = "[unknown]"

// resolver names what a sample has, by /proc and the files of programs. It remembers what it has read.
type resolver struct {
	sides     map[int]string // of the device's processes
	kernel    table
	processes map[int][]mapping
	modules   map[string]*module // by the file of their mapping; nil: it is no ELF file, or is gone
	tasks     map[int]task
	frames    map[frame]string
}

// frame is an address in a process; process 0 is the kernel.
type frame struct {
	pid     int
	address uint64
}

func newResolver(kernel table, sides map[int]string) *resolver {
	return &resolver{
		sides: sides, kernel: kernel, processes: map[int][]mapping{}, modules: map[string]*module{}, tasks: map[int]task{}, frames: map[frame]string{},
	}
}

func (r *resolver) names() names {
	return names{
		kernel: func(address uint64) string { return r.remember(frame{0, address}, r.kernelName) },
		user:   func(pid int, address uint64) string { return r.remember(frame{pid, address}, r.userName) },
		task:   r.task,
	}
}

func (r *resolver) remember(f frame, find func(frame) string) string {
	name, ok := r.frames[f]
	if !ok {
		name = find(f)
		r.frames[f] = name
	}
	return name
}

func (r *resolver) kernelName(f frame) string {
	if name, ok := r.kernel.name(f.address); ok {
		return name
	}
	return unknown
}

// userName returns a function; the file and the offset in it if nothing names the function.
func (r *resolver) userName(f frame) string {
	code, ok := r.processes[f.pid]
	if !ok {
		code = mappingsOfProcess(f.pid)
		r.processes[f.pid] = code
	}
	i := slices.IndexFunc(code, func(m mapping) bool { return m.start <= f.address && f.address < m.end })
	if i < 0 {
		return unknown
	}
	m := code[i]
	if !strings.HasPrefix(m.path, "/") {
		return orUnknown(m.path) // [vdso], or code that was made at run time
	}
	offset := f.address - m.start + m.offset
	if module := r.module(f.pid, m); module != nil {
		if name, ok := module.name(offset); ok {
			return name
		}
	}
	return fmt.Sprintf("%s+0x%x", filepath.Base(m.path), offset)
}

func orUnknown(name string) string {
	if name == "" {
		return unknown
	}
	return name
}

// mappingsOfProcess returns none of a process that is gone.
func mappingsOfProcess(pid int) []mapping {
	f, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return nil
	}
	defer f.Close()
	code, _ := mappingsOf(f)
	return code
}

// module reads the file of a mapping as the process has it, even if it was deleted or lies in another file system's view.
func (r *resolver) module(pid int, m mapping) *module {
	if known, ok := r.modules[m.file]; ok {
		return known
	}
	r.modules[m.file] = nil
	f, err := os.Open(fmt.Sprintf("/proc/%d/map_files/%x-%x", pid, m.start, m.end))
	if err != nil {
		return nil
	}
	defer f.Close()
	if read, err := readModule(f); err == nil {
		r.modules[m.file] = read
	}
	return r.modules[m.file]
}

// task names a thread. One that has ended has the name of its process; a process that has ended is nameless, but the device's.
func (r *resolver) task(pid, tid int) task {
	if t, ok := r.tasks[tid]; ok {
		return t
	}
	side, device := r.sides[pid]
	comm := nameOf(fmt.Sprintf("/proc/%d/task/%d/comm", pid, tid), fmt.Sprintf("/proc/%d/comm", pid))
	t := task{}
	switch {
	case device:
		t = task{name: fmt.Sprintf("%s (%s)", comm, side), user: true}
	case isKernelThread(pid):
		t = task{name: comm}
	}
	r.tasks[tid] = t
	return t
}

func nameOf(paths ...string) string {
	for _, path := range paths {
		if text, err := os.ReadFile(path); err == nil {
			return strings.TrimSuffix(string(text), "\n")
		}
	}
	return unknown
}

// isKernelThread reports whether a process is one of the kernel: only they descend from kthreadd.
func isKernelThread(pid int) bool {
	const kthreadd = "2"
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	return len(fields) > 1 && fields[1] == kthreadd // state, parent
}
