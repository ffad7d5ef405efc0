package result

import (
	"io"
	"slices"
	"strconv"

	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// CountsSchema is the schema version of a file of counts.
const CountsSchema = "tunnelbench.counts/1"

// Counts is exact cost, in instructions, counted in an emulated machine. It compares a tunnel with
// itself, before and after a change; it does not rank tunnels.
type Counts struct {
	Schema   string     `json:"schema"`
	Tool     Tool       `json:"tool"`
	Emulator string     `json:"emulator"` // program and version
	Kernel   string     `json:"kernel"`   // release of the emulated machine's kernel
	Costs    []Cost     `json:"costs"`
	Calls    []CallCost `json:"calls"`
}

// Cost is what a frame through a device costs, kernel and tester included.
type Cost struct {
	Device       string            `json:"device"`
	FrameSize    rfc2544.FrameSize `json:"frame_size"`
	Instructions float64           `json:"instructions_per_frame"`
	Left         *float64          `json:"left"`    // the part in the processes of the left end; null: it has none
	Right        *float64          `json:"right"`   // the same of the right end
	Batches      int               `json:"batches"` // measured batches
	Lost         int               `json:"lost"`    // batches that lost a frame and do not count
}

// CallCost is what a call of a function costs.
type CallCost struct {
	Name         string  `json:"name"`
	Instructions float64 `json:"instructions_per_call"`
}

// Cost returns the cost of a device at a size, or nil.
func (c *Counts) Cost(device string, size rfc2544.FrameSize) *Cost {
	i := slices.IndexFunc(c.Costs, func(x Cost) bool { return x.Device == device && x.FrameSize == size })
	if i < 0 {
		return nil
	}
	return &c.Costs[i]
}

// ReadCounts reads an untrusted file of counts, as strictly as Read reads results.
func ReadCounts(r io.Reader, name string) (*Counts, error) {
	c := new(Counts)
	if err := countsSchema().Read(r, name, c, func() error { return checkCounts(c, "") }); err != nil {
		return nil, err
	}
	return c, nil
}

// WriteCounts writes the counts to path atomically.
func WriteCounts(path string, c *Counts) error {
	data, err := EncodeCounts(c)
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(path, data, 0o644)
}

// EncodeCounts returns the file of the counts. It returns an error for counts that ReadCounts would
// refuse.
func EncodeCounts(c *Counts) ([]byte, error) {
	n := normalCounts(c)
	return countsSchema().Write("counts", n, func() error { return checkCounts(n, "") })
}

// normalCounts returns c with its schema and with empty lists instead of nil.
func normalCounts(c *Counts) *Counts {
	if c == nil {
		return nil
	}
	n := *c
	n.Schema, n.Costs, n.Calls = CountsSchema, NotNil(c.Costs), NotNil(c.Calls)
	return &n
}

// mostInstructions bounds a count: more would take a host a month.
const mostInstructions = 1e15

// checkCounts returns an error for numbers that are no counts.
func checkCounts(c *Counts, where string) error {
	if c == nil {
		return nil
	}
	for i, x := range c.Costs {
		for _, v := range []*float64{&x.Instructions, x.Left, x.Right} {
			if v != nil && !isCount(*v) {
				return strictjson.At(where+"/costs/"+strconv.Itoa(i), strictjson.Quote(x.Device)+" has a value that is no number of instructions")
			}
		}
	}
	for i, x := range c.Calls {
		if !isCount(x.Instructions) {
			return strictjson.At(where+"/calls/"+strconv.Itoa(i), strictjson.Quote(x.Name)+" has a value that is no number of instructions")
		}
	}
	return nil
}

// isCount reports whether v can be a number of instructions; NaN is none.
func isCount(v float64) bool { return v >= 0 && v <= mostInstructions }
