//go:build linux

package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
)

// state is what a step has to leave as it was.
type state struct {
	mounts, links, folders []string
	sysctls                map[string]string
}

// sharedFolders are where a program could leave something besides its own folders.
var sharedFolders = []string{"/tmp/tunnelbench*", "/run/tunnelbench*", "/run/netns/*", "/dev/shm/*", "/sys/fs/bpf/*", "/sys/fs/cgroup/tunnelbench*", "/var/tmp/tunnelbench*"}

func observe() (s state, err error) {
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return s, err
	}
	s.mounts = strings.Split(string(text), "\n")
	links, err := netlink.LinkList()
	if err != nil {
		return s, err
	}
	for _, l := range links {
		s.links = append(s.links, l.Attrs().Name)
	}
	for _, pattern := range sharedFolders {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return s, err
		}
		s.folders = append(s.folders, found...)
	}
	s.sysctls = sysctls()
	return s, nil
}

// sysctls returns the settings below /proc/sys that a user may write. Those that the kernel changes by
// itself are left out.
func sysctls() map[string]string {
	all := map[string]string{}
	for _, root := range []string{"net", "kernel", "vm"} {
		_ = filepath.WalkDir("/proc/sys/"+root, func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() || volatile(path) {
				return nil // an interface that is gone meanwhile
			}
			if info, err := entry.Info(); err != nil || info.Mode()&0o200 == 0 {
				return nil
			}
			if text, err := os.ReadFile(path); err == nil {
				all[path] = string(text)
			}
			return nil
		})
	}
	return all
}

func volatile(path string) bool {
	for _, part := range []string{"/random/", "ns_last_pid", "/netfilter/", "/fs/", "_count", "/pty/nr"} {
		if strings.Contains(path, part) {
			return true
		}
	}
	return false
}

// differences says what a step has changed.
func (s state) differences(after state) (all []string) {
	for _, kind := range []struct {
		name          string
		before, after []string
	}{{"mount", s.mounts, after.mounts}, {"link", s.links, after.links}, {"folder", s.folders, after.folders}} {
		for _, x := range kind.after {
			if !slices.Contains(kind.before, x) {
				all = append(all, kind.name+" left behind: "+x)
			}
		}
		for _, x := range kind.before {
			if !slices.Contains(kind.after, x) {
				all = append(all, kind.name+" gone: "+x)
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(s.sysctls)) {
		if now, exists := after.sysctls[path]; exists && now != s.sysctls[path] {
			all = append(all, fmt.Sprintf("%s: %q became %q", path, strings.TrimSpace(s.sysctls[path]), strings.TrimSpace(now)))
		}
	}
	return all
}

// settle waits until a step's processes are gone and everything is as before, and returns what is not
// after patience.
func settle(before state, mark string, patience time.Duration) (all []string, err error) {
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		after, err := observe()
		if err != nil {
			return nil, err
		}
		all = append(processes(mark), before.differences(after)...)
		if len(all) == 0 || time.Now().After(deadline) {
			return all, nil
		}
	}
}

// processes returns the processes whose environment has the mark: a step's command and all that it has
// started. Zombies have no environment.
func processes(mark string) (all []string) {
	environments, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environments {
		if text, err := os.ReadFile(path); err == nil && slices.Contains(strings.Split(string(text), "\x00"), mark) {
			command, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
			all = append(all, fmt.Sprintf("process left behind: %s: %s", filepath.Base(filepath.Dir(path)), bytes.ReplaceAll(command, []byte{0}, []byte{' '})))
		}
	}
	return all
}
