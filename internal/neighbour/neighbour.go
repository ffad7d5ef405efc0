package neighbour

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/closers"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/netns"
)

// roleWord is the first argument of this program when it runs as a process of the neighbour.
const roleWord = "__neighbour"

// Neighbour is a neighbour that runs. Its processes end with this one, however it ends.
type Neighbour struct {
	workers []*worker
	closers closers.Stack
}

// worker is a process of the neighbour.
type worker struct {
	task   task
	cmd    *exec.Cmd
	stdout io.Reader // one octet when the process is ready, no more until it ends
	stderr bytes.Buffer
}

// Start starts the neighbour in a lab that has divided the cores so, and waits until it is ready.
func (p *Plan) Start(lab netns.CPUPlan) (*Neighbour, error) {
	n := &Neighbour{}
	for _, t := range p.tasks(lab, netns.Siblings(lab.DUT)) {
		w, err := startWorker(t)
		if err != nil {
			return nil, errors.Join(err, n.Close())
		}
		n.workers = append(n.workers, w)
		n.closers.Push(w.close)
	}
	return n, nil
}

// Close stops the neighbour. It returns an error if a part of it had ended before.
func (n *Neighbour) Close() error { return n.closers.Close() }

func startWorker(t task) (*worker, error) {
	text, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	w := &worker{task: t, cmd: exec.Command("/proc/self/exe")}
	w.cmd.Args = []string{"tunnelbench", roleWord, strconv.Itoa(os.Getpid()), string(text)}
	w.cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	w.cmd.Stderr = &w.stderr
	if w.stdout, err = w.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := sys.StartTethered(w.cmd, []int{t.CPU}); err != nil {
		return nil, fmt.Errorf("%s on cpu %d: %w", name, t.CPU, err)
	}
	if _, err := io.ReadFull(w.stdout, make([]byte, 1)); err != nil {
		return nil, fmt.Errorf("%s on cpu %d did not start: %w: %s", name, t.CPU, w.cmd.Wait(), w.says())
	}
	return w, nil
}

// close stops the process and waits for it.
func (w *worker) close() error {
	killed := w.cmd.Process.Kill()
	var exit *exec.ExitError
	if err := w.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return errors.Join(killed, err)
	}
	if w.cmd.ProcessState.Exited() {
		return fmt.Errorf("%s on cpu %d ended before the lab did: %s: %s", name, w.task.CPU, w.cmd.ProcessState, w.says())
	}
	return killed
}

// says returns what an ended process wrote to stderr.
func (w *worker) says() string { return strings.TrimSpace(w.stderr.String()) }
