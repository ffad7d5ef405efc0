package events

import (
	"context"
	"errors"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/probe"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

// TCPInTCP shows what becomes of TCP inside a tunnel that itself is carried by TCP: both retransmit what is lost.
func TCPInTCP(ctx context.Context, b *Bench) (f behaviour.Finding, err error) {
	carrier, err := b.carrier(ctx)
	if err != nil {
		return f, err
	}
	if carrier != "TCP" {
		return f, lab.UnsupportedError(b.Device.Spec + " is carried by " + carrier)
	}
	f.Note("carrier", carrier)
	f.Verdict = behaviour.None
	return f, b.over(ctx, paths([]string{"0%", "1%"}, []time.Duration{20 * time.Millisecond, 100 * time.Millisecond}, []string{"cubic"}), &f)
}

// carrier returns the protocol that carries the packets of a light stream over the wan, as seen there.
func (b *Bench) carrier(ctx context.Context) (name string, err error) {
	s, err := b.open(ctx, nil)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	watches, err := s.watch()
	if err != nil {
		return "", err
	}
	o := outage{limit: b.Times.Limit}
	_, err = s.during(ctx, &o, 0, func() error { return nil })
	packets := map[byte]int{}
	for _, w := range watches {
		seen, stopped := w.Stop()
		err = errors.Join(err, stopped)
		for protocol, n := range seen.Packets {
			packets[protocol] += n
		}
	}
	return mostly(packets), err
}

// mostly names the protocol of most packets.
func mostly(packets map[byte]int) string {
	names := map[byte]string{probe.TCP: "TCP", probe.UDP: "UDP"}
	most, name := 0, "nothing"
	for protocol, n := range packets {
		if n > most {
			most, name = n, names[protocol]
		}
	}
	if name == "" {
		return "neither TCP nor UDP"
	}
	return name
}
