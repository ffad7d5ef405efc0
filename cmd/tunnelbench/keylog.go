package main

import (
	"errors"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/reference/keylog"
)

const keyLogDoc = "append what opens each session of a sealed tunnel to a `file`, for Wireshark: whoever has it reads all traffic of these sessions, and has the private key"

// logKeys runs a tunnel with a key log, if one is asked for.
func (f *tunnelFlags) logKeys(end tunnelEnd, run func(tunnelEnd) error) error {
	if f.keyLog == "" {
		return run(end)
	}
	log, err := keylog.Open(f.keyLog, func(err error) { end.log.Error(cli.OneLine(err)) })
	if err != nil {
		return cli.BadInput(err)
	}
	end.Secrets = log.Add
	end.log.Warn("whoever has this file reads all traffic of this tunnel", "key_log", f.keyLog)
	return errors.Join(run(end), log.Close())
}
