package probe

import "golang.org/x/net/bpf"

// portFilter keeps UDP datagrams to Port, so that the stream can be told from others that fill the link.
func portFilter() ([]bpf.RawInstruction, error) {
	const udp, keep = 17, 160
	return bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: ethernetLen - 2, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: etherIPv6, SkipTrue: 5},
		bpf.LoadAbsolute{Off: ethernetLen + 9, Size: 1}, // protocol
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: udp, SkipFalse: 7},
		bpf.LoadMemShift{Off: ethernetLen},
		bpf.LoadIndirect{Off: ethernetLen + 2, Size: 2},
		bpf.Jump{Skip: 3},
		bpf.LoadAbsolute{Off: ethernetLen + 6, Size: 1}, // next header
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: udp, SkipFalse: 2},
		bpf.LoadAbsolute{Off: ethernetLen + ipv6Len + 2, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: Port, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.RetConstant{Val: keep},
	})
}
