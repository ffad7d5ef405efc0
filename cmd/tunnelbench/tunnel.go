package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/openmetrics"
	"github.com/tunnelbench/tunnelbench/internal/signals"
	"github.com/tunnelbench/tunnelbench/reference"
	"github.com/tunnelbench/tunnelbench/reference/endfile"
	"github.com/tunnelbench/tunnelbench/reference/events"
	"github.com/tunnelbench/tunnelbench/reference/lanport"
	"github.com/tunnelbench/tunnelbench/reference/metrics"
	"github.com/tunnelbench/tunnelbench/reference/reload"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/uapi"
	"github.com/tunnelbench/tunnelbench/reference/wgquick"
)

var tunnelVerb = cli.Verb{
	Name: "tunnel", Doc: "run one end of the reference tunnel between real hosts",
	Examples: []string{"tunnel --config end.yaml --check", "tunnel --config end.yaml", "tunnel --wg wg0.conf --dev wg0"},
	Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
		f := &tunnelFlags{}
		set.StringVar(&f.config, "config", "", "`file` with the tunnel's end in YAML, see docs/tunnel.md")
		set.StringVar(&f.wg, "wg", "", "`file` of wg-quick with the end of a sealed tunnel, instead of --config")
		set.StringVar(&f.dev, "dev", "", "with --wg: the `interface`, which --port tun makes and --port xdp finds")
		set.StringVar(&f.port, "port", "", "with --wg: the `kind` of interface, tun or xdp (without, tun)")
		set.StringVar(&f.control, "control-socket", "", "with --wg: `path` of the socket that wg finds the tunnel by, or off (without, /var/run/wireguard/DEV.sock)")
		set.StringVar(&f.metrics, "metrics", "", "`address` to serve metrics at, for Prometheus: HOST:PORT")
		set.StringVar(&f.logFormat, "log-format", "text", "`format` of the log on stderr: text or json")
		set.StringVar(&f.logLevel, "log-level", "info", "`level` from which events are logged: debug, info, warn or error")
		set.StringVar(&f.keyLog, "key-log", "", keyLogDoc)
		check := set.Bool("check", false, "read the file and end")
		return func(ctx context.Context, s cli.Streams) error {
			e, err := f.read(ctx)
			if err != nil {
				return cli.BadInput(err)
			}
			if f.keyLog != "" && !e.Sealed() {
				return cli.BadUsage("tunnel: --key-log: belongs to a sealed tunnel")
			}
			e.again = func(ctx context.Context) (reload.End, error) {
				now, err := f.read(ctx)
				return now.End, err
			}
			if e.log, err = events.NewLogger(s.Err, f.logFormat, f.logLevel); err != nil {
				return cli.BadInput(err)
			}
			if *check {
				return nil
			}
			return f.logKeys(e, func(e tunnelEnd) error { return f.serve(ctx, s, e) })
		}
	},
}

type tunnelFlags struct {
	config, wg, dev, port, control       string
	metrics, logFormat, logLevel, keyLog string
}

// tunnelEnd is one end as a file has it.
type tunnelEnd struct {
	reload.End
	again   func(context.Context) (reload.End, error) // reads the file
	log     *slog.Logger
	metrics *openmetrics.Server // nil: nobody wants any
}

// serve runs the tunnel with its metrics, whose address is opened first.
func (f *tunnelFlags) serve(ctx context.Context, s cli.Streams, end tunnelEnd) (err error) {
	if f.metrics == "" {
		return runTunnel(ctx, s, end)
	}
	if end.metrics, err = openmetrics.Listen(f.metrics); err != nil {
		return noMetrics(f.metrics, err)
	}
	err = runTunnel(ctx, s, end)
	_ = end.metrics.Close() // of a tunnel that did not start
	return err
}

// noMetrics returns the error of an address of metrics that was not opened.
func noMetrics(address string, err error) error {
	if errors.Is(err, openmetrics.ErrAddress) {
		return cli.BadUsage("--metrics %v", err)
	}
	return cli.MachineFault(fmt.Errorf("--metrics %s: %w", address, err))
}

// read reads the file.
func (f *tunnelFlags) read(ctx context.Context) (tunnelEnd, error) {
	switch {
	case f.config == "" && f.wg == "":
		return tunnelEnd{}, errors.New("tunnel: --config FILE is missing, or --wg FILE")
	case f.config != "" && f.wg+f.dev+f.port+f.control != "":
		return tunnelEnd{}, errors.New("tunnel: --config: its file has everything: leave out --wg, --dev, --port and --control-socket")
	case f.config != "":
		file, err := endfile.ReadFile(ctx, f.config, net.DefaultResolver)
		if err != nil {
			return tunnelEnd{}, err
		}
		return tunnelEnd{End: reload.End{Config: file.Config, At: file.At}}, nil
	case f.dev == "":
		return tunnelEnd{}, errors.New("tunnel: --wg: --dev NAME is missing")
	}
	port := settings.TUN
	if f.port != "" {
		port = settings.PortKind(f.port)
	}
	end := settings.Defaults(port)
	end.Dev, end.ControlSocket = f.dev, settings.ControlSocketAt(f.control, f.dev)
	file, err := wgquick.ReadFile(ctx, f.wg, end)
	if err != nil {
		return tunnelEnd{}, err
	}
	return tunnelEnd{End: reload.End{Config: file.Config, At: file.At}}, nil
}

// runTunnel forwards packets until ctx is done. It prints the counters at the end and on each
// request.
func runTunnel(ctx context.Context, s cli.Streams, end tunnelEnd) error {
	end.ExtraProcs = true // this process does nothing but forward
	t, err := reference.New(end.Config)
	if err != nil {
		return cli.MachineFault(end.At(err))
	}
	live := reload.New(ctx, t, end.End, end.again)
	if end.ControlSocket != "" {
		control, err := uapi.Listen(end.ControlSocket)
		if err != nil {
			err = end.At(&settings.FieldError{Field: "control_socket", Err: err})
			return cli.MachineFault(errors.Join(err, t.Close()))
		}
		defer control.Close()
		go control.Serve(live, func(err error) { end.log.Error(cli.OneLine(err), "socket", end.ControlSocket) })
	}
	asked := make(chan os.Signal, 1)
	cli.OnRequest(asked)
	defer signal.Stop(asked)
	hangups, stop := signals.Hangups()
	defer stop()
	done := make(chan error, 1)
	go func() { done <- t.Run(ctx) }()
	watching, unwatch := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		events.NewWatcher(end.log).Run(watching, t)
		close(watched)
	}()
	if end.metrics != nil {
		end.metrics.Serve(openmetrics.NewRegistry(build(), append(openmetrics.Process(), metrics.NewCollector(t))...))
		end.log.Info("metrics", "url", "http://"+end.metrics.Addr()+"/metrics")
	}
	end.log.Info("the tunnel is up", "listen", end.Listen.String(), "port", end.Port, "interface", end.Dev, "peers", len(end.Peers), "sealed", end.Sealed())
	if !end.Sealed() {
		end.log.Warn("packets are not sealed: whoever is on their way can read and forge them, see docs/tunnel.md")
	}
	noteOn(end.log, end.Config)
	for {
		select {
		case <-asked:
			fmt.Fprintln(s.Err, t.Stats())
		case <-hangups:
			if err := live.Reload(); err != nil {
				end.log.Error(cli.OneLine(err), "signal", "SIGHUP")
			} else {
				end.log.Info("the file is read again", "signal", "SIGHUP")
			}
		case err := <-done:
			fmt.Fprintln(s.Err, t.Stats())
			unwatch()
			<-watched // nobody reads a tunnel that is closed
			if end.metrics != nil {
				err = errors.Join(err, end.metrics.Close())
			}
			return errors.Join(whose(end, err), t.Close())
		}
	}
}

// noteOn logs what an XDP port cannot do where it is.
func noteOn(log *slog.Logger, cfg settings.Config) {
	ifi, err := net.InterfaceByName(cfg.Dev)
	if err != nil || cfg.Port != settings.XDP {
		return
	}
	if note := lanport.Note(ifi.Index); note != "" {
		log.Warn(note, "interface", cfg.Dev)
	}
}

// whose marks an error about a field of the file, such as an interface that was removed, as this machine's.
func whose(end tunnelEnd, err error) error {
	if field := (*settings.FieldError)(nil); errors.As(err, &field) {
		return cli.MachineFault(end.At(err))
	}
	return err
}
