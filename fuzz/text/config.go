package text

import (
	"context"
	"errors"
	"net/netip"
	"strings"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/reference"
	"github.com/tunnelbench/tunnelbench/reference/endfile"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// configPerByte is how many bytes the YAML reader may allocate for each byte of input.
const configPerByte = 8 << 10

// Config attacks the reader of a tunnel's configuration. A configuration that it accepts must be
// valid, and NewEnd must accept it.
func Config(data []byte) int {
	const longest = 1 << 12 // bytes; people write these files
	if len(data) > longest {
		return 0
	}
	input := oracle.Exact(data)
	var file *endfile.File
	var err error
	oracle.Allocates(oracle.PerByte(configPerByte, data), func() { file, err = readConfig(input) })
	oracle.Untouched(input, data)
	const costly = 8 // one input in 8 is checked
	if oracle.Sampled(data, costly) {
		small, large := oracle.Stretch(data)
		oracle.Slopes(readConfigAndForget, small, large)
	}
	if err != nil {
		oracle.Line(err)
		if !strings.HasPrefix(err.Error(), "end.yaml:") {
			oracle.Fail(oracle.OneLine, "error %q does not name its file", err)
		}
		return 0
	}
	if err := file.Config.Validate(); err != nil {
		oracle.Fail(oracle.Agreement, "the accepted configuration is invalid: %v", err)
	}
	if _, err := reference.NewEnd(file.Config, 1, func([]byte) {}, func(netip.AddrPort, []byte) {}); err != nil {
		oracle.Fail(oracle.Agreement, "NewEnd refuses the accepted configuration: %v", err)
	}
	return 1
}

func readConfigAndForget(data []byte) { _, _ = readConfig(data) }

func readConfig(data []byte) (*endfile.File, error) {
	return endfile.Read(context.Background(), "end.yaml", data, oneHost{}, oneKey)
}

// oneKey has a key in one file, and something else in another.
func oneKey(path string) ([]byte, error) {
	switch path {
	case "key":
		return []byte(wireguard.PrivateKey{8, 1}.Base64() + "\n"), nil
	case "zeros":
		return []byte(wireguard.PrivateKey{}.Base64()), nil
	case "text":
		return []byte("text"), nil
	}
	return nil, errors.New("no such file")
}

// oneHost resolves one host name, without a network.
type oneHost struct{}

func (oneHost) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	switch {
	case host == "empty.example":
		return nil, nil
	case host != "peer.example":
		return nil, errors.New("no such host")
	case network == "ip6":
		return []netip.Addr{netip.MustParseAddr("2001:db8::2")}, nil
	}
	return []netip.Addr{netip.MustParseAddr("192.0.2.2")}, nil
}
