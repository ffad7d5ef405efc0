//go:build ignore

// Command connect-ip carries IP packets in QUIC datagrams, as RFC 9484 says, with connect-ip-go. The server makes a
// certificate and writes it to a file; the client reads it there and trusts it alone.
//
//	connect-ip -dev tb-left -cert cert.pem -listen 192.0.2.1:443
//	connect-ip -dev tb-right -cert cert.pem -connect 192.0.2.1:443
package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"

	connectip "github.com/quic-go/connect-ip-go"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/songgao/water"
	"github.com/yosida95/uritemplate/v3"
)

// largest is the size of the largest packet, in bytes.
const largest = 65535

// The underlay has room for what the header adds, so its path need not be measured. 1452 is the largest first packet
// that quic-go sends.
var settings = &quic.Config{EnableDatagrams: true, InitialPacketSize: 1452, MaxIdleTimeout: 5 * time.Minute, KeepAlivePeriod: 10 * time.Second}

func main() {
	dev := flag.String("dev", "", "the interface")
	file := flag.String("cert", "", "the server's certificate")
	listen := flag.String("listen", "", "the address of the server")
	connect := flag.String("connect", "", "the server to connect to")
	flag.Parse()
	config := water.Config{DeviceType: water.TUN}
	config.Name = *dev
	tun, err := water.New(config)
	if err != nil {
		log.Fatal(err)
	}
	if *listen != "" {
		err = serve(*listen, *file, tun)
	} else {
		err = dial(*connect, *file, tun)
	}
	log.Fatal(err)
}

func serve(addr, file string, tun *water.Interface) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	cert, err := certificate(file, net.ParseIP(host))
	if err != nil {
		return err
	}
	uri := uritemplate.MustNew("https://" + addr + "/vpn")
	server := http3.Server{
		Addr: addr, EnableDatagrams: true, QUICConfig: settings, TLSConfig: http3.ConfigureTLSConfig(&tls.Config{Certificates: []tls.Certificate{cert}}),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			request, err := connectip.ParseProxyRequest(r, uri)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			conn, err := (&connectip.Proxy{}).Proxy(w, request)
			if err == nil {
				err = carry(conn, tun)
			}
			log.Print(err)
		}),
	}
	return server.ListenAndServe()
}

// certificate makes a certificate for the address, and puts it into the file when it is complete.
func certificate(file string, ip net.IP) (tls.Certificate, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{ip}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, public, private)
	if err != nil {
		return tls.Certificate{}, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	err = errors.Join(os.WriteFile(file+".new", text, 0o644), os.Rename(file+".new", file))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, err
}

func dial(addr, file string, tun *water.Interface) error {
	const pause = 50 * time.Millisecond
	text, err := os.ReadFile(file)
	for ; errors.Is(err, os.ErrNotExist); text, err = os.ReadFile(file) {
		time.Sleep(pause)
	}
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	request, err := connectip.NewRequest(context.Background(), uritemplate.MustNew("https://"+addr+"/vpn"))
	if err != nil {
		return err
	}
	transport := connectip.Transport{QUICConfig: settings, TLSClientConfig: http3.ConfigureTLSConfig(&tls.Config{RootCAs: roots})}
	conn, answer, err := transport.Dial(request)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return carry(conn, tun)
}

// carry copies packets both ways until one fails. Each side offers routes to all addresses.
func carry(conn *connectip.Conn, tun *water.Interface) error {
	defer conn.Close()
	err := conn.AdvertiseRoute([]connectip.IPRoute{
		{StartIP: netip.IPv4Unspecified(), EndIP: netip.MustParseAddr("255.255.255.255")},
		{StartIP: netip.IPv6Unspecified(), EndIP: netip.MustParseAddr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")},
	})
	if err != nil {
		return err
	}
	failed := make(chan error, 2)
	go func() { failed <- receive(conn, tun) }()
	go func() { failed <- send(conn, tun) }()
	return <-failed
}

func receive(conn *connectip.Conn, tun *water.Interface) error {
	packet := make([]byte, largest)
	for {
		n, err := conn.ReadPacket(packet)
		if err != nil {
			return err
		}
		if _, err := tun.Write(packet[:n]); err != nil {
			log.Print(err)
		}
	}
}

// send sends what comes out of the interface. A packet that cannot be sent may be answered with one of ICMP.
func send(conn *connectip.Conn, tun *water.Interface) error {
	packet := make([]byte, largest)
	for {
		n, err := tun.Read(packet)
		if err != nil {
			return err
		}
		icmp, err := conn.WritePacket(packet[:n])
		if err != nil {
			return err
		}
		if len(icmp) > 0 {
			_, _ = tun.Write(icmp) // lost, like any packet
		}
	}
}
