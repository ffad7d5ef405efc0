package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func TestSettingsResolved(t *testing.T) {
	t.Parallel()
	defaults := Settings{
		Engine: EngineAuto, Direction: rfc2544.Forward, Flows: 1, Networks: 1, LossTimeout: DefaultLossTimeout, MaxFrames: DefaultMaxFrames,
	}
	chosen := Settings{
		Engine: EngineAFPacket, Direction: rfc2544.Both, Flows: 10, Networks: 5, LossTimeout: time.Second, MaxFrames: 1000, WAN: "delay=1ms", Pcap: "out", Seed: 7,
	}
	for name, c := range map[string]struct{ asked, want Settings }{
		"zeros are the defaults":     {Settings{}, defaults},
		"what is chosen stays":       {chosen, chosen},
		"defaults stay the defaults": {defaults, defaults},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, c.asked.Resolved()); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

// Results say with what settings their trials were measured.
func TestSettingsConditions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		asked Settings
		rest  time.Duration
		want  result.Conditions
	}{
		{"defaults", Settings{}, 0, result.Conditions{LossTimeout: DefaultLossTimeout, IPVersion: 4, Flows: 1, Networks: 1}},
		{"chosen", Settings{IPv6: true, Flows: 10, Networks: 5, LossTimeout: 2 * time.Second}, 5 * time.Second,
			result.Conditions{LossTimeout: 2 * time.Second, Rest: 5 * time.Second, IPVersion: 6, Flows: 10, Networks: 5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, c.asked.Conditions(c.rest)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The engine is decided by what is asked for, the largest frame and what the kernel lets us, in that order.
func TestEngineChoice(t *testing.T) {
	t.Parallel()
	const small, large = 64, loadgen.MaxXDPFrame + 1
	lacking := fmt.Errorf("live frames: %w", errors.ErrUnsupported)
	for name, c := range map[string]struct {
		asked   string
		largest rfc2544.FrameSize
		try     error // what comes of trying the kernel's engine
		want    string
	}{
		"the kernel's where it runs":                    {largest: small, want: EngineXDP},
		"sockets where the kernel cannot":               {largest: small, try: lacking, want: EngineAFPacket},
		"sockets where the user may not":                {largest: small, try: os.ErrPermission, want: EngineAFPacket},
		"another error shows when the engine is opened": {largest: small, try: errors.New("no memory"), want: EngineXDP},
		"sockets for frames that the kernel's lacks":    {largest: large, want: EngineAFPacket},
		"what is asked for, whatever the kernel says":   {asked: EngineXDP, largest: large, try: lacking, want: EngineXDP},
		"sockets when asked for":                        {asked: EngineAFPacket, largest: small, want: EngineAFPacket},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Settings{Engine: c.asked}.For(c.largest).Engine
			if got == EngineAuto {
				got = chooseEngine(func() error { return c.try })
			}
			if got != c.want {
				t.Errorf("engine %q, want %q", got, c.want)
			}
		})
	}
}

// A calibration serves all set-ups with the same traffic: the bare wire has no wan link.
func TestCalibrationIsShared(t *testing.T) {
	t.Parallel()
	plain := Settings{}.onWire()
	for name, c := range map[string]struct {
		settings Settings
		shared   bool
	}{
		"an impaired wan link": {Settings{WAN: "delay=1ms"}, true},
		"captures":             {Settings{Pcap: "out", Reasons: true}, true},
		"both directions":      {Settings{Direction: rfc2544.Both}, false},
		"another engine":       {Settings{Engine: EngineAFPacket}, false},
		"IPv6":                 {Settings{IPv6: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.settings.onWire() == plain; got != c.shared {
				t.Errorf("shared with the defaults': %t, want %t", got, c.shared)
			}
		})
	}
}

// scripted is a device whose trials end like this.
type scripted struct{ err error }

func (s scripted) Measure(context.Context, rfc2544.Trial) (rfc2544.Observation, error) {
	return rfc2544.Observation{Valid: true}, s.err
}

func (s scripted) MeasureReset(context.Context, rfc2544.Trial, rfc2544.Reset) (rfc2544.Observation, error) {
	return rfc2544.Observation{}, s.err
}

func TestObserved(t *testing.T) {
	t.Parallel()
	trial := rfc2544.Trial{Size: 64, Load: 1000, Duration: time.Second}
	for name, c := range map[string]struct {
		err  error
		want []bool // whether the trials that were heard of are valid
	}{
		"every trial is heard of":     {nil, []bool{true, false}},
		"one that failed is no trial": {ErrDied, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var heard []bool
			m := Observed(scripted{c.err}, func(of rfc2544.Trial, o rfc2544.Observation) {
				heard = append(heard, o.Valid)
				if of != trial {
					t.Errorf("heard of %+v", of)
				}
			})
			_, err1 := m.Measure(context.Background(), trial)
			_, err2 := m.MeasureReset(context.Background(), trial, rfc2544.Reset{})
			if !errors.Is(err1, c.err) || !errors.Is(err2, c.err) {
				t.Errorf("errors %v and %v, want %v", err1, err2, c.err)
			}
			if diff := cmp.Diff(c.want, heard); diff != "" {
				t.Errorf("heard (-want +got):\n%s", diff)
			}
		})
	}
}
