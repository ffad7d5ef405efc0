package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

// SIGHUP while a tunnel starts does not end it: it is for the file, which is read then anyway.
func TestHangupWhileATunnelStarts(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd, _, errs := program(t, `exec "$@"`, "tunnel", "--config", pipe)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(pipe, os.O_WRONLY, 0) // once the program opens it
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGTERM} {
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	if code := exitStatus(t, cmd); code != cli.ExitNoVerdict || !strings.Contains(errs.String(), "ended by SIGTERM") {
		t.Errorf("exit status %d, said %q, want it ended by SIGTERM", code, errs)
	}
}

// A tunnel whose interface is removed ends, also while its file is being read again: a name could take long to look up.
func TestEndWhileTheFileIsRead(t *testing.T) {
	testenv.NetAdmin(t)
	host := twoHosts(t)[0]
	for _, by := range []string{"socket", "signal"} {
		t.Run(by, func(t *testing.T) {
			file, socket := filepath.Join(t.TempDir(), "end.yaml"), filepath.Join(t.TempDir(), "sock")
			if err := os.WriteFile(file, fmt.Appendf(nil, endFile+"control_socket: %[3]s\n", 1, 2, socket), 0o600); err != nil {
				t.Fatal(err)
			}
			var output said
			ended, answered := make(chan int, 1), make(chan int, 1)
			go func() {
				_ = sys.InNetNS(host, func() error {
					ended <- run(t.Context(), []string{"tunnel", "--config", file}, cli.Streams{Out: &output, Err: &output})
					return nil
				})
			}()
			output.await(t, "the tunnel is up")
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mkfifo(file, 0o600); err != nil { // a file that takes for ever
				t.Fatal(err)
			}
			if by == "socket" {
				go func() {
					answered <- run(t.Context(), []string{"tunnel", "reload", "--control-socket", socket}, cli.Streams{Out: io.Discard, Err: io.Discard})
				}()
			} else {
				answered <- cli.ExitMachine
				if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
					t.Fatal(err)
				}
			}
			writer, err := os.OpenFile(file, os.O_WRONLY, 0) // once the tunnel opens it
			if err != nil {
				t.Fatal(err)
			}
			defer writer.Close()
			inside(t, host, func() error {
				link, err := netlink.LinkByName("tun0")
				if err != nil {
					return err
				}
				return netlink.LinkDel(link)
			})
			statuses := map[string]int{}
			for who, c := range map[string]chan int{"tunnel": ended, "reload": answered} {
				select {
				case statuses[who] = <-c:
				case <-time.After(time.Minute):
					t.Fatalf("%s does not end", who)
				}
			}
			if statuses["tunnel"] != cli.ExitMachine || statuses["reload"] == cli.ExitOK { // the answer may still arrive, or not
				t.Errorf("statuses %v", statuses)
			}
		})
	}
}

// With a log in JSON, every line is an object of it: the counters, and what ends the program, too.
func TestEveryLineIsJSON(t *testing.T) {
	testenv.NetAdmin(t)
	host := twoHosts(t)[0]
	file := filepath.Join(t.TempDir(), "end.yaml")
	peers := ""
	for i := range 100 {
		peers += fmt.Sprintf("  - {id: %d, endpoint: \"192.0.2.2:4754\", prefixes: [198.18.1.%d/32]}\n", 100+i, i)
	}
	if err := os.WriteFile(file, fmt.Appendf(nil, endFile+peers, 1, 2), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var output said
	start := func(args ...string) (status int) {
		_ = sys.InNetNS(host, func() error {
			status = run(ctx, append([]string{"tunnel", "--log-format", "json"}, args...), cli.Streams{Out: &output, Err: &output})
			return nil
		})
		return status
	}
	ended := make(chan int, 1)
	go func() { ended <- start("--config", file) }()
	output.await(t, `"msg":"the tunnel is up"`)
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	output.await(t, `"msg":"counters"`)
	for want, args := range map[int][]string{cli.ExitMachine: {"--config", file}, cli.ExitUsage: {"--config", file + "no"}, cli.ExitOK: {"--config", file, "--check"}} {
		if status := start(args...); status != want {
			t.Errorf("%q: status %d, want %d", args, status, want)
		}
	}
	stop()
	if status := <-ended; status != cli.ExitOK {
		t.Errorf("status %d", status)
	}
	said := map[string]int{}
	for line := range strings.Lines(output.text.String()) {
		var event struct{ Level, Msg string }
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Errorf("%v: %s", err, line)
		}
		said[event.Level+" "+event.Msg]++
		said[event.Level]++
	}
	if said["INFO counters"] != 2 || said["ERROR"] != 2 {
		t.Errorf("want the counters twice, and two errors: %v", said)
	}
}
