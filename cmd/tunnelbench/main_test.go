package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// Environment variables that make the test binary the program, and make that write the most memory it had
// to a file.
const (
	programEnv = "TB_TEST_PROGRAM"
	memoryEnv  = "TB_TEST_MEMORY"
)

func TestMain(m *testing.M) {
	reexec.Main()
	if used := os.Getenv(memoryEnv); used != "" {
		code := run(context.Background(), os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
		status, _ := os.ReadFile("/proc/self/status")
		if err := os.WriteFile(used, status, 0o644); err != nil {
			panic(err)
		}
		os.Exit(code)
	}
	if os.Getenv(programEnv) != "" {
		main()
	}
	os.Exit(m.Run())
}

// call runs the command like a shell.
func call(input string, args ...string) (code int, out, errs string) {
	var stdout, stderr bytes.Buffer
	code = run(context.Background(), args, cli.Streams{In: strings.NewReader(input), Out: &stdout, Err: &stderr})
	return code, stdout.String(), stderr.String()
}

// Without the parts of the emulated machine, the line has the command that installs them.
func TestCostWithoutEmulator(t *testing.T) {
	t.Setenv("PATH", "")
	for _, line := range []string{"cost --dut wire --out " + t.TempDir(), "gate --count --aa --out " + t.TempDir()} {
		code, _, errs := call("", strings.Fields(line)...)
		if code != cli.ExitMachine || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "apt-get install") {
			t.Errorf("%s: exit status %d: %s", line, code, errs)
		}
	}
}

// wgFile returns the path of a file of wg-quick.
func wgFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "wg0.conf")
	text := fmt.Sprintf("[Interface]\nPrivateKey = %s\n[Peer]\nPublicKey = %v\nAllowedIPs = 10.2.0.0/16\n", wireguard.PrivateKey{8, 1}.Base64(), wireguard.PrivateKey{8, 2}.Public())
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTunnelOfAWGFile(t *testing.T) {
	t.Parallel()
	if code, out, errs := call("", "tunnel", "--wg", wgFile(t), "--dev", "wg0", "--check"); code != cli.ExitOK || out+errs != "" {
		t.Errorf("exit status %d: %s%s", code, out, errs)
	}
}

// Bad input gives exit status 2 and one line that names the cause, before anything is opened or
// written.
func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("{\"schema\":\"x\"}"), 0o644); err != nil {
		t.Fatal(err)
	}
	twins := sameName(t)
	for line, want := range map[string]string{
		"tunnel":                        "--config FILE is missing",
		"tunnel --config x --dev y":     "leave out --wg, --dev, --port and --control-socket",
		"tunnel --wg " + file:           "--dev NAME is missing",
		"tunnel --dev wg0 --wg " + file: "has keys, and others may use it (mode 0644): chmod 600",
		"tunnel --dev wg0 --wg " + dir:  "is no regular file",
		"tunnel --dev wg0 --port tap --check --wg " + wgFile(t):        `--port: "tap": want tun or xdp`,
		"tunnel --config " + filepath.Join(dir, "nowhere"):             "no such file",
		"tunnel --config " + file:                                      "file:1: unknown field",
		"frobnicate":                                                   "is not a command",
		"run --dut nonesuch":                                           `dut "nonesuch": unknown`,
		"run --dut vxlan,vxlan":                                        "comes twice",
		"run --dut vxlan --sizes 63":                                   "frame size 63",
		"run --dut vxlan --sizes 64,64":                                "comes twice",
		"run --dut vxlan --sizes big":                                  `frame size "big"`,
		"run --dut vxlan --sizes 9217":                                 "frame size 9217",
		"run --dut vxlan --engine xdp --sizes 64,9216":                 "afpacket sends up to 9216",
		"trial --dut wire --load max --engine xdp --pcap out":          "--engine afpacket",
		"run --dut vxlan --profile hasty":                              "--profile",
		"trial --dut wire --load 1kpps --beside neighbour:cpus=0-1023": "is not allowed here: choose from",
		"certify --quick --beside storm":                               "write neighbour, or neighbour:",
		"run --dut vxlan --link fast":                                  "--link",
		"run --dut vxlan --flows 0":                                    "--flows 0",
		"run --dut vxlan --ip 5":                                       "--ip 5",
		"run --dut vxlan --ip 6 --sizes 64,1518":                       "from 84 bytes with --ip 6",
		"run --dut vxlan --networks 2":                                 "--networks 2: from 1 to 256, and no more than --flows",
		"run --dut vxlan --flows 1000 --networks 257":                  "--networks 257",
		"run --dut vxlan --direction backwards":                        "--direction \"backwards\"",
		"run --dut vxlan --engine steam":                               "--engine \"steam\"",
		"trial --dut vxlan --load 1kpps --ip 6 --size 83":              "frame size 83: from 84 bytes",
		"run --dut vxlan --late -1s":                                   "--loss-timeout -1s",
		"run --dut vxlan --tester-cpus x":                              "--tester-cpus",
		"run --dut vxlan --out " + file:                                "--out",
		"run --dut relay:speed=1":                                      `unknown key "speed", did you mean seed: use corrupt`,
		"run --dut relay:drop=1/0":                                     "drop=1/0: write 1/N",
		"run --dut relay:drop=2/3":                                     "drop=2/3: write 1/N",
		"run --dut relay:dup=1/1":                                      "dup=1/1: write 1/N",
		"run --dut relay:delay=-1ms":                                   "delay=-1ms: a time from 0s",
		"run --dut relay:queue=10":                                     "give rate too",
		"run --dut relay:rate=fast":                                    "rate=fast: write a whole number",
		"run --dut relay:outage=1s":                                    "outage=1s: write START+LENGTH",
		"run --dut relay:loss=101%":                                    "loss=101%: a percentage",
		"run --dut relay:cost=1h":                                      "cost=1h: a time from 0s to 10ms",
		"run --dut vxlan --wan loss=x":                                 "loss=x: a percentage",
		"run --dut vxlan --wan fog":                                    `--wan "fog": "fog": write key=value`,
		"run --dut vxlan --wan speed=1":                                `unknown key "speed", did you mean seed: use corrupt, cost`,
		"run --dut vxlan,wire --wan delay=1ms":                         "wire has no wan link",
		"trial --dut relay --load 1kpps --wan delay=1ms":               "relay has no wan link",
		"fuzz":                     "fuzz run",
		"fuzz run --target nobody": "use one of header",
		"fuzz run --time 0s":       "a second",
		"fuzz run --engine magic":  "go-fuzz",
		"fuzz run --engine go-fuzz --target results":              "none of engine",
		"fuzz repro --target header /nosuch":                      "/nosuch",
		"gate":                                                    "--base REV",
		"report --format pdf x":                                   "benchfmt, csv, junit, md",
		"report --format csv":                                     "which results.json",
		"report --format csv /nosuch":                             "/nosuch",
		"gate --aa --base x":                                      "leave --base out",
		"gate a.json":                                             "or neither",
		"gate /nosuch /nosuch":                                    "/nosuch",
		"gate --base HEAD --dut vxlan":                            "builds tunnels of this program",
		"gate --base HEAD --dut exec:./x":                         "--build COMMAND",
		"gate --base HEAD --dut exec:/x --build true":             "within the repository",
		"gate --base HEAD --dut exec:../x --build true":           "within the repository",
		"gate --base HEAD --build true":                           "builds itself",
		"gate --base HEAD --metrics x":                            "each once",
		"gate --base HEAD --layouts 0":                            "from 1 to",
		"gate --base HEAD --time 0s":                              "above zero",
		"gate --base HEAD --policy /nosuch":                       "/nosuch",
		"gate --count --base HEAD --metrics closed_loop_rate/64":  "--metrics is for timed pairs",
		"gate --count a b":                                        "no such file",
		"gate --count --base HEAD --layouts 1":                    "--count needs 2 or more",
		"gate --base HEAD --kernel x":                             "is for gate --count",
		"cost":                                                    "--dut says which devices",
		"cost --dut nosuch":                                       "unknown",
		"cost --dut wire --size 9216":                             "frames up to 1518 bytes",
		"cost --dut wire --batches 1":                             "--batches 1: from 8",
		"cost --dut wire --results /nosuch":                       "--results: open /nosuch",
		"gate --base nosuch":                                      "no such revision",
		"fuzz repro --target port x":                              "go test",
		"fuzz merge --target header /nosuch":                      "/nosuch",
		"fuzz report /nosuch":                                     "/nosuch",
		"fuzz live --dut nosuch":                                  "nosuch",
		"run --nonsense":                                          "--help",
		"run extra":                                               `unexpected "extra"`,
		"trial":                                                   "needs --dut and --load",
		"trial --dut vxlan --load 0kpps":                          "must be above zero",
		"trial --dut vxlan --load 1e9kpps":                        "paces from",
		"trial --dut vxlan --load fast":                           `load "fast"`,
		"trial --dut vxlan --load 1kpps --size 9999":              "frame size 9999",
		"trial --dut vxlan --load 1kpps --duration 0s":            "--duration",
		"trial --dut vxlan --load 10Mpps --duration 1h":           "make it shorter",
		"trial --dut exec:/no/such --load 1kpps":                  "no such file",
		"trial --dut vxlan --stream udp":                          `--stream "udp": bulk, rr or crr`,
		"trial --dut vxlan --stream rr --load 1kpps":              "--stream and --load",
		"trial --dut vxlan --stream rr --size 64":                 "--stream and --size",
		"trial --dut vxlan --stream bulk --pcap out":              "--stream and --pcap",
		"trial --dut vxlan --stream bulk --connections 0":         "--connections 0",
		"trial --dut vxlan --load 1kpps --connections 2":          "give --stream",
		"trial --dut vxlan --stream bulk --duration 0s":           "--duration",
		"trial --stream bulk":                                     "needs --dut",
		"ab":                                                      "give two devices",
		"ab vxlan":                                                "give two devices",
		"ab vxlan nonesuch":                                       `dut "nonesuch": unknown`,
		"ab wire vxlan":                                           "no device to compare",
		"ab vxlan vxlan --rounds 6":                               "need 7 or more",
		"ab vxlan plain reference --rounds 7":                     "need 8 or more",
		"ab --rounds x vxlan plain":                               "--help",
		"ab vxlan plain --rounds 201":                             "--rounds 201: at most 200",
		"ab vxlan --size 64 plain --link fast":                    "--link",
		"ab vxlan plain --flows 0":                                "--flows 0: ",
		"ab --metrics stream_goodput vxlan relay":                 "relay joins the tester's ports",
		"ab vxlan plain --time 0s":                                "--time 0s",
		"ab vxlan plain --metrics speed":                          `--metrics "speed"`,
		"run --dut plain --metrics 9470":                          `"9470": want HOST:PORT`,
		"ab vxlan plain --metrics pdr,pdr":                        `--metrics "pdr"`,
		"ab vxlan plain --size 10":                                "frame size 10",
		"ab vxlan@/bin/true plain":                                "it has no builds",
		"ab reference@/no/such reference":                         "no such file",
		"ab reference@/bin/true reference":                        "the build does not start",
		"ab reference reference@/bin/false":                       "the build does not start: /bin/false version: exit status 1",
		"ab " + twins[0] + " " + twins[1]:                         "have the same name",
		"ab vxlan relay --wan delay=1ms":                          "relay has no wan link",
		"run --dut shaped:rate=fast":                              "rate=fast: write 100Mbps",
		"run --dut shaped:burst=1":                                "burst=1: bytes",
		"run --dut shaped:speed=1":                                `unknown key "speed"`,
		"run --dut vxlan --certificate " + file:                   file,
		"certify --wan delay=1ms":                                 "leave it out",
		"certify --out " + file + "/x":                            "--out",
		"search":                                                  "either --replay",
		"search --replay x --simulate y":                          "either --replay",
		"search --simulate capacity=1kpps":                        "--goal",
		"search --simulate speed=1 --goal pdr":                    "capacity",
		"search --simulate capacity=1Mpps --goal nope":            "--help",
		"search --simulate capacity=1Mpps --goal pdr --min 2Mpps": "below --max",
		"search --replay /no/such/file --goal pdr":                "no such file",
		"search --replay " + file + " --goal pdr":                 file + ": line 1",
		"report":                                 "which results.json",
		"report /no/such/file":                   "no such file",
		"report " + file:                         file,
		"report --out " + dir + " " + journal(t): "is the journal of a run",
	} {
		code, out, errs := call("", strings.Fields(line)...)
		if code != cli.ExitUsage || !strings.Contains(errs, want) || strings.Count(errs, "\n") != 1 || out != "" {
			t.Errorf("%s: exit %d, %q and %q, want 2 and one line with %q", line, code, out, errs, want)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// journal creates the journal of a run, larger than a results file may be.
func journal(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "journal.jsonl")
	if err := os.WriteFile(path, []byte(`{"schema":"tunnelbench.journal/1"`), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1<<30); err != nil {
		t.Fatal(err)
	}
	return path
}

// sameName creates two programs with the same name.
func sameName(t *testing.T) (specs [2]string) {
	t.Helper()
	for i := range specs {
		path := filepath.Join(t.TempDir(), "tunnel.sh")
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		specs[i] = "exec:" + path
	}
	return specs
}

// A goal of 11 good seconds out of 21 decides a load; 10 do not (RFC 9971).
func TestReplay(t *testing.T) {
	trial := `{"load_fps":1000,"duration_s":1,"effective_duration_s":1,"loss_ratio":0}` + "\n"
	goal := "loss=0.005,exceed=0.5,final=1s,sum=21s"
	code, out, errs := call(strings.Repeat(trial, 11), "search", "--replay", "-", "--goal", goal, "--json")
	if code != cli.ExitOK || !strings.Contains(out, `"lower_fps":1000,"upper_fps":null`) {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
	code, out, errs = call(strings.Repeat(trial, 10), "search", "--replay", "-", "--goal", goal, "--json")
	if code != cli.ExitOK || !strings.Contains(out, `"lower_fps":null,"upper_fps":null,"conditional_throughput_fps":null`) {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
}

func TestSimulate(t *testing.T) {
	code, out, errs := call("", "search", "--simulate", "capacity=437.6kpps", "--goal", "ndr", "--goal", "pdr")
	if code != cli.ExitOK || !strings.Contains(out, "ndr: lower 43") || !strings.Contains(out, "regular") {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
}

func TestSplitDevices(t *testing.T) {
	got := cli.SplitDevices("vxlan,reference:gso=on,gro=off,wireguard-go,exec:t.sh:port=4,peer=[fd00::1]:4000,reference:gso=off")
	want := "vxlan|reference:gso=on,gro=off|wireguard-go|exec:t.sh:port=4,peer=[fd00::1]:4000|reference:gso=off"
	if strings.Join(got, "|") != want {
		t.Errorf("%q, want %q", got, want)
	}
}
