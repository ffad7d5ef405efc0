package show

import (
	"fmt"
	"io"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Trial is one trial of a device, ready to print.
type Trial struct {
	Device, Engine string
	Size           rfc2544.FrameSize
	Window         int // frames in flight in a closed loop; 0: the load decides
	Seen           rfc2544.Observation
}

// WriteText writes the result of the trial: frame counts, where frames were lost, latencies, CPU
// time, and why the trial is invalid.
func (t Trial) WriteText(w io.Writer) error {
	r := t.Seen
	fmt.Fprintf(w, "%s, %d bytes, %s, %v, engine %s\n", t.Device, t.Size, t.load(), r.Duration.Round(time.Microsecond), t.Engine)
	fmt.Fprintf(w, "  offered %d, received %d, lost %d (%s, %d late)\n", r.Offered, r.Received, r.Lost, lossText(r), r.Late)
	fmt.Fprintf(w, "  duplicated %d, reordered %d, corrupted %d, stale %d, foreign %d\n", r.Duplicated, r.Reordered, r.Corrupted, r.Stale, r.Foreign)
	for _, d := range r.Directions {
		fmt.Fprintf(w, "  %s: offered %d, received %d, lost %d (%.3g %%, %d late), duplicated %d, reordered %d, corrupted %d, stale %d, foreign %d\n",
			d.Direction, d.Offered, d.Received, d.Lost, 100*d.LossRatio(), d.Late, d.Duplicated, d.Reordered, d.Corrupted, d.Stale, d.Foreign)
		WriteDistribution(w, d.Direction+" latency", d.Latency)
	}
	if t.Window > 0 {
		fmt.Fprintf(w, "  rate %v per direction\n", r.ForwardingRate())
	}
	printClean(w, r)
	printDrops(w, r)
	WriteDistribution(w, "latency", r.Latency)
	WriteDistribution(w, "latency without stalls", r.LatencyQuiet)
	WriteDistribution(w, "lateness", r.Lateness)
	fmt.Fprintf(w, "  stalls %d, schedule paused for %v\n", len(r.Stalls), r.Paused.Round(time.Microsecond))
	if r.CPUPerFrame != nil {
		fmt.Fprintf(w, "  CPU %.0f ns per frame over all cores\n", *r.CPUPerFrame)
	}
	WriteDoubts(w, r.Invalid, r.Warnings)
	return nil
}

// load returns what the sender was to do.
func (t Trial) load() string {
	if t.Window > 0 {
		return fmt.Sprintf("closed loop of %d frames", t.Window)
	}
	return fmt.Sprintf("%v intended", t.Seen.IntendedLoad)
}

// printClean prints the part of the trial that nothing disturbed, if something did.
func printClean(w io.Writer, r rfc2544.Observation) {
	if r.Clean != nil && r.Clean.Offered < r.Offered {
		fmt.Fprintf(w, "  clean for %v of it: offered %d, received %d, lost %.3g %%\n",
			r.CleanTime().Round(time.Millisecond), r.Clean.Offered, r.Clean.Received, 100*r.CleanLossRatio())
	}
	for _, reason := range r.Disturbed {
		fmt.Fprintf(w, "  disturbed: %s\n", reason.Text)
	}
}

// printDrops prints where frames were lost, as far as counters recorded it, and the kernel's reasons
// if any were.
func printDrops(w io.Writer, r rfc2544.Observation) {
	for _, d := range r.Drops.Once() {
		fmt.Fprintf(w, "  lost at %s: %d\n", d.Place(), d.Frames)
	}
	if r.Unexplained != 0 {
		fmt.Fprintf(w, "  lost at unexplained: %d\n", r.Unexplained)
	}
	if r.Lost == 0 {
		return // the kernel drops other packets as well, such as its own
	}
	for _, d := range r.DropReasons {
		fmt.Fprintf(w, "  the kernel's reason at %s (%s): %d\n", d.Place(), reasonText(d.Reason), d.Frames)
	}
}

// lossText returns the loss ratio. With two directions it adds which frames it refers to.
func lossText(r rfc2544.Observation) string {
	text := fmt.Sprintf("%.3g %%", 100*r.LossRatio())
	if len(r.Directions) > 0 {
		text += " of the frames of both directions"
	}
	return text
}
