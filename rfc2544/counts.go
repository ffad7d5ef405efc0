package rfc2544

// Counts are the frame counts of a stream, a direction or a whole trial. They balance to the frame:
//
//	offered = received + lost
//	lost    = late + corrupted + dropped on the way
//
// Received counts distinct, intact frames of this trial that arrived within the loss timeout. Late
// frames arrived after it and count as lost, and so do corrupted frames. These are counted in
// addition: duplicated and reordered frames, stale frames (of an earlier trial) and foreign frames
// (not sent by the tester).
type Counts struct {
	Intended   uint64 `json:"intended"`
	Offered    uint64 `json:"offered"`
	Received   uint64 `json:"received"`
	Lost       uint64 `json:"lost"`
	Duplicated uint64 `json:"duplicated"`
	Reordered  uint64 `json:"reordered"`
	Corrupted  uint64 `json:"corrupted"`
	Late       uint64 `json:"late"`
	Stale      uint64 `json:"stale"`
	Foreign    uint64 `json:"foreign"`
}

// Add adds the counts of other.
func (c *Counts) Add(other Counts) {
	c.Intended += other.Intended
	c.Offered += other.Offered
	c.Received += other.Received
	c.Lost += other.Lost
	c.Duplicated += other.Duplicated
	c.Reordered += other.Reordered
	c.Corrupted += other.Corrupted
	c.Late += other.Late
	c.Stale += other.Stale
	c.Foreign += other.Foreign
}

// LossRatio returns the share of intended frames that did not come back within the loss timeout, in
// [0,1]. A frame that the tester failed to send counts as lost. For two directions it is the share
// of all frames (RFC 9971, Trial Loss Ratio).
func (c Counts) LossRatio() float64 {
	expected := max(c.Intended, c.Offered)
	if expected == 0 {
		return 0
	}
	return float64(expected-min(c.Received, expected)) / float64(expected) // one rounding: 5 of 1000 is exactly 0.005
}
