package stream

import "testing"

// The tables are the kernel's, with a listener on port 5001 of an address and of all addresses, a connection
// from that port, and a listener on port 5002.
func TestInTable(t *testing.T) {
	t.Parallel()
	const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	for name, c := range map[string]struct {
		row  string
		want bool
	}{
		"an address":      {"   0: 010012C6:1389 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 10 1\n", true},
		"all, IPv6":       {"   0: 00000000000000000000000000000000:1389 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 10 1\n", true},
		"established":     {"   0: 010012C6:1389 020012C6:C350 01 00000000:00000000 00:00000000 00000000     0        0 10 1\n", false},
		"another port":    {"   0: 010012C6:138A 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 10 1\n", false},
		"the remote port": {"   0: 010012C6:C350 00000000:1389 0A 00000000:00000000 00:00000000 00000000     0        0 10 1\n", false},
		"nothing":         {"", false},
		"half a line":     {"   0: 010012C6:1389 0000", false},
	} {
		if got := inTable([]byte(head+c.row), 5001); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
