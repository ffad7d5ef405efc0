package netns

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Counters are the places where a kernel drops frames and tells, by names that
// read well in a report: "left:lan rx_dropped", "right udp rcvbuf", "cpu1
// backlog". They count since the namespace began; take the Diff of two.
//
// A super-packet (GSO, GRO) that is dropped counts once, whatever it held. The
// counters whose names Repeats knows tell of the same frames as others do.
type Counters map[string]int64

// Diff is what happened between two snapshots, places without a drop left out.
// A place that is gone is left out too; a new one began at 0.
func Diff(before, after Counters) Counters {
	diff := Counters{}
	for name, n := range after {
		if d := n - before[name]; d != 0 {
			diff[name] = d
		}
	}
	return diff
}

// repeating are the ends of the names of counters that tell of drops a second time.
var repeating = []string{
	" backlog",            // also in rx_dropped of the interface that the frame came in by
	" queue_drops",        // a veth's own, also in its rx_dropped
	" xdp_xmit_errors",    // a veth's own, also in its tx_dropped
	" xdp_tx_errors",      // the same
	" stacked_tx_dropped", // a kernel tunnel's, also in tx_dropped of the link below
	" out_discards",       // a link refused a frame of a socket of this node: also in that link's tx_dropped
	" sndbuf",             // the same, or the sender was told at once
}

// Repeats tells whether a counter shows drops that another counts too, seen
// from closer. Leave these out of a sum.
func Repeats(name string) bool {
	return slices.ContainsFunc(repeating, func(end string) bool { return strings.HasSuffix(name, end) })
}

// devStats are one interface's counters as the kernel gives them.
type devStats struct {
	stacked              bool // sends through another interface: a kernel tunnel
	rxDropped, txDropped int64
	rxErrors, txErrors   int64
	rxMissed             int64
	qdisc                int64
	driver               map[string]int64 // ethtool -S
}

func (s devStats) count(c Counters, name string, sink bool) {
	c[name+" rx_dropped"] = s.rxDropped
	if s.stacked {
		c[name+" stacked_tx_dropped"] = s.txDropped
	} else {
		c[name+" tx_dropped"] = s.txDropped
	}
	c[name+" rx_errors"] = s.rxErrors
	c[name+" tx_errors"] = s.txErrors
	c[name+" rx_missed"] = s.rxMissed
	c[name+" qdisc"] = s.qdisc
	for key, n := range s.driver {
		counter, ok := driverCounter(key)
		if ok && !(sink && counter == "xdp_drops") {
			c[name+" "+counter] += n
		}
	}
}

// driverCounter is the name of a veth statistic without its queue, for those
// that count losses: rx_queue_0_xdp_drops is xdp_drops.
func driverCounter(key string) (string, bool) {
	for _, queue := range []string{"rx_queue_", "tx_queue_"} {
		rest, ok := strings.CutPrefix(key, queue)
		if !ok {
			continue
		}
		_, counter, _ := strings.Cut(rest, "_")
		switch counter {
		case "drops":
			return "queue_drops", true
		case "xdp_drops", "xdp_tx_errors", "xdp_redirect_errors", "xdp_xmit_errors":
			return counter, true
		}
	}
	return "", false
}

// settleVeth takes what is in two places out of one (drivers/net/veth.c). What XDP
// could not put into the receiver's ring is in the sender's tx_dropped and the
// receiver's rx_dropped: it stays with the sender. A receiver that is not polled
// takes frames by way of a CPU's backlog, and what is dropped there is in
// both too: it stays with the receiver.
func (c Counters) settleVeth(sender, receiver string, polled bool) {
	tx, rx := sender+" tx_dropped", receiver+" rx_dropped"
	c[rx] = max(0, c[rx]-c[sender+" xdp_xmit_errors"])
	if !polled {
		c[tx] = max(0, c[tx]-c[rx])
	}
}

// protocolCounter is a line of /proc/net/snmp, netstat or snmp6 that counts losses.
type protocolCounter struct {
	key, name string
	less      string // a counter that is inside this one and has a name of its own
}

var protocolCounters = []protocolCounter{
	{"IpInHdrErrors", "ip in_header_errors", ""}, // TTL exceeded too
	{"IpInAddrErrors", "ip in_address_errors", ""},
	{"IpInDiscards", "ip in_discards", ""},
	{"IpOutDiscards", "ip out_discards", ""},
	{"IpOutNoRoutes", "ip out_no_routes", ""},
	{"IpFragFails", "ip frag_fails", ""},
	{"IpExtInNoRoutes", "ip in_no_routes", ""},
	{"IpExtInTruncatedPkts", "ip in_truncated", ""},
	{"UdpRcvbufErrors", "udp rcvbuf", ""},
	{"UdpSndbufErrors", "udp sndbuf", ""},
	{"UdpInErrors", "udp errors", "UdpRcvbufErrors"},
	{"UdpNoPorts", "udp no_port", ""},
	{"Ip6InHdrErrors", "ip6 in_header_errors", ""},
	{"Ip6InDiscards", "ip6 in_discards", ""},
	{"Ip6OutDiscards", "ip6 out_discards", ""},
	{"Ip6OutNoRoutes", "ip6 out_no_routes", ""},
	{"Ip6FragFails", "ip6 frag_fails", ""},
	{"Udp6RcvbufErrors", "udp6 rcvbuf", ""},
	{"Udp6SndbufErrors", "udp6 sndbuf", ""},
	{"Udp6InErrors", "udp6 errors", "Udp6RcvbufErrors"},
	{"Udp6NoPorts", "udp6 no_port", ""},
}

func countProtocols(c Counters, node string, mib map[string]int64) {
	for _, p := range protocolCounters {
		n, ok := mib[p.key]
		if !ok {
			continue
		}
		c[node+" "+p.name] = n - mib[p.less]
	}
}

func isProtocol(name, node string) bool { return strings.HasPrefix(name, node+" ") }

// parseMIB reads /proc/net/snmp and netstat, where a line of names is followed
// by a line of values, and snmp6, which has a name and a value a line.
func parseMIB(text string) (map[string]int64, error) {
	mib := map[string]int64{}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		names := strings.Fields(lines[i])
		if len(names) == 0 {
			continue
		}
		group, isGroup := strings.CutSuffix(names[0], ":")
		values := names[1:]
		if isGroup {
			if i++; i == len(lines) || lines[i] == "" {
				return nil, fmt.Errorf("%s: names without values", group)
			}
			_, line, _ := strings.Cut(lines[i], " ")
			names, values = names[1:], strings.Fields(line)
		} else {
			names = names[:1]
		}
		if err := addMIB(mib, group, isGroup, names, values); err != nil {
			return nil, err
		}
	}
	return mib, nil
}

func addMIB(mib map[string]int64, group string, isGroup bool, names, values []string) error {
	if len(names) != len(values) {
		return fmt.Errorf("%s: %d names, %d values", group, len(names), len(values))
	}
	for i, name := range names {
		n, err := strconv.ParseInt(values[i], 10, 64)
		if err != nil {
			return fmt.Errorf("%s%s: %w", group, name, err)
		}
		if isGroup {
			name = group + name
		}
		mib[name] = n
	}
	return nil
}

// countBacklogs reads /proc/net/softnet_stat: a line of hexadecimal numbers
// for each CPU that is on, the second the drops at netdev_max_backlog, the
// thirteenth the CPU's number. They are the whole machine's.
func countBacklogs(c Counters, text string) error {
	const dropped, number = 1, 12
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) <= number {
			return fmt.Errorf("softnet_stat: %d columns, needs Linux 5.10", len(fields))
		}
		n, err1 := strconv.ParseInt(fields[dropped], 16, 64)
		cpu, err2 := strconv.ParseInt(fields[number], 16, 64)
		if err1 != nil || err2 != nil {
			return fmt.Errorf("softnet_stat: not hexadecimal: %q", line)
		}
		c["cpu"+strconv.FormatInt(cpu, 10)+" backlog"] = n
	}
	return nil
}

// SinkDrops names the counters of frames that came as far as a sink and found no
// room there: they are counted at the end that sends into it.
func (t Topology) SinkDrops() (names []string) {
	for _, l := range t.Links {
		for end, peer := range map[*End]*End{&l.A: &l.B, &l.B: &l.A} {
			if end.Sink {
				names = append(names, peer.name()+" tx_dropped")
			}
		}
	}
	slices.Sort(names)
	return names
}

// Counters reads all of them, of every interface in the network's namespaces
// but lo, those that a tunnel made included.
func (n *Net) Counters() (Counters, error) {
	all := Counters{}
	sinks := map[string]bool{}
	for _, l := range n.Topology.Links {
		sinks[l.A.name()], sinks[l.B.name()] = l.A.Sink, l.B.Sink
	}
	for _, node := range n.Topology.Nodes {
		c, err := n.nodes[node].counters(sinks)
		if err != nil {
			return nil, fmt.Errorf("drop counters: %w", err)
		}
		if slices.Contains(n.Topology.Relays, node) {
			maps.DeleteFunc(c, func(name string, _ int64) bool { return isProtocol(name, node) })
		}
		maps.Copy(all, c)
	}
	for _, l := range n.Topology.Links {
		all.settleVeth(l.A.name(), l.B.name(), l.B.polled())
		all.settleVeth(l.B.name(), l.A.name(), l.A.polled())
	}
	text, err := readFile("/proc/net/softnet_stat")
	if err == nil {
		err = countBacklogs(all, text)
	}
	if err != nil {
		return nil, fmt.Errorf("drop counters: %w", err)
	}
	return all, nil
}
