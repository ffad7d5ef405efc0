package role

import (
	"context"
	"fmt"
	"os"

	"github.com/tunnelbench/tunnelbench/netns/relay"
)

func runRelay(ctx context.Context, e End, _ func() error) error {
	c, err := relay.Parse(e.Params)
	if err != nil {
		return err
	}
	return relay.Run(ctx, c, func() { fmt.Println("begun") }, os.Stderr)
}

var _ = register(Relay, runRelay)
