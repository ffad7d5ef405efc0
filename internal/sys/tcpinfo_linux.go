package sys

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// TCPInfo is the kernel's state of the sending side of a TCP connection (TCP_INFO, tcp(7)).
type TCPInfo struct {
	Retransmits uint64        // segments, since the connection began
	RTT         time.Duration // smoothed
	MinRTT      time.Duration // recent minimum, within net.ipv4.tcp_min_rtt_wlen; 0 if nothing was sent
	MSS         int           // bytes of payload in a full segment, without TCP options
}

// ReadTCPInfo returns the kernel's state of the connection fd.
func ReadTCPInfo(fd uintptr) (TCPInfo, error) {
	i, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return TCPInfo{}, os.NewSyscallError("getsockopt TCP_INFO", err)
	}
	info := TCPInfo{Retransmits: uint64(i.Total_retrans), RTT: time.Duration(i.Rtt) * time.Microsecond, MSS: int(i.Snd_mss)}
	if i.Min_rtt != ^uint32(0) {
		info.MinRTT = time.Duration(i.Min_rtt) * time.Microsecond
	}
	return info, nil
}

// CongestionControl returns the name of the congestion control algorithm of the connection fd.
func CongestionControl(fd uintptr) (string, error) {
	name, err := unix.GetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION)
	return name, os.NewSyscallError("getsockopt TCP_CONGESTION", err)
}
