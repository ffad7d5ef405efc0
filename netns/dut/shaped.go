package dut

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/kv"
	"github.com/tunnelbench/tunnelbench/netns"
)

// shaped routes packets like plain, over a link of known speed. A token bucket (tc-tbf(8))
// limits the rate at both ends of the WAN link. The WAN link has no offloads, because a token
// bucket counts a super-packet as one large frame.
var shaped = register(Tunnel{
	Order: 30,
	Name:  "shaped", Kind: Calibration, Probe: probeTBF, Modules: []string{"sch_tbf"},
	Doc:     "routing over a link of known speed, no tunnel: rate=100Mbps,burst=BYTES,limit=BYTES",
	Params:  map[string][]string{"rate": nil, "burst": nil, "limit": nil},
	Network: func(p netns.Plan) netns.Topology { p.PlainWAN = true; return netns.Dual(p) },
	Check: func(values map[string]string) error {
		_, err := ParseShape(values)
		return err
	},
	Up: func(_ context.Context, b Env) (*Session, error) {
		shape, err := ParseShape(b.Params)
		if err != nil {
			return nil, err
		}
		if err := shape.Put(b.Net); err != nil {
			return nil, err
		}
		return plain.Up(context.Background(), b)
	},
})

// Shape is a token bucket. If it is overloaded for a time T, it passes Rate x T / 8 + Burst +
// Limit bytes. Limit bytes of these wait in the queue when T ends. Bytes are counted in frames
// without FCS.
type Shape struct {
	Rate         uint64 // bit/s
	Burst, Limit uint32 // size of the bucket and of its queue in bytes
}

// Defaults and limits of a Shape. The default bucket holds the bytes of 1 ms, and the default
// queue holds the bytes of 20 ms. Both hold at least leastBurst bytes.
const (
	defaultShapeRate = 100e6
	leastBurst       = 10000
	leastShapeRate   = 10e3
	mostShapeRate    = 100e9
)

// ParseShape reads the parameters rate, burst and limit. The error is one line.
func ParseShape(values map[string]string) (s Shape, err error) {
	s.Rate = defaultShapeRate
	if text, set := values["rate"]; set {
		if s.Rate, err = parseShapeRate(text); err != nil {
			return s, err
		}
	}
	s.Burst = uint32(max(leastBurst, s.Rate/8/1000))
	s.Limit = uint32(min(max(leastBurst, s.Rate/8/50), 1<<30))
	for key, into := range map[string]*uint32{"burst": &s.Burst, "limit": &s.Limit} {
		text, set := values[key]
		if !set {
			continue
		}
		n, err := strconv.ParseUint(text, 10, 30)
		if err != nil || n < netns.DefaultWANMTU {
			return s, fmt.Errorf("%s=%s: bytes, from %d (a frame has to fit)", key, text, netns.DefaultWANMTU)
		}
		*into = uint32(n)
	}
	return s, nil
}

func parseShapeRate(text string) (uint64, error) {
	r, ok := kv.ParseRate(text)
	if !ok || r.Unit != kv.Bits || r.Value < leastShapeRate || r.Value > mostShapeRate {
		return 0, fmt.Errorf("rate=%s: write 100Mbps, from 10kbps to 100Gbps", text)
	}
	return uint64(r.Value), nil
}

// probeTBF adds a token bucket to an interface of a temporary namespace.
func probeTBF(context.Context) error {
	ns, err := netns.New("probe")
	if err != nil {
		return err
	}
	err = ns.Netlink(func(h *netlink.Handle) error {
		return Shape{Rate: defaultShapeRate, Burst: leastBurst, Limit: leastBurst}.put(h, "lo")
	})
	if err != nil {
		err = fmt.Errorf("%w: this kernel has no token bucket (CONFIG_NET_SCH_TBF): %w", errors.ErrUnsupported, err)
	}
	return errors.Join(err, ns.Close())
}
