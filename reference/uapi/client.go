package uapi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// ErrRefused is an error of a tunnel that was asked to read its file again: it goes on as it was.
var ErrRefused = errors.New("the tunnel goes on as it was")

// reloadTime is how long a tunnel may take to read its file and to look up names.
const reloadTime = time.Minute

// Reload asks the tunnel at a path to read its file again. The error wraps ErrRefused if the tunnel says what is
// wrong with the file.
func Reload(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, reloadTime)
	defer cancel()
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("no tunnel answers: %w", err)
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if _, err := io.WriteString(c, "reload=1\n\n"); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	answer, err := readRequest(bufio.NewReader(c))
	if err != nil {
		return fmt.Errorf("%s: the tunnel has not answered: %w", path, errors.Join(err, ctx.Err()))
	}
	for line := range strings.Lines(string(answer)) {
		switch name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "="); {
		case name == reason:
			return fmt.Errorf("%s (%w)", value, ErrRefused)
		case name == "errno" && value != "0":
			return fmt.Errorf("%s: no tunnel of this program: errno %s", path, value)
		}
	}
	return nil
}
