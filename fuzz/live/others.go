//go:build !linux

package live

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

var errLinux = fmt.Errorf("an attack needs Linux: %w", errors.ErrUnsupported)

// wanSocket is not supported on this system.
type wanSocket struct{}

func openWANSocket(*netns.NS, []int) (*wanSocket, error) { return nil, errLinux }

func (a *wanSocket) close() error { return nil }

func (a *wanSocket) routineSend(context.Context, [][]byte, rfc2544.Rate, time.Duration) (uint64, time.Duration, error) {
	return 0, 0, errLinux
}

// eavesdropper is not supported on this system.
type eavesdropper struct{ session *mutate.Session }

func eavesdrop(*netns.Net, place, wireguard.PublicKey) (*eavesdropper, error) { return nil, errLinux }

func (e *eavesdropper) learn() error    { return errLinux }
func (e *eavesdropper) notes() []string { return nil }
func (e *eavesdropper) close() error    { return nil }

// answers is not supported on this system.
type answers struct{}

func countAnswers(*netns.NS, netip.Addr) (*answers, error) { return nil, errLinux }

func (a *answers) read() (answerCount, error) { return answerCount{}, errLinux }

func (a *answers) close() error { return nil }
