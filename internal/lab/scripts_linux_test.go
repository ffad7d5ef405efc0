package lab

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// exchanging is a script whose sides tell each other a random number through TB_DIR. It carries nothing
// if a side reads a number of another bring-up.
const exchanging = `
od -An -N2 -tu2 /dev/urandom | tr -d ' ' >"$TB_DIR/$TB_SIDE.new"
mv "$TB_DIR/$TB_SIDE.new" "$TB_DIR/$TB_SIDE.pub"
other=right; [ "$TB_SIDE" = right ] && other=left
while [ ! -f "$TB_DIR/$other.pub" ]; do sleep 0.01; done
ip link add "$TB_DEV" mtu "$TB_MTU" type vxlan id $(($(cat left.pub) + $(cat right.pub))) dstport 4789 local "$TB_LOCAL" remote "$TB_PEER" dev "$TB_WAN" || exit 127
ip link set "$TB_DEV" up
exec sleep 1000
`

// Each bring-up has an empty folder of its own: of several devices at once, of a device that is
// brought up again, and of one that is reset.
func TestFolderOfEachBringUp(t *testing.T) {
	l := openLab(t)
	d, err := dut.Parse(script(t, exchanging))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	check := func(b *Setup) {
		t.Helper()
		if seen[b.dir] || seen[b.run] {
			t.Errorf("%s or %s was another's", b.dir, b.run)
		}
		seen[b.dir], seen[b.run] = true, true
		info, err := os.Stat(b.dir)
		if err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%v, %v", info, err)
		}
	}
	for range 2 {
		g, err := l.Group(t.Context(), []dut.Device{d, d}, l.set, 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range g.Setups {
			check(b)
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
	b := openBench(t, l, d.Argument, 64)
	check(b)
	for _, kind := range []rfc2544.ResetKind{rfc2544.ResetProcess, rfc2544.ResetSystem} {
		if _, err := b.MeasureReset(t.Context(), rfc2544.Trial{Size: 64, Load: 1000, Duration: time.Second}, rfc2544.Reset{Kind: kind, At: 100 * time.Millisecond}); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		check(b)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(l.dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A script may ask for more time than usual, or for less, and what is said of one that does not come
// up names what was tried.
func TestTimeToComeUp(t *testing.T) {
	l := openLab(t)
	const late = `# tunnelbench: up-timeout=1s params=sleep
sleep "${TB_PARAM_SLEEP:-2}"
echo "made by $TB_SIDE" >&2
ip link add "$TB_DEV" mtu "$TB_MTU" type vxlan id 9 dstport 4789 local "$TB_LOCAL" remote "$TB_PEER" dev "$TB_WAN" || exit 127
ip link set "$TB_DEV" up
exec sleep 1000
`
	for _, c := range []struct {
		name, body, settings string
		want                 []string // empty: it comes up
	}{
		{"asks for too little", late, "", []string{"within 1s", "made no interface", "write up-timeout=3s behind its name"}},
		{"its user gives it more", late, ":up-timeout=1m", nil},
		{"a parameter makes it fast", late, ":up-timeout=40s,sleep=0", nil},
		{"is not raised", "# tunnelbench: up-timeout=3s\nip tuntap add \"$TB_DEV\" mode tun; exec sleep 1000", "", []string{"did not raise it", "within 3s"}},
		{
			"carries nothing", "# tunnelbench: up-timeout=3s\necho \"hello from $TB_SIDE\" >&2; ip tuntap add \"$TB_DEV\" mode tun; ip link set \"$TB_DEV\" up; exec sleep 1000", "",
			[]string{"no packet came through within 3s", "frames of 64 bytes from 198.18.0.2 to 198.19.0.2", "the left side says: hello from left", "the right side says: hello from right"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := dut.Parse(script(t, c.body) + c.settings)
			if err != nil {
				t.Fatal(err)
			}
			b, err := l.Setup(context.Background(), d, l.set, 64)
			if err == nil {
				err = errors.Join(b.Close())
			} else if len(c.want) == 0 || !DeviceFailed(err) {
				t.Fatal(err)
			}
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v lacks %q", err, want)
				}
			}
		})
	}
}

// The examples of docs/exec.md carry frames, both ends of all of them up at once, or say which program
// this machine lacks.
func TestExamples(t *testing.T) {
	l := openLab(t)
	for _, spec := range []string{"socat.sh", "fastd.sh", "fastd.sh:method=aes128-gcm,seals=aes128-gcm", "wireguard-go.sh"} {
		t.Run(spec, func(t *testing.T) {
			d, err := dut.Parse("exec:../../docs/examples/" + spec)
			if err != nil {
				t.Fatal(err)
			}
			g, err := l.Group(t.Context(), []dut.Device{d, d}, l.set, 1518)
			if errors.Is(err, errors.ErrUnsupported) && strings.Contains(err.Error(), ": no ") {
				t.Logf("not here: %v", err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range g.Setups {
				seen, err := b.Measure(t.Context(), rfc2544.Trial{Size: 1518, Load: 500, Duration: 200 * time.Millisecond})
				if err != nil || seen.Received+seen.Late < 90 {
					t.Errorf("%+v, %v", seen, err)
				}
			}
			if err := g.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
