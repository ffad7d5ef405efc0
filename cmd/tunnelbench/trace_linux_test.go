package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	signals "os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reports/waterfall"
)

// object is something of BPF in the kernel: what fdinfo calls it (proc_pid_fdinfo(5)), and its number, which the
// kernel does not give again soon.
type object struct {
	kind string
	id   uint32
}

// name returns the name of a program or a map that a process holds. The error is os.ErrNotExist when the object is gone.
func (o object) name() (string, error) {
	switch o.kind {
	case "prog_id":
		p, err := ebpf.NewProgramFromID(ebpf.ProgramID(o.id))
		if err != nil {
			return "", err
		}
		defer p.Close()
		info, err := p.Info()
		if err != nil {
			return "", err
		}
		return info.Name, nil
	case "map_id":
		m, err := ebpf.NewMapFromID(ebpf.MapID(o.id))
		if err != nil {
			return "", err
		}
		defer m.Close()
		info, err := m.Info()
		if err != nil {
			return "", err
		}
		return info.Name, nil
	}
	l, err := link.NewFromID(link.ID(o.id))
	if err != nil {
		return "", err
	}
	return "", l.Close()
}

// exists reports whether the object is still there. It does not open a map: a map of programs whose last descriptor is closed while the kernel
// still empties it, because the one before was closed, is never freed (prog_array_map_clear in kernel/bpf/arraymap.c).
func (o object) exists() bool {
	switch o.kind {
	case "prog_id":
		next, err := ebpf.ProgramGetNextID(ebpf.ProgramID(o.id - 1))
		return err == nil && uint32(next) == o.id
	case "map_id":
		next, err := ebpf.MapGetNextID(ebpf.MapID(o.id - 1))
		return err == nil && uint32(next) == o.id
	}
	_, err := o.name()
	return !errors.Is(err, os.ErrNotExist)
}

// vanishes reports whether the object goes away. A busy kernel takes its time: a map is free when its programs are, two grace
// periods after they were last in use.
func (o object) vanishes() bool {
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit); time.Sleep(10 * time.Millisecond) {
		if !o.exists() {
			return true
		}
	}
	return false
}

// session is a program that a test runs, with all that it starts.
type session struct{ mark string }

// processes returns those that have the session's mark in their environment.
func (s session) processes() (pids []string) {
	paths, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range paths {
		if env, err := os.ReadFile(path); err == nil && bytes.Contains(env, []byte(s.mark)) {
			pids = append(pids, strings.Split(path, "/")[2])
		}
	}
	return pids
}

// objects returns what the session's processes hold by descriptors.
func (s session) objects() (held []object) {
	for _, pid := range s.processes() {
		infos, _ := filepath.Glob("/proc/" + pid + "/fdinfo/*")
		for _, info := range infos {
			text, _ := os.ReadFile(info)
			for line := range strings.Lines(string(text)) {
				var o object
				if n, _ := fmt.Sscanf(line, "%s\t%d", &o.kind, &o.id); n == 2 {
					o.kind = strings.TrimSuffix(o.kind, ":")
					if slices.Contains([]string{"prog_id", "map_id", "link_id"}, o.kind) {
						held = append(held, o)
					}
				}
			}
		}
	}
	return held
}

// namespaces returns the network namespaces that the session's processes are in or have open, but for the test's own.
func (s session) namespaces() (held []string) {
	own, _ := os.Readlink("/proc/self/ns/net")
	for _, pid := range s.processes() {
		paths, _ := filepath.Glob("/proc/" + pid + "/fd/*")
		for _, path := range append(paths, "/proc/"+pid+"/ns/net") {
			if ns, err := os.Readlink(path); err == nil && strings.HasPrefix(ns, "net:[") && ns != own {
				held = append(held, ns)
			}
		}
	}
	return held
}

// inMiddle reports whether the session traces a trial, and for longer than a warm-up lasts: so many events are noted.
func (s session) inMiddle() bool {
	const events = 4000
	for _, o := range s.objects() {
		if name, err := o.name(); o.kind != "map_id" || err != nil || name != "events" {
			continue
		}
		m, err := ebpf.NewMapFromID(ebpf.MapID(o.id))
		if err != nil {
			return false
		}
		defer m.Close()
		event := make([]byte, m.ValueSize())
		return m.Lookup(uint32(events), &event) == nil && slices.Max(event) > 0
	}
	return false
}

// A trace that is ended in its middle, in order or not, leaves nothing in the kernel, no process, no namespace and no mount. If it
// was asked to end, what it has measured is written.
func TestEndedTraceLeavesNothing(t *testing.T) {
	testenv.NetAdmin(t)
	for _, device := range []string{"vxlan", "reference-tun"} {
		for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
			t.Run(device+"_"+signal.String(), func(t *testing.T) { endTrace(t, device, signal) })
		}
	}
}

func endTrace(t *testing.T, device string, signal syscall.Signal) {
	tmp, out := t.TempDir(), t.TempDir()
	cmd, _, errs := program(t, `exec "$@"`, "trace", "--dut", device, "--size", "128", "--load", "5kpps", "--duration", "1m", "--cost", "0",
		"--out", out, "--pcap", filepath.Join(out, "hops.pcapng"), "--wait")
	cmd.Env = append(cmd.Env, "TMPDIR="+tmp)
	taken := make(chan os.Signal, 1)
	signals.Notify(taken, signal) // a program heeds what its parent does not ignore
	err := cmd.Start()
	signals.Stop(taken)
	if err != nil {
		t.Fatal(err)
	}
	s := session{"TMPDIR=" + tmp}
	t.Cleanup(func() { cmd.Process.Kill() })
	if !eventually(s.inMiddle) {
		t.Fatalf("nothing was traced: %s", errs)
	}
	held, namespaces := s.objects(), s.namespaces()
	var names []string
	for _, o := range held {
		name, err := o.name()
		if err != nil {
			t.Fatal(o, err)
		}
		names = append(names, o.kind+" "+name)
	}
	for _, want := range []string{"prog_id freed", "prog_id arrived", "prog_id pass", "map_id events", "link_id "} {
		if !slices.Contains(names, want) {
			t.Errorf("no %s in %v", want, names)
		}
	}
	if len(namespaces) < 3 {
		t.Errorf("namespaces %v", namespaces)
	}
	if err := cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	code := exitStatus(t, cmd)
	for i, o := range held {
		if !o.vanishes() {
			t.Errorf("%s %d is left", names[i], o.id)
		}
	}
	if !eventually(func() bool { return len(s.processes()) == 0 }) {
		t.Errorf("processes %v are left", s.processes())
	}
	mounts := read(t, "/proc/self/mountinfo")
	for _, ns := range namespaces {
		if strings.Contains(mounts, ns) {
			t.Errorf("%s is mounted", ns)
		}
	}
	left, err := os.ReadDir(tmp)
	if signal == syscall.SIGKILL {
		return
	}
	if code != cli.ExitNoVerdict || strings.Count(errs.String(), "\n") != 1 || !strings.Contains(errs.String(), "interrupted, ended by SIGINT") || len(left) > 0 || err != nil {
		t.Errorf("exit %d, %q, left %v, %v", code, errs, left, err)
	}
	partlyTraced(t, out)
}

// partlyTraced checks what a trace wrote that was ended in its middle.
func partlyTraced(t *testing.T, out string) {
	t.Helper()
	traced, err := waterfall.Parse(strings.NewReader(read(t, filepath.Join(out, "trace.json"))), "trace.json")
	if err != nil {
		t.Fatal(err)
	}
	if s := traced.Streams[0]; s.Followed < 100 || s.Delivered < 100 || traced.Duration >= 60 || len(traced.Warnings) == 0 {
		t.Errorf("followed %d, delivered %d in %v s, warnings %v", s.Followed, s.Delivered, traced.Duration, traced.Warnings)
	}
	for _, name := range []string{"trace.html", "hops.pcapng"} {
		if about, err := os.Stat(filepath.Join(out, name)); err != nil || about.Size() == 0 {
			t.Error(name, err)
		}
	}
}
