package sys

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Commands, string sets and sizes of the ethtool ioctl (linux/ethtool.h).
const (
	ethGetStrings  = 0x1b
	ethGetStats    = 0x1d
	ethGetSetInfo  = 0x37
	ethGetFeatures = 0x3a
	ethSetFeatures = 0x3b

	ethStatNames    = 1
	ethFeatureNames = 4
	ethNameLen      = 32

	ethGetBlock  = 16 // available, requested, active, never_changed
	ethSetBlock  = 8  // valid, requested
	featuresHead = 8
	stringsHead  = 12
	statsHead    = 8
	setInfoHead  = 16
)

// ethtool is an open ioctl handle for one interface of the calling thread's namespace.
type ethtool struct {
	dev  string
	sock int
}

func openEthtool(dev string) (*ethtool, error) {
	if len(dev) >= unix.IFNAMSIZ {
		return nil, fmt.Errorf("interface %q: name longer than %d", dev, unix.IFNAMSIZ-1)
	}
	sock, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	return &ethtool{dev: dev, sock: sock}, nil
}

func (e *ethtool) Close() error { return unix.Close(e.sock) }

// do runs the command at the start of buf. The kernel writes its answer into buf.
func (e *ethtool) do(buf []byte) error {
	req := struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}{data: unsafe.Pointer(&buf[0])}
	copy(req.name[:], e.dev)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(e.sock), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req)))
	runtime.KeepAlive(buf)
	if errno != 0 {
		return fmt.Errorf("ethtool %s, command %#x: %w", e.dev, binary.NativeEndian.Uint32(buf), errno)
	}
	return nil
}

// names returns the strings of a string set, in index order.
func (e *ethtool) names(set uint32) ([]string, error) {
	native := binary.NativeEndian
	info := make([]byte, setInfoHead+4)
	native.PutUint32(info, ethGetSetInfo)
	native.PutUint64(info[8:], 1<<set)
	if err := e.do(info); err != nil {
		return nil, err
	}
	n := int(native.Uint32(info[setInfoHead:]))
	if n == 0 {
		return nil, nil
	}
	buf := make([]byte, stringsHead+n*ethNameLen)
	native.PutUint32(buf, ethGetStrings)
	native.PutUint32(buf[4:], set)
	native.PutUint32(buf[8:], uint32(n))
	if err := e.do(buf); err != nil {
		return nil, err
	}
	names := make([]string, n)
	for i := range names {
		field := buf[stringsHead+i*ethNameLen:][:ethNameLen]
		name, _, _ := bytes.Cut(field, []byte{0})
		names[i] = string(name)
	}
	return names, nil
}

// EthFeatures reads the offloads of an interface of the calling thread's namespace.
func EthFeatures(dev string) ([]EthFeature, error) {
	e, err := openEthtool(dev)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	names, err := e.names(ethFeatureNames)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	native := binary.NativeEndian
	blocks := (len(names) + 31) / 32
	buf := make([]byte, featuresHead+blocks*ethGetBlock)
	native.PutUint32(buf, ethGetFeatures)
	native.PutUint32(buf[4:], uint32(blocks))
	if err := e.do(buf); err != nil {
		return nil, err
	}
	features := make([]EthFeature, len(names))
	for i, name := range names {
		block := buf[featuresHead+i/32*ethGetBlock:]
		bit := uint32(1) << (i % 32)
		features[i] = EthFeature{
			Name:       name,
			Active:     native.Uint32(block[8:])&bit != 0,
			Changeable: native.Uint32(block)&bit != 0 && native.Uint32(block[12:])&bit == 0,
		}
	}
	return features, nil
}

// SetEthFeatures switches offloads on or off by name. The kernel can refuse some of them without
// an error, so read them back.
func SetEthFeatures(dev string, want map[string]bool) error {
	e, err := openEthtool(dev)
	if err != nil {
		return err
	}
	defer e.Close()
	names, err := e.names(ethFeatureNames)
	if err != nil || len(names) == 0 {
		return err
	}
	native := binary.NativeEndian
	blocks := (len(names) + 31) / 32
	buf := make([]byte, featuresHead+blocks*ethSetBlock)
	native.PutUint32(buf, ethSetFeatures)
	native.PutUint32(buf[4:], uint32(blocks))
	for i, name := range names {
		on, asked := want[name]
		if !asked {
			continue
		}
		block := buf[featuresHead+i/32*ethSetBlock:]
		bit := uint32(1) << (i % 32)
		native.PutUint32(block, native.Uint32(block)|bit)
		if on {
			native.PutUint32(block[4:], native.Uint32(block[4:])|bit)
		}
	}
	return e.do(buf)
}

// EthStats reads the driver's own counters of an interface of the calling thread's namespace, as
// ethtool -S prints them. The map is empty if the driver has no counters.
func EthStats(dev string) (map[string]int64, error) {
	e, err := openEthtool(dev)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	names, err := e.names(ethStatNames)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	native := binary.NativeEndian
	buf := make([]byte, statsHead+len(names)*8)
	native.PutUint32(buf, ethGetStats)
	native.PutUint32(buf[4:], uint32(len(names)))
	if err := e.do(buf); err != nil {
		return nil, err
	}
	stats := make(map[string]int64, len(names))
	for i, name := range names {
		stats[name] = int64(native.Uint64(buf[statsHead+i*8:]))
	}
	return stats, nil
}
