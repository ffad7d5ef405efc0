package reference

// backoff lets packets or datagrams rest from being joined after the kernel has refused joined ones. They are then
// tried again, because the cause may not stay, such as a path MTU or a lack of memory.
type backoff struct {
	rest  int // batches until joined ones are tried again
	pause int // batches of the last rest; 0 if joined ones work
}

// A rest begins with minPause batches and is twice as long after each further refusal, up to maxPause.
const (
	minPause = 64
	maxPause = 4096
)

// begin counts a batch.
func (b *backoff) begin() { b.rest = max(0, b.rest-1) }

func (b *backoff) resting() bool { return b.rest > 0 }

func (b *backoff) refused() {
	b.pause = min(max(minPause, 2*b.pause), maxPause)
	b.rest = b.pause
}

// worked ends the doubling. Only joined packets or datagrams show that the kernel takes them.
func (b *backoff) worked() { b.pause = 0 }
