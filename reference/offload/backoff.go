package offload

// Backoff lets packets or datagrams rest from being joined after the kernel has refused joined ones. They are then
// tried again, because the cause may not stay, such as a path MTU or a lack of memory.
type Backoff struct {
	Pause int // batches of the last rest; 0 if joined ones work
	rest  int // batches until joined ones are tried again
}

// A rest begins with MinPause batches and is twice as long after each further refusal, up to maxPause.
const (
	MinPause = 64
	maxPause = 4096
)

// Begin counts a batch.
func (b *Backoff) Begin() { b.rest = max(0, b.rest-1) }

// Resting reports whether packets are not to be joined.
func (b *Backoff) Resting() bool { return b.rest > 0 }

// Refused notes that the kernel has refused joined ones.
func (b *Backoff) Refused() {
	b.Pause = min(max(MinPause, 2*b.Pause), maxPause)
	b.rest = b.Pause
}

// Worked ends the doubling. Only joined packets or datagrams show that the kernel takes them.
func (b *Backoff) Worked() { b.Pause = 0 }
