package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"

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
			log, err := events.NewLogger(s.Err, f.logFormat, f.logLevel)
			if err != nil {
				return cli.BadInput(err)
			}
			counters := func(t *reference.Tunnel) { events.Counters(log, t.Stats()) }
			if f.logFormat == "text" {
				counters = func(t *reference.Tunnel) { fmt.Fprintln(s.Err, t.Stats()) }
			}
			err = f.run(ctx, tunnelEnd{log: log, counters: counters}, *check)
			if f.logFormat == "json" { // every line is one of the log
				return cli.Log(ctx, err, log)
			}
			return err
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
	again    func(context.Context) (reload.End, error) // reads the file
	log      *slog.Logger
	counters func(*reference.Tunnel) // shows them
	hangups  <-chan os.Signal        // ask to read the file again
	metrics  *openmetrics.Server     // nil: nobody wants any
}

// run reads the file and runs the tunnel.
func (f *tunnelFlags) run(ctx context.Context, end tunnelEnd, check bool) (err error) {
	if !check {
		hangups, stop := signals.Hangups() // first: it would end the program
		defer stop()
		end.hangups = hangups
	}
	if end.End, err = f.read(ctx); err != nil {
		return cli.BadInput(err)
	}
	if f.keyLog != "" && !end.Sealed() {
		return cli.BadUsage("tunnel: --key-log: belongs to a sealed tunnel")
	}
	if check {
		return nil
	}
	end.again = f.read
	return f.logKeys(end, func(end tunnelEnd) error { return f.serve(ctx, end) })
}

// serve runs the tunnel with its metrics, whose address is opened first.
func (f *tunnelFlags) serve(ctx context.Context, end tunnelEnd) (err error) {
	if f.metrics == "" {
		return runTunnel(ctx, end)
	}
	if end.metrics, err = openmetrics.Listen(f.metrics); err != nil {
		return noMetrics(f.metrics, err)
	}
	end.metrics.ErrorLog = events.Sparse(end.log)
	err = runTunnel(ctx, end)
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
func (f *tunnelFlags) read(ctx context.Context) (reload.End, error) {
	switch {
	case f.config == "" && f.wg == "":
		return reload.End{}, errors.New("tunnel: --config FILE is missing, or --wg FILE")
	case f.config != "" && f.wg+f.dev+f.port+f.control != "":
		return reload.End{}, errors.New("tunnel: --config: its file has everything: leave out --wg, --dev, --port and --control-socket")
	case f.config != "":
		file, err := endfile.ReadFile(ctx, f.config, net.DefaultResolver)
		if err != nil {
			return reload.End{}, err
		}
		return reload.End{Config: file.Config, At: file.At}, nil
	case f.dev == "":
		return reload.End{}, errors.New("tunnel: --wg: --dev NAME is missing")
	}
	port := settings.TUN
	if f.port != "" {
		port = settings.PortKind(f.port)
	}
	end := settings.Defaults(port)
	end.Dev, end.ControlSocket = f.dev, settings.ControlSocketAt(f.control, f.dev)
	file, err := wgquick.ReadFile(ctx, f.wg, end)
	if err != nil {
		return reload.End{}, err
	}
	return reload.End{Config: file.Config, At: file.At}, nil
}

// runTunnel forwards packets until ctx is done. It shows the counters at the end and on each request.
func runTunnel(ctx context.Context, end tunnelEnd) (err error) {
	end.ExtraProcs = true // this process does nothing but forward
	t, err := reference.New(end.Config)
	if err != nil {
		return cli.MachineFault(end.At(err))
	}
	defer func() { err = errors.Join(err, t.Close()) }() // last: nobody reads or changes it then
	running, ended := context.WithCancel(ctx)
	defer ended()
	live := reload.New(running, t, end.End, end.again)
	if end.ControlSocket != "" {
		control, err := uapi.Listen(end.ControlSocket)
		if err != nil {
			return cli.MachineFault(end.At(&settings.FieldError{Field: "control_socket", Err: err}))
		}
		defer control.Close()
		log := end.log.With("socket", end.ControlSocket)
		go control.Serve(told{live, log}, func(err error) { log.Error(cli.OneLine(err)) })
	}
	asked := make(chan os.Signal, 1)
	cli.OnRequest(asked)
	defer signal.Stop(asked)
	done := make(chan error, 1)
	go func() {
		err := t.Run(ctx)
		ended()
		done <- err
	}()
	var watching sync.WaitGroup
	defer watching.Wait()
	watching.Go(func() { events.NewWatcher(end.log).Run(running, t) })
	if end.metrics != nil {
		end.metrics.Serve(openmetrics.NewRegistry(build(), append(openmetrics.Process(), metrics.NewCollector(t))...))
		defer func() { err = errors.Join(err, end.metrics.Close()) }()
		end.log.Info("metrics", "url", "http://"+end.metrics.Addr()+"/metrics")
	}
	end.sayUp()
	hungUp := told{live, end.log.With("signal", "SIGHUP")}
	for {
		select {
		case <-asked:
			end.counters(t)
		case <-end.hangups:
			if err := hungUp.Reload(); err != nil {
				hungUp.log.Error(cli.OneLine(err))
			}
		case err := <-done:
			end.counters(t)
			return whose(end, err)
		}
	}
}

// sayUp logs that the tunnel is up, and what is to be known of it.
func (e tunnelEnd) sayUp() {
	e.log.Info("the tunnel is up", "listen", e.Listen.String(), "port", e.Port, "interface", e.Dev, "peers", len(e.Peers), "sealed", e.Sealed())
	if !e.Sealed() {
		e.log.Warn("packets are not sealed: whoever is on their way can read and forge them, see docs/tunnel.md")
	}
	noteOn(e.log, e.Config)
}

// told is a tunnel that says in the log that it has read its file again.
type told struct {
	*reload.Live
	log *slog.Logger // with who has asked
}

// Reload reads the file again.
func (t told) Reload() error {
	err := t.Live.Reload()
	if err == nil {
		t.log.Info("the file is read again")
	}
	return err
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
