package netns

import (
	"fmt"
	"maps"
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

// What a counter's name ends in.
const (
	backlogSuffix = " backlog"
	xmitSuffix    = " xdp_xmit_errors"
	queueSuffix   = " queue_drops"
	xdpTxSuffix   = " xdp_tx_errors"
)

// Repeats tells whether a counter shows drops that another counts too, seen
// from closer: a CPU's backlog is also in rx_dropped of the interface that
// the frame came from, and a veth's own error counters are also in its, or its
// peer's, tx_dropped and rx_dropped. Leave these out of a sum.
func Repeats(name string) bool {
	for _, suffix := range []string{backlogSuffix, xmitSuffix, queueSuffix, xdpTxSuffix} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// devStats are one interface's counters as the kernel gives them.
type devStats struct {
	rxDropped, txDropped int64
	rxErrors, txErrors   int64
	rxMissed             int64
	qdisc                int64
	driver               map[string]int64 // ethtool -S
}

func (s devStats) count(c Counters, name string, sink bool) {
	c[name+" rx_dropped"] = s.rxDropped
	c[name+" tx_dropped"] = s.txDropped
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

// settleVeth takes a repetition out of a veth pair's counters: frames that XDP
// could not put into the ring of the receiving end are in the sender's
// tx_dropped and the receiver's rx_dropped (veth_get_stats64 in drivers/net/veth.c).
func (c Counters) settleVeth(a, b string) {
	for _, way := range [][2]string{{a, b}, {b, a}} {
		sender, receiver := way[0], way[1]
		c[receiver+" rx_dropped"] = max(0, c[receiver+" rx_dropped"]-c[sender+xmitSuffix])
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
		c["cpu"+strconv.FormatInt(cpu, 10)+backlogSuffix] = n
	}
	return nil
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
		maps.Copy(all, c)
	}
	for _, l := range n.Topology.Links {
		all.settleVeth(l.A.name(), l.B.name())
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
