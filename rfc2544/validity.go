package rfc2544

import (
	"fmt"
	"slices"
	"strings"
)

// ReasonCode identifies a reason for programs.
type ReasonCode string

// Reasons why a trial does not count: it then says nothing about the device.
const (
	SenderShort      ReasonCode = "sender_short"      // the tester sent fewer frames than intended
	ReceiverOverflow ReasonCode = "receiver_overflow" // the tester's receiver dropped frames
	ForeignFrames    ReasonCode = "foreign_frames"    // too many frames that are stale or not the tester's
	Stalled          ReasonCode = "stalled"           // the machine took a core away
	OtherPrograms    ReasonCode = "other_programs"    // other programs used the device's cores
	SlowCore         ReasonCode = "slow_core"         // a core of the device ran below its full speed
	DUTDied          ReasonCode = "dut_died"          // the device ended during the trial
	SchedulePaused   ReasonCode = "schedule_paused"   // sending paused within a burst
	CutShort         ReasonCode = "cut_short"         // the run ended during the trial
	AttackShort      ReasonCode = "attack_short"      // the attacker sent fewer mutants than intended
	NoCleanTime      ReasonCode = "no_clean_time"     // disturbed from its beginning to its end; only a search asks for more
)

// Reasons why a measurement of TCP streams does not count.
const (
	NothingReceived   ReasonCode = "nothing_received"   // no byte or no transaction came through
	ConnectionsFailed ReasonCode = "connections_failed" // some of the connections failed
	NotMeasured       ReasonCode = "not_measured"       // the measurement ended with an error
)

// Reason is why a trial does not count.
type Reason struct {
	Code ReasonCode `json:"code"`
	Text string     `json:"text"` // for people: one sentence without a full stop
}

// Because returns a reason with a formatted text.
func Because(code ReasonCode, format string, args ...any) Reason {
	return Reason{code, fmt.Sprintf(format, args...)}
}

// Reasons are all the reasons why a trial does not count; it counts if there are none.
type Reasons []Reason

// Has reports whether a reason with the code is among them.
func (r Reasons) Has(code ReasonCode) bool {
	return slices.ContainsFunc(r, func(one Reason) bool { return one.Code == code })
}

// Texts returns the texts of all reasons.
func (r Reasons) Texts() []string {
	texts := make([]string, len(r))
	for i, one := range r {
		texts[i] = one.Text
	}
	return texts
}

// String joins the sentences by semicolons.
func (r Reasons) String() string { return strings.Join(r.Texts(), "; ") }

// Reject adds reasons and sets Valid, which is true if there is no reason at all.
func (o *Observation) Reject(reasons ...Reason) {
	o.Invalid = append(slices.Clip(o.Invalid), reasons...)
	o.Valid = len(o.Invalid) == 0
}
