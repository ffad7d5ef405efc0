package sealed

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/wgquick"
)

// quickPerByte is how many bytes the reader of a wg-quick file may allocate for each byte of it.
const quickPerByte = 1 << 10

var (
	// shellKey matches lines that would run a shell command.
	shellKey = regexp.MustCompile(`(?im)^[ \t]*(pre|post)(up|down)[ \t]*=`)
	// keyText matches a key in base64, or the greater part of one.
	keyText = regexp.MustCompile(`[A-Za-z0-9+/]{40}`)
)

// Quick attacks the reader of wg-quick files. What it accepts is a valid configuration, and comes back unchanged
// when it is written and read again. What runs a shell is refused, and no error shows a key.
func Quick(data []byte) int {
	const longest = 1 << 12 // bytes; people write these files
	if len(data) > longest {
		return 0
	}
	input := oracle.Exact(data)
	var file *wgquick.File
	var err error
	oracle.Allocates(oracle.PerByte(quickPerByte, data), func() { file, err = readQuick(input) })
	oracle.Untouched(input, data)
	const costlyFile = 16 // one input in 16 is checked
	if oracle.Sampled(data, costlyFile) {
		small, large := oracle.Stretch(data)
		oracle.Slopes(func(b []byte) { _, _ = readQuick(b) }, small, large)
	}
	if err != nil {
		oracle.Line(err)
		if !strings.HasPrefix(err.Error(), "wg0.conf:") && !strings.HasPrefix(err.Error(), "--") || keyText.MatchString(withoutPublic(err.Error())) {
			oracle.Fail(oracle.OneLine, "error %q does not name its file, or shows a key", err)
		}
		return 0
	}
	if shellKey.Match(data) {
		oracle.Fail(oracle.Agreement, "a file with a shell command is accepted:\n%q", data)
	}
	if err := file.Config.Validate(); err != nil {
		oracle.Fail(oracle.Agreement, "the accepted configuration is invalid: %v", err)
	}
	again, err := readQuick([]byte(written(file.Config)))
	if err != nil || !reflect.DeepEqual(again.Config, file.Config) {
		oracle.Fail(oracle.RoundTrip, "%+v comes back as %+v, %v", file.Config, again, err)
	}
	return 1
}

func readQuick(data []byte) (*wgquick.File, error) {
	end := settings.Defaults(settings.TUN)
	end.Dev = "wg0"
	return wgquick.Read("wg0.conf", data, end)
}

// withoutPublic removes public keys, which errors about them may show, and what follows.
func withoutPublic(text string) string {
	before, _, _ := strings.Cut(text, ": PublicKey: ")
	return before
}

// written writes the file of a configuration.
func written(c settings.Config) string {
	var text strings.Builder
	fmt.Fprintf(&text, "[Interface]\nPrivateKey = %s\nListenPort = %d\nMTU = %d\n", c.Private.Base64(), c.Listen.Port(), c.MTU)
	for _, p := range c.Peers {
		fmt.Fprintf(&text, "[Peer]\nPublicKey = %v\nPresharedKey = %s\nPersistentKeepalive = %d\n", p.Public, p.Preshared.Base64(), p.Keepalive/time.Second)
		if p.Endpoint.IsValid() {
			fmt.Fprintf(&text, "Endpoint = %v\n", p.Endpoint)
		}
		for _, prefix := range p.Prefixes {
			fmt.Fprintf(&text, "AllowedIPs = %v\n", prefix)
		}
	}
	return text.String()
}
