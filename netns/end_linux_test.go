package netns

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/signals"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

// harmless is a setting of the whole machine that a test may change.
const harmless = "net/core/message_burst"

// markSetting is a setting whose value marks the namespaces of a test. Inode numbers cannot mark
// them, because the kernel reuses the numbers of removed namespaces.
const markSetting = "net/core/somaxconn"

// scene is the report of a lab process to its parent.
type scene struct {
	Namespaces []string
	Mark       string
}

// playLab runs a lab that has created everything that a lab could leave behind. It runs until a
// signal ends it. On SIGINT it cleans up by itself.
func playLab() {
	ctx, stop := signals.Context()
	defer stop()
	if err := playUntil(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func playUntil(ctx context.Context) (err error) {
	lock, err := testPlaces(os.Getenv(roleEnv)).lock(ctx, false)
	if err != nil {
		return err
	}
	defer lock.Close()
	g, err := StartGuardian(lock)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	if err := g.Set(harmless, "77"); err != nil {
		return err
	}
	n, err := Build(ctx, Dual(Plan{}), Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	p, err := Start(n.NS(Left), Command{Path: "sh", Args: []string{"-c", "sleep 1000 & (setsid sleep 1000 &); wait"}})
	if err != nil {
		return err
	}
	defer p.Stop(0)
	s := scene{Mark: strconv.Itoa(int(time.Now().UnixNano() & math.MaxInt32))}
	for _, node := range n.Topology.Nodes {
		if err := n.NS(node).SetSysctl(markSetting, s.Mark); err != nil {
			return err
		}
		inode, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", n.NS(node).Fd()))
		if err != nil {
			return err
		}
		s.Namespaces = append(s.Namespaces, inode)
	}
	if err := json.NewEncoder(os.Stdout).Encode(s); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// holders returns the processes that are in a namespace of the lab or have it open.
func (s scene) holders() []string {
	var found []string
	for _, pattern := range []string{"/proc/[0-9]*/task/*/ns/net", "/proc/[0-9]*/fd/*"} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			if target, err := os.Readlink(path); err == nil && slices.Contains(s.Namespaces, target) && s.made(path) {
				found = append(found, path)
			}
		}
	}
	return found
}

func (s scene) made(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	ns := &NS{name: path, file: f}
	defer ns.Close()
	mark, err := ns.Sysctl(markSetting)
	return err == nil && mark == s.Mark
}

func TestNothingOutlivesTheLab(t *testing.T) {
	testenv.NetAdmin(t)
	for _, s := range []syscall.Signal{syscall.SIGKILL, syscall.SIGINT} {
		t.Run(s.String(), func(t *testing.T) { endLab(t, s) })
	}
}

func endLab(t *testing.T, s syscall.Signal) {
	id, name := runID(t), fmt.Sprintf("@tb-test-%d-%s", os.Getpid(), s)
	old := must[string](t)(readSysctl(harmless))
	lab := exec.Command("/proc/self/exe")
	lab.Env = append(os.Environ(), id, roleEnv+"="+name)
	lab.Stderr = os.Stderr
	out, err := lab.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := lab.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err, lab.Wait())
	}
	var seen scene
	if err := json.Unmarshal(line, &seen); err != nil {
		t.Fatal(err)
	}
	// First, check that the test can see what a lab leaves behind.
	const lives = 6 // lab, guardian, helper, shell, two sleeps
	eventually(t, "the lab's processes", func() bool { return len(marked(id)) == lives })
	if len(seen.Namespaces) != 3 || len(seen.holders()) < 4 {
		t.Fatalf("namespaces %v, holders %v", seen.Namespaces, seen.holders())
	}
	if now := must[string](t)(readSysctl(harmless)); now != "77" {
		t.Fatalf("%s is %s while the lab runs", harmless, now)
	}
	if _, err := testPlaces(name).lock(t.Context(), false); !errors.Is(err, ErrLocked) {
		t.Fatalf("a second lab: %v", err)
	}

	if err := lab.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	lock, err := testPlaces(name).lock(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	lock.Close()
	if now := must[string](t)(readSysctl(harmless)); now != old {
		t.Errorf("%s is %s when the next lab may begin, was %s", harmless, now, old)
	}
	err = lab.Wait()
	if s == syscall.SIGINT && err != nil {
		t.Errorf("interrupted lab: %v", err)
	}
	eventually(t, "the lab's processes to end", func() bool { return len(marked(id)) == 0 })
	eventually(t, "its namespaces to be let go", func() bool { return len(seen.holders()) == 0 })
}
