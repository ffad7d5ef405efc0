package guest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"

	"github.com/tunnelbench/tunnelbench/internal/lab/emulated"
	"github.com/tunnelbench/tunnelbench/internal/lab/emulated/calls"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// unknownRole is the exit status of a build that is older than the role.
const unknownRole = 2

// countCalls runs a build of this program, which counts the instructions of its own functions. An
// older build, which cannot, has no counts.
func countCalls(ctx context.Context, program string) error {
	cmd := exec.CommandContext(ctx, program, calls.Word)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == unknownRole {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", program, calls.Word, err, bytes.TrimSpace(stderr.Bytes()))
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var c result.CallCost
		if err := d.Decode(&c); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		say(emulated.Line{Call: &c})
	}
}
