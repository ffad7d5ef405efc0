package counters

import (
	"fmt"
	"strconv"
	"strings"
)

// protocolCounter names a drop counter in /proc/net/snmp, /proc/net/netstat or /proc/net/snmp6.
type protocolCounter struct {
	key, kind string
	less      string // a counter to subtract, because its frames are also counted in key
}

var protocolCounters = []protocolCounter{
	{"IpInHdrErrors", "ip in_header_errors", ""}, // includes packets whose TTL is exceeded
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

func countProtocols(all Snapshot, node string, mib map[string]int64) {
	for _, p := range protocolCounters {
		n, ok := mib[p.key]
		if !ok {
			continue
		}
		all[Place{Node: node, Kind: p.kind}] = n - mib[p.less]
	}
}

// parseMIB parses two formats. /proc/net/snmp and /proc/net/netstat have a line of names followed
// by a line of values. /proc/net/snmp6 has a name and a value in each line.
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

// countBacklogs adds the backlog drops of each CPU to all. text is the content of
// /proc/net/softnet_stat, which has a line of hexadecimal numbers for each online CPU. The second
// number is the drops at netdev_max_backlog. The thirteenth number is the number of the CPU. The
// counters are those of the whole machine.
func countBacklogs(all Snapshot, text string) error {
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
		all[Place{Device: "cpu" + strconv.FormatInt(cpu, 10), Kind: "backlog"}] = n
	}
	return nil
}
