package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// program returns a command that runs the program, in the shell command that ends in "$@".
func program(t *testing.T, shell string, args ...string) (cmd *exec.Cmd, out, errs *bytes.Buffer) {
	t.Helper()
	cmd = exec.Command("sh", append([]string{"-c", shell, "sh", os.Args[0]}, args...)...)
	cmd.Env = append(os.Environ(), programEnv+"=1")
	out, errs = &bytes.Buffer{}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, errs
	return cmd, out, errs
}

// exitStatus waits for the program.
func exitStatus(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode()
}

// labOpen waits until the lab of a process has a device's end, which is a process with this
// environment variable.
func labOpen(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		environments, _ := filepath.Glob("/proc/[0-9]*/environ")
		for _, e := range environments {
			if b, err := os.ReadFile(e); err == nil && bytes.Contains(b, []byte("TB_SIDE=right")) && descends(filepath.Base(filepath.Dir(e)), pid) {
				return
			}
		}
	}
	t.Fatal("no lab opened")
}

// descends reports whether a process is a descendant of another one.
func descends(child string, pid int) bool {
	for child != "0" && child != strconv.Itoa(pid) {
		b, err := os.ReadFile("/proc/" + child + "/stat")
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		if err != nil || len(fields) < 2 {
			return false
		}
		child = fields[1]
	}
	return child != "0"
}

// A request ends a lab in order, whichever signal it is: status 4, one line that names the signal, no folder left.
func TestSignalsEndTheLab(t *testing.T) {
	testenv.NetAdmin(t)
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGQUIT} {
		t.Run(s.String(), func(t *testing.T) {
			caught := make(chan os.Signal, 1)
			signal.Notify(caught, s) // else the program ignores it where this one does, as below nohup
			defer signal.Stop(caught)
			dir := t.TempDir()
			cmd, _, errs := program(t, `exec "$@"`, "trial", "--dut", "reference", "--load", "1kpps", "--duration", "5m", "--wait")
			cmd.Env = append(cmd.Env, "TMPDIR="+dir)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			labOpen(t, cmd.Process.Pid)
			if err := cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			code := exitStatus(t, cmd)
			left, err := os.ReadDir(dir)
			if code != cli.ExitNoVerdict || !strings.HasPrefix(errs.String(), "tunnelbench: interrupted, ended by SIG") || strings.Count(errs.String(), "\n") != 1 || len(left) > 0 || err != nil {
				t.Errorf("exit %d, %q, left %v, %v", code, errs, left, err)
			}
		})
	}
}

// A gate that is killed leaves no program of its builds behind, and no folder.
func TestKilledGateLeavesNoBuild(t *testing.T) {
	testenv.NetAdmin(t)
	repo := t.TempDir()
	commit := "git init -q && echo '#!/bin/sh' >t.sh && chmod +x t.sh && git add . && git -c user.name=a -c user.email=a@b -c commit.gpgsign=false commit -qm x"
	made := exec.Command("sh", "-c", commit)
	made.Dir = repo
	if words, err := made.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, words)
	}
	for name, build := range map[string]string{
		"a child":                 `sleep 3000 & echo $! >PIDS; wait`,
		"a child of a child":      `sh -c 'sleep 3000 & echo $! >PIDS; wait'; :`,
		"in another session":      `setsid sleep 3000 & echo $! >PIDS; wait`,
		"deaf and writing":        `sh -c 'trap "" TERM HUP; echo $$ >PIDS; while :; do echo x >file; sleep 0.01; done'; :`,
		"its parent ended before": `(setsid sleep 3000 & echo $! >PIDS); sleep 3000; :`,
	} {
		t.Run(name, func(t *testing.T) {
			dir, pids := t.TempDir(), filepath.Join(t.TempDir(), "pids")
			build := strings.ReplaceAll(build, "PIDS", pids)
			cmd, _, errs := program(t, `exec "$@"`, "gate", "--repo", repo, "--dut", "exec:./t.sh", "--build", build, "--base", "HEAD", "--head", "HEAD", "--out", filepath.Join(t.TempDir(), "out"))
			cmd.Env = append(cmd.Env, "TMPDIR="+dir)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var child string
			if !eventually(func() bool {
				b, err := os.ReadFile(pids)
				child = strings.TrimSpace(string(b))
				return err == nil && child != ""
			}) {
				t.Fatalf("nothing was built: %s", errs)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			exitStatus(t, cmd)
			if !eventually(func() bool { _, err := os.Stat("/proc/" + child); return err != nil }) {
				t.Errorf("process %s is left", child)
			}
			if !eventually(func() bool { left, err := os.ReadDir(dir); return err == nil && len(left) == 0 }) {
				t.Error("the folder of the builds is left")
			}
		})
	}
}

// eventually reports whether something comes true, on a busy machine too.
func eventually(is func() bool) bool {
	for limit := time.Now().Add(30 * time.Second); time.Now().Before(limit); time.Sleep(10 * time.Millisecond) {
		if is() {
			return true
		}
	}
	return false
}

// One lab runs on a machine, in whichever namespaces a second one is started.
func TestOneLabOnAMachine(t *testing.T) {
	testenv.NetAdmin(t)
	first, _, _ := program(t, `exec "$@"`, "trial", "--dut", "reference", "--load", "1kpps", "--duration", "5m", "--wait")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	labOpen(t, first.Process.Pid)
	for name, c := range map[string]struct{ shell, who string }{
		"same":               {`exec "$@"`, "pid " + strconv.Itoa(first.Process.Pid)},
		"network":            {`exec unshare -n "$@"`, "pid " + strconv.Itoa(first.Process.Pid)},
		"network and mount":  {`exec unshare -nm sh -c 'mount -t tmpfs none /run; exec "$@"' sh "$@"`, "pid " + strconv.Itoa(first.Process.Pid)},
		"all of a container": {`exec unshare -nmuipf --mount-proc sh -c 'mount -t tmpfs none /run; exec "$@"' sh "$@"`, "in another PID namespace"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd, out, errs := program(t, c.shell, "trial", "--dut", "wire", "--load", "1kpps", "--json")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			code := exitStatus(t, cmd)
			if code != cli.ExitMachine || !strings.Contains(errs.String(), "another lab is running ("+c.who) {
				t.Errorf("exit %d, %q and %q", code, out, errs)
			}
		})
	}
	if err := first.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	exitStatus(t, first)
}

// Over a slow link no frame is late, in a trial of frames and in one whose turns the link outlasts. A
// machine that stops for a while can make some late; it does not do so in every trial.
func TestFramesOverASlowLinkAreNotLate(t *testing.T) {
	testenv.NetAdmin(t)
	for _, wan := range []string{"delay=60ms", "delay=300ms,jitter=50ms"} {
		t.Run(wan, func(t *testing.T) {
			var seen struct{ Late, Received uint64 }
			const tries = 5
			for range tries {
				code, out, errs := call("", "trial", "--dut", "plain", "--wan", wan, "--load", "1kpps", "--duration", "500ms", "--json", "--wait")
				if err := json.Unmarshal([]byte(out), &seen); err != nil || code != cli.ExitOK && code != cli.ExitNoVerdict {
					t.Fatalf("exit %d, %v, %q", code, err, errs)
				}
				if seen.Late == 0 && seen.Received > 0 {
					return
				}
			}
			t.Errorf("of each of %d trials some frames were late, of the last %+v", tries, seen)
		})
	}
}

// What was measured is on disk when the program is killed.
func TestKilledCertifyKeepsItsValues(t *testing.T) {
	testenv.NetAdmin(t)
	out := filepath.Join(t.TempDir(), "certificate.json")
	cmd, _, errs := program(t, `exec "$@"`, "certify", "--quick", "--engine", "afpacket", "--out", out, "--wait")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	part := filepath.Join(filepath.Dir(out), "partial-certificate.json")
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(part); err == nil {
			break
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	exitStatus(t, cmd)
	c, err := result.ReadCertificate(strings.NewReader(read(t, part)), part)
	if err != nil || len(c.Standards) == 0 {
		t.Errorf("%v, %v; %s", c, err, errs)
	}
}
