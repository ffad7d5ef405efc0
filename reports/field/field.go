// Package field holds what `tunnelbench field` measured of every tunnel that is installed on a machine, and
// its file field.json.
//
//	internal/lab/field ─► Field, one for each machine ─► field.json, Text, reports/field/page
//	                        │
//	                        └─► Groups, Ranks, Tau: what is compared with what, and in which order
package field

import (
	"cmp"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/behaviour"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Schema names the format of a Field as JSON.
const Schema = "tunnelbench.field/1"

// Field is what was measured on one machine.
type Field struct {
	Schema  string              `json:"schema"`
	Tool    result.Tool         `json:"tool"`
	Command []string            `json:"command"`
	Profile string              `json:"profile"`
	Seed    uint64              `json:"seed"`
	Started time.Time           `json:"started"`
	Ended   time.Time           `json:"ended"`
	Machine string              `json:"machine"` // tells machines apart; a hash, no name
	Host    result.Host         `json:"host"`
	Control string              `json:"control"` // the device that the others are measured beside
	Sizes   []rfc2544.FrameSize `json:"frame_sizes"`
	Devices []Device            `json:"devices"`
}

// State is what became of a device.
type State string

// The states of a device.
const (
	Works       State = "works"
	Overloaded  State = "fails under load" // it comes up, and loses frames where no tunnel has to
	Failed      State = "failed"           // it did not come up, or died
	Unsupported State = "cannot run here"
	NotMeasured State = "not measured" // the run ended before
)

// What a device carries.
const (
	Packets = "packets"
	Streams = "streams"
)

// Device is what is known and was measured of one device.
type Device struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind"`    // a kind of package result
	Carries string   `json:"carries"` // Packets or Streams
	About   About    `json:"about"`
	State   State    `json:"state"`
	Why     string   `json:"why"` // one line; empty if it works
	Points  []Point  `json:"points"`
	Goodput *Goodput `json:"goodput,omitempty"`
	// Memory is the resident memory of the processes of both ends after the load, in bytes, without what is backed by files.
	// Nil: the device has no processes, or nothing was measured.
	Memory *int64 `json:"memory_bytes,omitempty"`
	// Behaviour is what the tests of `tunnelbench behaviour` that the profile has found out, in their order.
	Behaviour []behaviour.Finding `json:"behaviour"`
}

// About is what the recipe, or this program, says of a device.
type About struct {
	Text     string   `json:"text"`
	Home     string   `json:"home"`
	Licence  string   `json:"licence"`
	Language string   `json:"language"`
	Cipher   string   `json:"cipher"`  // empty: plain
	Carrier  string   `json:"carrier"` // what its datagrams or streams are carried by, such as UDP
	Version  string   `json:"version"`
	Install  string   `json:"install"` // a command line
	Recipe   string   `json:"recipe"`  // name; empty: a device of this program
	Cannot   []string `json:"cannot"`
	Book     int      `json:"overhead_by_the_book_bytes"` // added to an inner IPv4 packet, outer IPv4 header included; 0: unknown
}

// Interval is a value with what it lies between, from N samples.
type Interval struct {
	Value float64 `json:"value"`
	Lower float64 `json:"lower"`
	Upper float64 `json:"upper"`
	N     int     `json:"n"`
}

// Overlaps reports whether two intervals have a value in common.
func (i Interval) Overlaps(o Interval) bool { return i.Lower <= o.Upper && o.Lower <= i.Upper }

// Point is what was measured at one frame size. What could not be measured is nil.
type Point struct {
	Size   rfc2544.FrameSize `json:"frame_size"`
	Rate   *Interval         `json:"rate_fps,omitempty"`         // in a closed loop, as measured; the bounds are the range that it had
	Normal *Interval         `json:"normal_fps,omitempty"`       // the same at the control's usual speed, with a 95 % interval
	Share  *Interval         `json:"share_of_control,omitempty"` // Normal by the control's usual rate
	CPU    *Interval         `json:"cpu_ns_per_frame,omitempty"` // at Half; the bounds are the range of the trials
	Light  *Load             `json:"light,omitempty"`            // at the light load
	Half   *Load             `json:"half,omitempty"`             // at half of the closed-loop rate
}

// Load is trials at one load. Counts are sums over them.
type Load struct {
	Rate      rfc2544.Rate `json:"load_fps"`
	Offered   uint64       `json:"offered_frames"`
	Received  uint64       `json:"received_frames"`
	Late      uint64       `json:"late_frames"` // whole, but after the loss timeout
	Corrupted uint64       `json:"corrupted_frames"`
	// Of the time in which nothing outside of the device disturbed; all of it if the engine cannot tell.
	CleanOffered  uint64 `json:"clean_offered_frames"`
	CleanReceived uint64 `json:"clean_received_frames"`

	P50 *time.Duration `json:"p50_ns,omitempty"` // medians over the trials, without the slices that the machine disturbed
	P99 *time.Duration `json:"p99_ns,omitempty"`
}

// Add adds the counts of later trials at the same load.
func (l *Load) Add(o Load) {
	l.Offered += o.Offered
	l.Received += o.Received
	l.Late += o.Late
	l.Corrupted += o.Corrupted
	l.CleanOffered += o.CleanOffered
	l.CleanReceived += o.CleanReceived
}

// Lost returns the offered frames that did not come back whole, or not at all.
func (l Load) Lost() uint64 { return l.Offered - min(l.Offered, l.Received+l.Late) }

// LossRatio returns the share of the offered frames that the device lost, in [0,1]: of the clean time, or of all if that is
// less, since late frames are not lost.
func (l Load) LossRatio() float64 {
	ratio := float64(l.Lost()) / float64(max(1, l.Offered))
	if l.CleanOffered > 0 {
		ratio = min(ratio, float64(l.CleanOffered-min(l.CleanOffered, l.CleanReceived))/float64(l.CleanOffered))
	}
	return ratio
}

// Goodput is that of one TCP connection through the device.
type Goodput struct {
	Bits       Interval `json:"bps"`
	Congestion string   `json:"congestion_control"` // of the hosts
}

// Finding returns the finding of a test; ok is false without one.
func (d *Device) Finding(test string) (f behaviour.Finding, ok bool) {
	return behaviour.Device{Findings: d.Behaviour}.Finding(test)
}

// Point returns what was measured at a frame size; nil if nothing was.
func (d *Device) Point(size rfc2544.FrameSize) *Point {
	for i := range d.Points {
		if d.Points[i].Size == size {
			return &d.Points[i]
		}
	}
	return nil
}

// Rate returns the rate of a device that works at a frame size: at the control's usual speed where that is known, else as
// measured alone. Nil: not measured.
func (d *Device) Rate(size rfc2544.FrameSize) *Interval {
	p := d.Point(size)
	if p == nil || d.State != Works || p.TooLarge(d.Points) {
		return nil
	}
	return cmp.Or(p.Normal, p.Rate)
}

// Compared returns the rate by which devices are compared at a frame size. Nil: there is none, as the device was not measured
// beside the control.
func (d *Device) Compared(size rfc2544.FrameSize) *Interval {
	if p := d.Point(size); p != nil && d.Rate(size) != nil {
		return p.Normal
	}
	return nil
}

// Group is devices that are compared with each other, the fastest first, and those without a figure last.
type Group struct {
	Name    string // Calibration, Plain, Sealed or Streams
	Devices []*Device
}

// groups are those of the devices, in their order.
var groups = []string{result.KindCalibration, result.KindPlain, result.KindSealed, Streams}

// GroupOf returns the name of the group of a device.
func GroupOf(d *Device) string {
	if d.Carries == Streams {
		return Streams
	}
	return d.Kind
}

// Groups returns the devices that came up, or failed to, by group: plain ones are compared with plain ones, sealed with
// sealed, and those that carry streams among themselves.
func (f *Field) Groups() (out []Group) {
	for _, name := range groups {
		g := Group{Name: name}
		for i := range f.Devices {
			if d := &f.Devices[i]; GroupOf(d) == name && d.State != Unsupported {
				g.Devices = append(g.Devices, d)
			}
		}
		slices.SortStableFunc(g.Devices, func(a, b *Device) int { return cmp.Compare(f.speed(b), f.speed(a)) })
		if len(g.Devices) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// speed is what the devices of a group are ordered by; -1 without one.
func (f *Field) speed(d *Device) float64 {
	if d.Carries == Streams && d.Goodput != nil && d.State == Works {
		return d.Goodput.Bits.Value
	}
	if r := d.Rate(slices.Min(append(slices.Clone(f.Sizes), rfc2544.MaxFrame))); r != nil {
		return r.Value
	}
	return -1
}

// Missing returns the devices that cannot run on this machine.
func (f *Field) Missing() (out []*Device) {
	for i := range f.Devices {
		if f.Devices[i].State == Unsupported {
			out = append(out, &f.Devices[i])
		}
	}
	return out
}
