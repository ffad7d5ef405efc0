package trace

// Capture is what a capture of a trace's packets is made of.
type Capture struct {
	events []event
	snaps  []byte
	joined joined
	places []place
	nameOf func(uint32) string
}
