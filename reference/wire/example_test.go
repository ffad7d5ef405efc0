package wire_test

import (
	"fmt"

	"github.com/tunnelbench/tunnelbench/reference/wire"
)

func Example() {
	// The sender leaves room for the header in front of the packet.
	packet := []byte("an IP packet")
	datagram := append(make([]byte, wire.HeaderLen), packet...)
	wire.PutHeader(datagram, 7, 1)

	// The receiver checks the datagram, then its sequence number.
	var window wire.Window
	for range 2 {
		header, payload, err := wire.ParseDatagram(datagram)
		if err == nil {
			err = window.Accept(header.Sequence)
		}
		if err != nil {
			fmt.Println("dropped:", err)
			continue
		}
		fmt.Printf("tunnel %d, sequence %d: %s\n", header.Tunnel, header.Sequence, payload)
	}
	// Output:
	// tunnel 7, sequence 1: an IP packet
	// dropped: sequence number seen before
}

func ExampleParseDatagram() {
	datagram := make([]byte, wire.HeaderLen+4)
	wire.PutHeader(datagram, 7, 1)
	datagram[len(datagram)-1] ^= 1 // a bit is damaged on the way
	_, _, err := wire.ParseDatagram(datagram)
	fmt.Println(err)
	_, _, err = wire.ParseDatagram(datagram[:20])
	fmt.Println(err)
	_, _, err = wire.ParseDatagram(datagram[:10])
	fmt.Println(err)
	// Output:
	// wrong checksum
	// length field differs from the datagram's length
	// datagram shorter than the header
}

// The receiver of one tunnel refuses other tunnels before it pays for the checksum.
func ExampleParseHeader() {
	datagram := make([]byte, wire.HeaderLen+4)
	wire.PutHeader(datagram, 8, 1)
	header, err := wire.ParseHeader(datagram)
	switch {
	case err != nil:
		fmt.Println("dropped:", err)
	case header.Tunnel != 7:
		fmt.Println("dropped: another tunnel")
	case !wire.ChecksumHolds(datagram):
		fmt.Println("dropped:", wire.ErrChecksum)
	}
	// Output:
	// dropped: another tunnel
}

func ExampleWindow() {
	var window wire.Window
	for _, sequence := range []uint64{10000, 9999, 9999, 10000 - wire.WindowSize - 1} {
		fmt.Println(sequence, window.Accept(sequence))
	}
	// Output:
	// 10000 <nil>
	// 9999 <nil>
	// 9999 sequence number seen before
	// 1871 sequence number older than the replay window
}
