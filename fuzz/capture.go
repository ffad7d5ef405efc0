package fuzz

import (
	"bytes"
	"encoding/binary"
	"net"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/tunnelbench/tunnelbench/reference/offload"
)

// tunnelPort is the UDP port of the reference tunnel in captures.
const tunnelPort = 4754

// capture returns packets as a pcapng file. The same packets make the same file.
func capture(packets [][]byte) ([]byte, error) {
	var file bytes.Buffer
	w := pcapgo.NewWriter(&file)
	if err := w.WriteFileHeader(1<<16, layers.LinkTypeEthernet); err != nil {
		return nil, err
	}
	for i, packet := range packets {
		frame := append([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00}, packet...)
		if len(packet) > 0 && packet[0]>>4 == 6 {
			frame[12], frame[13] = 0x86, 0xdd
		}
		frame = frame[:min(len(frame), 1<<16)]
		info := gopacket.CaptureInfo{Timestamp: time.Unix(0, int64(i)*1000).UTC(), CaptureLength: len(frame), Length: len(frame)}
		if err := w.WritePacket(info, frame); err != nil {
			return nil, err
		}
	}
	return file.Bytes(), nil
}

// itself is for inputs that are a packet.
func itself(data []byte) [][]byte { return [][]byte{data} }

// superPacket is for inputs that are a packet after a virtio_net_hdr.
func superPacket(data []byte) [][]byte {
	return [][]byte{data[min(len(data), offload.VirtioLen):]}
}

// behindIP is for inputs that are the payload of an IP protocol.
func behindIP(protocol byte) func([]byte) [][]byte {
	return func(data []byte) [][]byte {
		return [][]byte{underlay(protocol, net.IP{192, 0, 2, 2}, data)}
	}
}

// datagramTo is for inputs that are the payload of UDP to a port.
func datagramTo(port uint16) func([]byte) [][]byte {
	return func(data []byte) [][]byte {
		return [][]byte{underlay(17, net.IP{192, 0, 2, 2}, datagram(port, data))}
	}
}

// message is for inputs of wire.Decap: source, segment length and datagrams.
func message(data []byte) (packets [][]byte) {
	if len(data) < 3 {
		return nil
	}
	from := []net.IP{{192, 0, 2, 2}, {192, 0, 2, 3}, {203, 0, 113, 9}}[data[0]>>1%3]
	size, row := int(binary.BigEndian.Uint16(data[1:])), data[3:]
	if size == 0 {
		size = len(row)
	}
	for first := true; first || len(row) > 0; first = false {
		n := min(size, len(row))
		packets = append(packets, underlay(17, from, datagram(tunnelPort, row[:n])))
		row = row[n:]
	}
	return packets
}

func datagram(port uint16, data []byte) []byte {
	header := binary.BigEndian.AppendUint16(nil, tunnelPort)
	header = binary.BigEndian.AppendUint16(header, port)
	header = binary.BigEndian.AppendUint16(header, uint16(8+len(data)))
	return append(append(header, 0, 0), data...) // no checksum: RFC 768
}

func underlay(protocol byte, from net.IP, data []byte) []byte {
	ip := &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: layers.IPProtocol(protocol), SrcIP: from, DstIP: net.IP{192, 0, 2, 1}}
	b := gopacket.NewSerializeBuffer()
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(b, options, ip, gopacket.Payload(data)); err != nil {
		return data // too long for a packet: written without a header
	}
	return b.Bytes()
}
