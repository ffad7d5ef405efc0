// Package openmetrics serves metrics over HTTP, in the text formats of Prometheus and OpenMetrics: those of a tunnel
// and those of a run.
//
//	GET /metrics ──► limits ──► registry ──► collectors
package openmetrics

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"
)

// Build tells builds apart.
type Build struct{ Version, Commit, Go string }

// NewRegistry returns the metrics of collectors, and the build.
func NewRegistry(b Build, all ...prometheus.Collector) *prometheus.Registry {
	r := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "tunnelbench_build_info", Help: "Always 1; the labels say what is running.",
		ConstLabels: prometheus.Labels{"version": b.Version, "revision": b.Commit, "goversion": b.Go},
	})
	build.Set(1)
	r.MustRegister(append(all, build)...)
	return r
}

// Process returns the collectors of this process and of its Go runtime.
func Process() []prometheus.Collector {
	return []prometheus.Collector{collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})}
}

// Limits of the server, so that slow readers and too many of them cost little.
const (
	patience        = 10 * time.Second
	mostReaders     = 4
	mostConnections = 64
)

// Server serves /metrics.
type Server struct {
	// ErrorLog gets what is wrong with connections, if it is set before Serve.
	ErrorLog *log.Logger

	listener net.Listener
	http     *http.Server
}

// ErrAddress is wrapped by the error of an address that is none.
var ErrAddress = errors.New("want HOST:PORT, such as localhost:9469")

// Listen opens the address; the port 0 takes a free one. It serves only after Serve.
func Listen(address string) (*Server, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", address, ErrAddress)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return nil, fmt.Errorf("%q: the port is a number up to 65535: %w", address, ErrAddress)
	}
	if host != "" && host != "localhost" && net.ParseIP(host) == nil {
		return nil, fmt.Errorf("%q: the host is an IP address or localhost: %w", address, ErrAddress)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return &Server{listener: l}, nil
}

// Inherit returns a server at the address that File is of, and closes the file.
func Inherit(f *os.File) (*Server, error) {
	l, err := net.FileListener(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return &Server{listener: l}, nil
}

// File returns the open address, for a child that serves instead of this process.
func (s *Server) File() (*os.File, error) { return s.listener.(*net.TCPListener).File() }

// Addr returns where the server listens.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Serve serves the metrics until Close.
func (s *Server) Serve(r prometheus.Gatherer) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(r, promhttp.HandlerOpts{EnableOpenMetrics: true, MaxRequestsInFlight: mostReaders, Timeout: patience}))
	s.http = &http.Server{Handler: mux, ReadTimeout: patience, WriteTimeout: 2 * patience, IdleTimeout: 6 * patience, MaxHeaderBytes: 1 << 14, ErrorLog: s.ErrorLog}
	l := netutil.LimitListener(s.listener, mostConnections)
	go func() { _ = s.http.Serve(l) }() // ends with Close
}

// Close ends the server.
func (s *Server) Close() error {
	if s.http == nil {
		return s.listener.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) != nil { // a reader is slow
		return s.http.Close()
	}
	return nil
}
