// Package congestion chooses the congestion control algorithm of TCP in the namespaces of a lab.
//
//	--cc cubic ─► Check ─► Allow: namespaces may use it ─► Set: every namespace of a network uses it
//
// The kernel keeps the choice for each network namespace (net.ipv4.tcp_congestion_control). A
// connection takes that of the namespace in which its socket was opened, unless its program asks for
// another one. A namespace other than the machine's may use only algorithms that the machine allows
// (net.ipv4.tcp_allowed_congestion_control).
package congestion

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/tunnelbench/tunnelbench/internal/kv"
	"github.com/tunnelbench/tunnelbench/netns"
)

// Settings of the kernel (ip-sysctl, "TCP variables"), as paths below /proc/sys.
const (
	keyDefault   = "net/ipv4/tcp_congestion_control"
	keyAvailable = "net/ipv4/tcp_available_congestion_control"
	keyAllowed   = "net/ipv4/tcp_allowed_congestion_control"
)

// known are the algorithms of Linux (net/ipv4/Kconfig, "TCP: advanced congestion control").
var known = []string{"bbr", "bic", "cdg", "cubic", "dctcp", "highspeed", "htcp", "hybla", "illinois", "lp", "nv", "reno", "scalable", "vegas", "veno", "westwood", "yeah"}

// Default returns the algorithm of the machine; it is empty if the machine does not say.
func Default() string { return read(keyDefault) }

// Available returns the algorithms that the kernel has loaded.
func Available() []string { return strings.Fields(read(keyAvailable)) }

func read(key string) string {
	text, _ := os.ReadFile("/proc/sys/" + key) // not there: a kernel without it, or another system
	return strings.TrimSpace(string(text))
}

// Check returns an error, one line, for a name that no kernel has. Whether this kernel has it, Allow
// finds out.
func Check(name string) error {
	available := Available()
	if slices.Contains(known, name) || slices.Contains(available, name) {
		return nil
	}
	if near, ok := kv.Nearest(name, slices.Concat(available, known)); ok {
		return fmt.Errorf("%q: unknown, did you mean %s%s", name, near, has(available))
	}
	return fmt.Errorf("%q: unknown: write cubic, bbr or reno%s", name, has(available))
}

// has says what the kernel has loaded, as the end of an error.
func has(available []string) string {
	if len(available) == 0 {
		return ""
	}
	return "; this kernel has " + strings.Join(available, ", ")
}

// Allow makes sure that namespaces may use an algorithm; an empty name asks for nothing. set changes a
// setting of the machine. The error wraps errors.ErrUnsupported if the kernel does not have the algorithm.
func Allow(name string, set func(key, value string) error) error {
	if name == "" {
		return nil
	}
	ns, err := netns.New("congestion control")
	if err != nil {
		return err
	}
	err = ns.SetSysctl(keyDefault, name)
	if errors.Is(err, os.ErrPermission) {
		if err = set(keyAllowed, read(keyAllowed)+" "+name); err == nil {
			err = ns.SetSysctl(keyDefault, name)
		}
	}
	return errors.Join(explain(name, err), ns.Close())
}

// explain tells a kernel without the algorithm from one that does not let it be set.
func explain(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOENT):
		return fmt.Errorf("%w: --cc %s: this kernel does not have it (modprobe tcp_%s)%s", errors.ErrUnsupported, name, name, has(Available()))
	case err != nil:
		return fmt.Errorf("%w: --cc %s: namespaces may not use it (sysctl %s on the host): %w", errors.ErrUnsupported, name, strings.ReplaceAll(keyAllowed, "/", "."), err)
	}
	return nil
}

// Set makes all namespaces of a network use an algorithm; an empty name leaves them as they are. Allow
// has to come before.
func Set(n *netns.Net, name string) error {
	if name == "" {
		return nil
	}
	for _, node := range n.Topology.Nodes {
		if err := n.NS(node).SetSysctl(keyDefault, name); err != nil {
			return explain(name, err)
		}
	}
	return nil
}
