package xdp

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
)

// Chain runs an XDP program on each frame that has come in, after the tester's own, which has then taken its time and counted it. The
// program has to return XDP_DROP, and the engine's config has to say that it is Chained. Chain(nil) ends it.
func (x *Engine) Chain(p *ebpf.Program) error {
	if !x.cfg.Chained {
		return errors.New("the engine was opened without room for another program")
	}
	if p == nil {
		if err := x.objects.Behind.Delete(uint32(0)); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("unchain the program behind the tester: %w", err)
		}
		return nil
	}
	if err := x.objects.Behind.Put(uint32(0), p); err != nil {
		return fmt.Errorf("chain a program behind the tester: %w", err)
	}
	return nil
}
