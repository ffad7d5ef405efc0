package guest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/tunnelbench/tunnelbench/internal/lab/emulated"
	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

func init() {
	reexec.Register(emulated.GuestWord, func([]string) error {
		say(finish(start()))
		return sys.Restart() // with -no-reboot, this ends the emulator
	})
}

// say prints a line for the host.
func say(l emulated.Line) {
	text, err := json.Marshal(l)
	if err != nil {
		text, _ = json.Marshal(emulated.Line{Fault: &emulated.Fault{Reason: err.Error()}}) // cannot fail: it has only text
	}
	fmt.Printf("\n%s%s\n", emulated.Mark, text)
}

// finish returns the last line for the host.
func finish(err error) emulated.Line {
	if err != nil {
		return emulated.Line{Fault: &emulated.Fault{Reason: err.Error()}}
	}
	return emulated.Line{Done: true}
}

// start makes the small system ready and does the job.
func start() error {
	os.Unsetenv("GODEBUG") // the host sets it for this process alone
	os.Setenv("PATH", "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	if err := sys.MountGuest(); err != nil {
		return err
	}
	text, err := os.ReadFile(emulated.JobFile)
	if err != nil {
		return err
	}
	var job emulated.Job
	if err := json.Unmarshal(text, &job); err != nil {
		return err
	}
	for _, module := range job.Modules {
		if err := sys.LoadModule(module); err != nil {
			return err
		}
	}
	ctx := context.Background()
	if len(job.Interop) > 0 {
		return tryEnds(ctx, job)
	}
	for _, spec := range job.Devices {
		d, err := dut.Parse(spec)
		if err != nil {
			return err
		}
		if err := count(ctx, d, job); err != nil {
			say(emulated.Line{Fault: &emulated.Fault{Device: spec, Reason: err.Error()}})
		}
	}
	if job.Calls != "" {
		return countCalls(ctx, job.Calls)
	}
	return nil
}
