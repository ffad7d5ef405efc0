package text

import (
	_ "embed"
	"strings"
)

// endYAML is the configuration from the documentation.
//
//go:embed end.yaml
var endYAML []byte

// ConfigSeeds are configurations, valid and invalid, and difficult YAML.
func ConfigSeeds() [][]byte {
	const short = "listen: 192.0.2.1:4754\ndev: tb0\npeers:\n- {id: 1, endpoint: 'peer.example:4754', prefixes: [0.0.0.0/0]}\n"
	const far = `public_key: "B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw="`
	const sealed = "private_key_file: key\nlisten: 0.0.0.0:4754\ndev: tb0\npeers:\n- {" + far + ", preshared_key_file: key, keepalive: 25s, prefixes: [0.0.0.0/0]}\n"
	return [][]byte{
		[]byte(sealed), []byte(strings.Replace(sealed, "_file: key", "_file: zeros", 1)), []byte(strings.Replace(sealed, "_file: key", "_file: text", 1)),
		[]byte(strings.ReplaceAll(sealed, "_file: key,", "_file: none,")), []byte(strings.ReplaceAll(sealed, "25s", "25")), []byte(strings.ReplaceAll(sealed, "B6N", "b6n")),
		[]byte(strings.ReplaceAll(sealed, "private_key_file: key\n", "")), []byte(strings.Replace(sealed, "_file: key", "_file: '"+strings.Repeat("A", 43)+"='", 1)),
		endYAML, []byte(short), []byte(strings.ReplaceAll(short, "192.0.2.1:4754", "'[2001:db8::1]:4754'")),
		[]byte(strings.ReplaceAll(short, "peer.example", "empty.example")), []byte(strings.ReplaceAll(short, "peer.example", "no.example")),
		[]byte(strings.ReplaceAll(short, "0.0.0.0/0", "0.0.0.0/33")), []byte(strings.ReplaceAll(short, "192.0.2.1:", "x:")),
		[]byte("a: &a [1]\nb: [*a, *a]\n"), []byte("- 1"), []byte("peers: 7"), []byte("\x00"), []byte("{{{"), nil,
		[]byte(strings.ReplaceAll(short, "endpoint: 'peer.example:4754', ", "")), // an error about a field that is not there
		[]byte(short + "mtu: 9000\nport: xdp\n"), []byte(short + "workers: 1e3\ncpus: [0, -1]\n"),
		[]byte("\ufeff" + short), []byte(short + "---\n" + short), []byte("\xff\xfea\x00"),
	}
}

// ReplaySeeds are recorded trials.
func ReplaySeeds() [][]byte {
	return [][]byte{
		[]byte(`{"load_fps":1000,"duration_s":1,"effective_duration_s":1.5,"loss_ratio":0.005}`),
		[]byte("{\"load_fps\":1e-300,\"duration_s\":1e9,\"loss_ratio\":1}\n\n{\"load_fps\":5,\"duration_s\":1e-9,\"loss_ratio\":0}"),
		[]byte(`{"load_fps":[[[[[[`), []byte(`{"load_fps":1,"duration_s":-1,"loss_ratio":0}`), []byte(`{"load_fps":1,"duration_s":1,"loss_ratio":1.5}`), []byte(`{"load_fps":0,"duration_s":1,"loss_ratio":0}`),
	}
}

// WordsSeeds are words for each parser.
func WordsSeeds() (seeds [][]byte) {
	for i, texts := range [][]string{
		{"150kpps", "1Gbps", "80%", "max", "1e400fps", "-1pps"}, {"64,512,1518", "64,64", "9217"},
		{"pdr", "ndr", "loss=0.005,exceed=0.5,final=1s,sum=21s,width=0.01"}, {"0.5%", "0.005", "-1"},
		{"capacity=1Mpps", "capacity=1e6,loss=0.1", "seed=1"}, {"0-3,5", "3-0", "0"},
		{"reference:engine=pool,pin=off", "exec:/bin/true", "vxlan", "reference:workers=99", "wire"}, {"shaped:rate=1Gbps", "direct", "shaped:rate=1"},
	} {
		for _, text := range texts {
			seeds = append(seeds, append([]byte{byte(i)}, text...))
		}
	}
	return append(seeds, nil)
}

// OutputSeeds are what programs leave on stderr.
func OutputSeeds() [][]byte {
	return [][]byte{
		[]byte("usage: tunnel\n"), []byte("\x1b[31mred\x1b[0m\r\n"), []byte("a\u202eb\u2028c"), []byte(strings.Repeat("x", 1000)),
		[]byte("\xff\xfe"), []byte("\n\n \n"), nil,
	}
}
