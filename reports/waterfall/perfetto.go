package waterfall

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"
)

// slice is an event of the Trace Event Format, which Perfetto and Chrome's about:tracing open. Times are in us.
type slice struct {
	Name  string         `json:"name"`
	Cat   string         `json:"cat,omitempty"`
	Phase string         `json:"ph"`
	Time  float64        `json:"ts"`
	Took  *float64       `json:"dur,omitempty"`
	PID   int            `json:"pid"`
	TID   int            `json:"tid"`
	Args  map[string]any `json:"args,omitempty"`
}

// lanes is how many frames of a hop have a line of their own at once; a frame more is left out.
const lanes = 64

// Perfetto writes frames as a timeline: a process for each direction, a group of lines for each hop. Frames come in the order in
// which they were sent, by the number of their stream. It returns how many slices were left out, because too many frames were in a hop at once.
func Perfetto(w io.Writer, t *Trace, frames iter.Seq2[int, Picked]) (leftOut int, err error) {
	b := bufio.NewWriter(w)
	if _, err := b.WriteString(`{"displayTimeUnit":"ns","traceEvents":[` + "\n"); err != nil {
		return 0, err
	}
	p := perfetto{out: b, busy: map[int]*[lanes]int64{}}
	for i, s := range t.Streams {
		p.write(slice{Name: "process_name", Phase: "M", PID: i + 1, Args: map[string]any{"name": t.Device + " " + s.Direction}})
	}
	for i, f := range frames {
		p.frame(i, t.Streams[i], f)
	}
	if p.fault != nil {
		return 0, p.fault
	}
	if _, err := b.WriteString("\n]}\n"); err != nil {
		return 0, err
	}
	return p.leftOut, b.Flush()
}

type perfetto struct {
	out     *bufio.Writer
	begun   bool
	busy    map[int]*[lanes]int64 // by stream and hop: until when each line is taken
	leftOut int
	fault   error
}

func (p *perfetto) frame(stream int, s Stream, f Picked) {
	for i := 1; i < len(f.Passes); i++ {
		from, to := f.Passes[i-1], f.Passes[i]
		group := stream<<8 | from.Point
		line, named := p.line(group, f.Sent+from.At, f.Sent+to.At)
		if line < 0 {
			p.leftOut++
			continue
		}
		tid := group*lanes + line + 1
		name := s.Points[from.Point].String() + " › " + s.Points[to.Point].String()
		if !named {
			p.write(slice{Name: "thread_name", Phase: "M", PID: stream + 1, TID: tid, Args: map[string]any{"name": fmt.Sprintf("%d %s", from.Point+1, name)}})
			p.write(slice{Name: "thread_sort_index", Phase: "M", PID: stream + 1, TID: tid, Args: map[string]any{"sort_index": tid}})
		}
		took := float64(to.At-from.At) / 1e3
		args := map[string]any{"sequence": f.Sequence}
		if f.Lost != "" {
			args["lost"] = f.Lost
		}
		p.write(slice{Name: fmt.Sprintf("frame %d", f.Sequence), Cat: name, Phase: "X", Time: float64(f.Sent+from.At) / 1e3, Took: &took, PID: stream + 1, TID: tid, Args: args})
	}
}

// line returns a line of the group that is free, and whether it was used before; -1: there is none.
func (p *perfetto) line(group int, from, to int64) (line int, used bool) {
	busy := p.busy[group]
	if busy == nil {
		busy = &[lanes]int64{}
		p.busy[group] = busy
	}
	for i, until := range busy {
		if until <= from {
			busy[i] = max(1, to)
			return i, until > 0
		}
	}
	return -1, false
}

func (p *perfetto) write(s slice) {
	text, err := json.Marshal(s)
	if err == nil && p.begun {
		_, err = p.out.WriteString(",\n")
	}
	p.begun = true
	if err == nil {
		_, err = p.out.Write(text)
	}
	if p.fault == nil {
		p.fault = err
	}
}
