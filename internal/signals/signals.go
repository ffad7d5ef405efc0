// Package signals decides what the program and its roles do on a signal.
//
//	SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXCPU   the first ends the work in order, a second one the program
//	SIGPIPE, SIGXFSZ                            none: the write returns an error
//
// A signal that is ignored when the program starts, as under nohup(1), stays ignored. Go cannot tell
// this of signals other than SIGHUP and SIGINT.
package signals

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

// requests are the signals by which the program is asked to end.
var requests = append([]os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM}, limitRequests...)

// names has what a shell calls the requests.
var names = map[os.Signal]string{
	syscall.SIGHUP: "SIGHUP", syscall.SIGINT: "SIGINT", syscall.SIGQUIT: "SIGQUIT", syscall.SIGTERM: "SIGTERM",
}

// Ended is the cause of a context that a signal has ended.
type Ended struct{ Signal os.Signal }

// Error names the signal.
func (e Ended) Error() string {
	if name, ok := names[e.Signal]; ok {
		return "ended by " + name
	}
	return "ended by a signal: " + e.Signal.String()
}

// Is makes Ended a context.Canceled.
func (e Ended) Is(target error) bool { return target == context.Canceled }

// sameRequest is the time within which signals are one request: timeout(1) and a closing terminal
// send theirs twice, and systemd.kill(5) can send SIGTERM and SIGHUP at once.
const sameRequest = 150 * time.Millisecond

// Context returns a context that ends at the first request, with an Ended as its cause. The next
// request then ends the program, as if it had no handler. Call stop before the program ends.
func Context() (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	asked, failed := make(chan os.Signal, 1), make(chan os.Signal, 1)
	hungUp := make(chan os.Signal, 1) // apart: what is for Hangups must not take another's place
	for _, s := range heeded() {
		if s == syscall.SIGHUP {
			signal.Notify(hungUp, s)
		} else {
			signal.Notify(asked, s)
		}
	}
	signal.Notify(failed, failures...) // nobody reads it: the error of the write says it
	go routineEnd(ctx, asked, hungUp, cancel)
	return ctx, func() {
		signal.Stop(asked)
		signal.Stop(hungUp)
		signal.Stop(failed)
		cancel(nil)
	}
}

// routineEnd ends the context at the first request and then lets requests have their default
// action, except those of a limit: the kernel repeats SIGXCPU each second until the hard limit.
func routineEnd(ctx context.Context, asked, hungUp <-chan os.Signal, cancel context.CancelCauseFunc) {
	var s os.Signal
	for s == nil {
		select {
		case s = <-asked:
		case s = <-hungUp:
			if taken.Load() {
				s = nil
			}
		case <-ctx.Done():
			return
		}
	}
	cancel(Ended{s})
	time.Sleep(sameRequest)
	signal.Reset(slices.DeleteFunc(heeded(), func(s os.Signal) bool { return slices.Contains(limitRequests, s) })...)
}

// taken says that SIGHUP is for Hangups.
var taken atomic.Bool

// Hangups returns each SIGHUP that arrives until stop is called, for a program that reads its file again then. Meanwhile
// it does not end the program.
func Hangups() (hangups <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	taken.Store(true)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() {
		signal.Stop(c)
		taken.Store(false)
	}
}

// heeded returns the requests that are not ignored. A shell without job control starts a background
// job with SIGINT and SIGQUIT ignored, and Go keeps only the first one so.
func heeded() []os.Signal {
	if signal.Ignored(syscall.SIGINT) {
		signal.Ignore(syscall.SIGQUIT)
	}
	return slices.DeleteFunc(slices.Clone(requests), signal.Ignored)
}

// Role returns the context of a role of this program that its parent ends by SIGTERM. A signal that
// reaches all processes of the program, such as by killall(1), must not look as if the role had
// failed.
func Role() (ctx context.Context, stop func()) {
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT)
	return signal.NotifyContext(context.Background(), syscall.SIGTERM)
}

// LeaveToParent makes this process ignore all requests: it ends when its parent wants it to, or has
// ended.
func LeaveToParent() { signal.Ignore(append(slices.Clone(requests), syscall.SIGPIPE)...) }

// Caught returns the requests as they arrive, for a process that passes them on to a command. They
// are not ignored, because the command would inherit that.
func Caught() <-chan os.Signal {
	c := make(chan os.Signal, 8)
	signal.Notify(c, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM)
	return c
}
