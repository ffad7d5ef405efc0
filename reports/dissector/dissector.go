// Package dissector has what Wireshark needs to show the plain tunnel's datagrams and the tester's frames: a
// script in Lua. The sealed tunnel needs none, because Wireshark knows WireGuard.
//
//	frame ─ IP ─ UDP ─ tunnelbench ─ IP ─ UDP ─ tunnelbench_signature
//
// Tests run it in tshark and compare what it shows with reference/wire and loadgen/signature.
package dissector

import _ "embed"

// Lua is the script, for wireshark -X lua_script:FILE or the folder of personal plugins. It keeps to what Lua
// 5.2 in Wireshark 4.0 has.
//
//go:embed tunnelbench.lua
var Lua string
