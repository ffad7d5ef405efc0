//go:build !linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

var errAttackLinux = fmt.Errorf("an attack needs Linux: %w", errors.ErrUnsupported)

// wanSocket is not to be had here.
type wanSocket struct{}

func openWANSocket(*netns.NS) (*wanSocket, error) { return nil, errAttackLinux }

func (a *wanSocket) close() error { return nil }

func (a *wanSocket) routineSend(context.Context, [][]byte, rfc2544.Rate, time.Duration, []int) (uint64, error) {
	return 0, errAttackLinux
}

// answers are not counted here.
type answers struct{}

type answerCount struct{ other, icmp traffic }

type traffic reports.Traffic

func (t traffic) minus(o traffic) reports.Traffic { return reports.Traffic{} }

func countAnswers(*netns.NS, netip.Addr) (*answers, error) { return nil, errAttackLinux }

func (a *answers) read() (answerCount, error) { return answerCount{}, errAttackLinux }

func (a *answers) close() error { return nil }
