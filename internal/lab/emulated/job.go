package emulated

import (
	"github.com/tunnelbench/tunnelbench/reports/interop"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// GuestWord is the first argument of this program when it is the first process of the guest.
const GuestWord = "__guest"

// JobFile is the path of the guest's Job, in JSON.
const JobFile = "/job.json"

// Mark begins the lines of the serial console that are for the host: a Line in JSON follows.
const Mark = "@host "

// LargestFrame is the largest frame that the guest's links carry, in bytes, FCS included.
const LargestFrame rfc2544.FrameSize = 1518

// Job is what the guest does.
type Job struct {
	Modules []string            `json:"modules"` // files of kernel modules, in the order of loading
	Devices []string            `json:"devices"` // as dut.Parse reads them, with paths of the guest
	Sizes   []rfc2544.FrameSize `json:"sizes"`
	Batches int                 `json:"batches"`         // measured batches for each device and size
	Calls   string              `json:"calls,omitempty"` // program whose functions are counted; empty: none
	// Interop are checks of package interop that the devices are put to, as ends of WireGuard, instead of counting.
	Interop []string `json:"interop,omitempty"`
}

// Line is one message of the guest. Exactly one field is set.
type Line struct {
	Cost  *result.Cost     `json:"cost,omitempty"`
	Call  *result.CallCost `json:"call,omitempty"`
	Cell  *interop.Cell    `json:"cell,omitempty"`
	Fault *Fault           `json:"fault,omitempty"`
	Done  bool             `json:"done,omitempty"`
}

// Fault says why the guest has no cost of a device, or why it could not do its job at all.
type Fault struct {
	Device string `json:"device,omitempty"` // empty: the guest itself failed
	Reason string `json:"reason"`
}
