package lab

import (
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Pairs of different programs that speak WireGuard carry frames, ours on either side and on either port,
// and so do the forks with their parameters.
func TestMixedPairs(t *testing.T) {
	l := openLab(t)
	for _, spec := range []string{
		"mixed:left=reference-wg,right=wireguard-go",
		"mixed:left=wireguard-go:gomaxprocs=2,gogc=400,right=reference-wg:port=xdp",
		"mixed:left=reference-wg:port=tun,underlay=6,right=tailscale-wireguard-go",
		"mixed:left=naive,right=reference-xdp",
		"tailscale-wireguard-go:gomaxprocs=2,queue=64",
	} {
		t.Run(spec, func(t *testing.T) {
			d, err := dut.Parse(spec)
			if err != nil {
				t.Fatal(err)
			}
			set := l.set
			set.Direction = rfc2544.Both
			b, err := l.Setup(t.Context(), d, set, 1518)
			if err != nil {
				t.Fatal(err)
			}
			seen, err := b.Measure(t.Context(), rfc2544.Trial{Size: 1518, Load: 500, Duration: 200 * time.Millisecond})
			if err != nil || seen.Received+seen.Late < 180 {
				t.Errorf("%+v, %v", seen, err)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
