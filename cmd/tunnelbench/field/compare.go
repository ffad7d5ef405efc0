package field

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/tunnelbench/tunnelbench/internal/bounded"
	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/field"
	"github.com/tunnelbench/tunnelbench/reports/field/page"
)

// agree compares the order of the devices in two files at each frame size of both.
func (f *flags) agree(ctx context.Context, s cli.Streams) error {
	if f.set.NArg() != 2 {
		return cli.BadUsage("field --compare: give two files of runs, such as a/field.json b/field.json")
	}
	var both []*field.Field
	for _, path := range f.set.Args() {
		data, err := bounded.File(ctx, path, strictjson.MaxFile)
		if err != nil {
			return cli.BadInput(err)
		}
		one, err := field.Read(bytes.NewReader(data), path)
		if err != nil {
			return cli.BadInput(err)
		}
		both = append(both, one)
	}
	text, compared := "", false
	for _, size := range both[0].Sizes {
		if slices.Contains(both[1].Sizes, size) {
			a := field.Agree(both[0], both[1], size)
			text, compared = text+page.Agreement(size, a), compared || a.Devices > 1
		}
	}
	if !compared {
		return cli.BadInput(fmt.Errorf("%s and %s: have no two devices with a rate in common", f.set.Arg(0), f.set.Arg(1)))
	}
	return cli.Say(s.Out, text)
}
