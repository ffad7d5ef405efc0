package netns

import (
	"net/netip"
	"strings"
	"testing"
)

func TestPlansAreValid(t *testing.T) {
	for _, p := range []Plan{{}, {LANMTU: 9000}, {LANMTU: 576, WANMTU: 1500, PlainWAN: true, RPS: []int{1}}} {
		for _, topology := range []Topology{Wire(p), Dual(p)} {
			if err := topology.Validate(); err != nil {
				t.Errorf("%+v: %v", p, err)
			}
		}
	}
	if wan := Dual(Plan{LANMTU: 8000}).Links[1].MTU; wan < 8000+100 {
		t.Errorf("wan mtu %d leaves no room for encapsulation of 8000 bytes", wan)
	}
}

func TestMACsDiffer(t *testing.T) {
	seen := map[MAC]string{}
	for _, l := range Dual(Plan{}).Links {
		for _, e := range []End{l.A, l.B} {
			if other, twice := seen[e.MAC]; twice {
				t.Errorf("%s and %s share %s", e.name(), other, e.MAC)
			}
			if e.MAC[0]&0x03 != 0x02 {
				t.Errorf("%s: %s is not a locally administered unicast address", e.name(), e.MAC)
			}
			seen[e.MAC] = e.name()
		}
	}
}

func TestValidateNamesThePlace(t *testing.T) {
	for want, spoil := range map[string]func(*Topology){
		"needs a name":               func(t *Topology) { t.Name = "" },
		`node "left"`:                func(t *Topology) { t.Nodes = append(t.Nodes, Left) },
		"tester:port0-left:lan: mtu": func(t *Topology) { t.Links[0].MTU = 0 },
		"nowhere:lan: no such node":  func(t *Topology) { t.Links[0].B.Node = "nowhere" },
		"left:lan: name":             func(t *Topology) { t.Links[1].A.Name = LAN },
		"left:a-name-of-sixteen":     func(t *Topology) { t.Links[1].A.Name = "a-name-of-sixteen" },
		`forwarding node "x"`:        func(t *Topology) { t.Forward = []string{"x"} },
		"no interface left:tun":      func(t *Topology) { t.Routes = []Route{{Node: Left, Dev: "tun", To: RightLAN}} },
		"neighbour 198.18.0.2: no interface": func(t *Topology) {
			t.Neighbours = []Neighbour{{Node: Tester, Dev: LAN, Addr: netip.MustParseAddr("198.18.0.2")}}
		},
	} {
		topology := Dual(Plan{})
		spoil(&topology)
		if err := topology.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestParseProcStat(t *testing.T) {
	line := "4242 (a) b (c) S 17 1 1 0 -1 4194560 100 200 0 0 11 12 13 14 20 0 1 0 99 0 0"
	s, err := parseProcStat(line)
	if err != nil || s.pid != 4242 || s.parent != 17 || s.user != 11*clockTick || s.reaped != 27*clockTick || s.reapedUser != 13*clockTick {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{"", "1 (x", "1 (x) S 2", "x (x) S" + strings.Repeat(" 1", 20), "1 (x) S" + strings.Repeat(" y", 20)} {
		if s, err := parseProcStat(bad); err == nil {
			t.Errorf("%q: %+v, want an error", bad, s)
		}
	}
}

func TestFamily(t *testing.T) {
	stats := []procStat{{pid: 1}, {pid: 9, parent: 7}, {pid: 5, parent: 1}, {pid: 7, parent: 5}, {pid: 6, parent: 1}, {pid: 8, parent: 5}}
	pids := map[int]bool{}
	for _, s := range family(stats, 5) {
		pids[s.pid] = true
	}
	if len(pids) != 4 || !pids[5] || !pids[7] || !pids[8] || !pids[9] {
		t.Errorf("descendants of 5: %v", pids)
	}
}
