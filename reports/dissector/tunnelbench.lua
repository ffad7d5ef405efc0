-- What tunnelbench puts on the wire, for Wireshark 4 and tshark:
--
--   tunnelbench dissector > tunnelbench.lua
--   tshark -X lua_script:tunnelbench.lua -r capture.pcapng
--
-- tunnelbench            the plain tunnel's datagrams, 18 octets and an IP packet
-- tunnelbench_signature  the tester's mark at the start of a UDP payload, 18 octets
--
-- Whatever the octets are, nothing here may raise an error: lengths are checked before they are used.

local bits = bit32 or bit -- Lua 5.2 has bit32, Wireshark with a later Lua has bit
local bxor, byte = bits.bxor, string.byte

-- CRC-32C (RFC 3720, appendix B.4), sixteen octets in one step: tables[k][b] is what octet b does k octets
-- before the end. Calls cost most of the time in Lua, so there are few.
local STEP = 16
local tables = {[0] = {}}
for b = 0, 255 do
	local crc = b
	for _ = 1, 8 do
		local half = (crc - crc % 2) / 2
		crc = crc % 2 == 1 and bxor(half, 0x82f63b78) % 0x100000000 or half
	end
	tables[0][b] = crc
end
for k = 1, STEP - 1 do
	tables[k] = {}
	for b = 0, 255 do
		local before = tables[k - 1][b]
		tables[k][b] = bxor((before - before % 256) / 256, tables[0][before % 256]) % 0x100000000
	end
end
local t0, t1, t2, t3, t4, t5, t6, t7 = tables[0], tables[1], tables[2], tables[3], tables[4], tables[5], tables[6], tables[7]
local t8, t9, t10, t11, t12, t13, t14, t15 = tables[8], tables[9], tables[10], tables[11], tables[12], tables[13], tables[14], tables[15]

local function crc32c(data)
	local crc, length = 0xffffffff, #data
	local whole = length - length % STEP
	for at = 1, whole, STEP do
		local a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p = byte(data, at, at + STEP - 1)
		local first = bxor(crc, a + b * 0x100 + c * 0x10000 + d * 0x1000000) % 0x100000000
		a = first % 0x100
		b = first % 0x10000 - a
		c = first % 0x1000000 - b - a
		d = (first - c - b - a) / 0x1000000
		crc = bxor(t15[a], t14[b / 0x100], t13[c / 0x10000], t12[d], t11[e], t10[f], t9[g], t8[h], t7[i], t6[j], t5[k], t4[l], t3[m], t2[n], t1[o], t0[p])
	end
	crc = crc % 0x100000000
	for at = whole + 1, length do
		local low = crc % 256
		crc = bxor((crc - low) / 256, t0[bxor(low, byte(data, at)) % 256]) % 0x100000000
	end
	return 0xffffffff - crc
end

-- The plain tunnel.

local HEADER = 18
local CONTROL = 0 -- the tunnel id that no tunnel has
local BAD, GOOD, UNVERIFIED = 0, 1, 2
local statuses = {[BAD] = "Bad", [GOOD] = "Good", [UNVERIFIED] = "Unverified"}

local tunnel = Proto("tunnelbench", "Tunnelbench Plain Tunnel")
tunnel.prefs.ports = Pref.range("UDP ports", "4754", "The ports that ends of plain tunnels listen on", 65535)
local verify = true
tunnel.prefs.verify = Pref.bool("Verify checksums", true, "Compute the CRC-32C of each datagram, which takes most of the time")

local f = tunnel.fields
f.tunnel = ProtoField.uint32("tunnelbench.tunnel", "Tunnel id", base.DEC, nil, nil, "The same on both ends; 0 is reserved for control frames")
f.sequence = ProtoField.uint64("tunnelbench.sequence", "Sequence number")
f.checksum = ProtoField.uint32("tunnelbench.checksum", "Checksum", base.HEX, nil, nil, "CRC-32C over the header, with this field zero, and the packet")
f.status = ProtoField.uint8("tunnelbench.checksum.status", "Checksum status", base.DEC, statuses)
f.calculated = ProtoField.uint32("tunnelbench.checksum.calculated", "Calculated checksum", base.HEX)
f.length = ProtoField.uint16("tunnelbench.length", "Length", base.DEC, nil, nil, "Of the packet, in octets")
f.control = ProtoField.bytes("tunnelbench.control", "Control frame", base.SPACE, "Reserved: no end takes or sends one")
f.payload = ProtoField.bytes("tunnelbench.payload", "Payload", base.SPACE, "Not an IP packet")
f.drop = ProtoField.string("tunnelbench.drop", "Dropped", base.ASCII, "The counter that an end of the tunnel raises instead of delivering the packet")

-- The reasons why an end drops what it can see in one datagram. The words are those of its counters.
local drops = {
	short = ProtoExpert.new("tunnelbench.short", "short: datagram shorter than the header", expert.group.MALFORMED, expert.severity.ERROR),
	length = ProtoExpert.new("tunnelbench.length.bad", "length: the field differs from the datagram's length", expert.group.MALFORMED, expert.severity.ERROR),
	tunnel = ProtoExpert.new("tunnelbench.tunnel.control", "tunnel: id 0 is reserved for control frames, which no end takes", expert.group.PROTOCOL, expert.severity.WARN),
	checksum = ProtoExpert.new("tunnelbench.checksum.bad", "checksum: CRC-32C is wrong", expert.group.CHECKSUM, expert.severity.ERROR),
	inner = ProtoExpert.new("tunnelbench.inner", "inner: not an IPv4 or IPv6 packet", expert.group.PROTOCOL, expert.severity.WARN),
}
local cut = ProtoExpert.new("tunnelbench.cut", "the capture has only a part of the datagram", expert.group.PROTOCOL, expert.severity.NOTE)
tunnel.experts = {drops.short, drops.length, drops.tunnel, drops.checksum, drops.inner, cut}

local ip = Dissector.get("ip")
local call = ip.call

local function drop(tree, reason)
	tree:add(f.drop, reason):set_generated()
	tree:add_proto_expert_info(drops[reason])
end

-- is_ip reports whether an end takes the packet for one of IP.
local function is_ip(packet, length)
	if length < 20 then
		return false
	end
	local version = packet:raw(0, 1):byte()
	return version >= 0x40 and version < 0x50 or version >= 0x60 and version < 0x70 and length >= 40
end

-- checksum adds the field and returns whether it is right: BAD, GOOD or UNVERIFIED.
local function checksum(tvb, tree, whole)
	local at = tvb(12, 4)
	local sum = tree:add(f.checksum, at)
	local status, calculated = UNVERIFIED, nil
	if whole and verify then
		local data = tvb:raw()
		calculated = crc32c(data:sub(1, 12) .. "\0\0\0\0" .. data:sub(17))
		status = calculated == at:uint() and GOOD or BAD
	end
	sum:add(f.status, at, status):set_generated()
	if status == BAD then
		sum:add(f.calculated, at, calculated):set_generated()
	end
	return status
end

-- datagram shows one datagram. tvb has what was captured of it, length is what it had on the wire.
local function datagram(tvb, length, pinfo, root)
	local tree = root:add(tunnel, tvb())
	local captured = tvb:len()
	if captured < HEADER then
		if length < HEADER then
			drop(tree, "short")
		else
			tree:add_proto_expert_info(cut)
		end
		return
	end
	local whole, of, size = captured == length, tvb(0, 4), tvb(16, 2)
	local id = of:uint()
	tree:add(f.tunnel, of)
	tree:add(f.sequence, tvb(4, 8))
	local status = checksum(tvb, tree, whole)
	tree:add(f.length, size)
	if not whole then
		tree:add_proto_expert_info(cut)
	end
	local packet = captured > HEADER and tvb(HEADER):tvb() or nil
	local inner = packet and (not whole or is_ip(packet, captured - HEADER))
	if size:uint() ~= length - HEADER then
		drop(tree, "length")
	elseif id == CONTROL then
		drop(tree, "tunnel")
	elseif status == BAD then
		drop(tree, "checksum")
	elseif whole and not inner then
		drop(tree, "inner")
	end
	if id == CONTROL then
		pinfo.cols.info = "Control frame"
		if packet then
			tree:add(f.control, packet())
		end
	elseif inner then
		pcall(call, ip, packet, pinfo, root) -- a packet that is malformed is said to be one by its own dissector
	elseif packet then
		tree:add(f.payload, packet())
	end
end

-- row returns the length of the datagrams that lie behind each other in the payload, as before the kernel
-- has split what was sent as one (UDP_SEGMENT), or after it has joined them (UDP_GRO): all but the last have
-- one length. Tunnels whose ends share an address share rows; control frames are in none. If a header that was
-- captured says otherwise, the payload is one datagram.
local function row(tvb, length)
	local captured = tvb:len()
	if captured < HEADER then
		return length
	end
	local size = HEADER + tvb(16, 2):uint()
	if size >= length then
		return length
	end
	for at = 0, length - 1, size do
		local rest = math.min(size, length - at)
		local seen = at + HEADER <= captured
		if rest < HEADER or seen and (tvb(at, 4):uint() == CONTROL or tvb(at + 16, 2):uint() ~= rest - HEADER) then
			return length
		end
	end
	return size
end

function tunnel.dissector(tvb, pinfo, root)
	pinfo.cols.protocol = "tunnelbench"
	pinfo.cols.info = ""
	local length, captured = tvb:reported_len(), tvb:len()
	if captured == 0 then
		local tree = root:add(tunnel)
		if length == 0 then
			return drop(tree, "short")
		end
		tree:add_proto_expert_info(cut)
		return
	end
	local size = row(tvb, length)
	if size == length then
		return datagram(tvb, length, pinfo, root)
	end
	for at = 0, captured - 1, size do
		local rest = math.min(size, length - at)
		datagram(tvb(at, math.min(rest, captured - at)):tvb(), rest, pinfo, root)
	end
end

local udp = DissectorTable.get("udp.port")
local ports = ""

function tunnel.prefs_changed()
	verify = tunnel.prefs.verify
	if ports ~= tunnel.prefs.ports then
		if ports ~= "" then
			udp:remove(ports, tunnel)
		end
		ports = tunnel.prefs.ports
		if ports ~= "" then
			udp:add(ports, tunnel)
		end
	end
end

udp:add("4754", tunnel)
ports = "4754"

-- The tester's frames.

local SIGNATURE = 18
local MAGIC = "tb"
local ECHO = 7 -- the port of RFC 2544, appendix C.2.6.4

local signature = Proto("tunnelbench_signature", "Tunnelbench Tester's Signature")
local s = signature.fields
s.magic = ProtoField.uint16("tunnelbench_signature.magic", "Magic", base.HEX)
s.trial = ProtoField.uint16("tunnelbench_signature.trial", "Trial")
s.stream = ProtoField.uint8("tunnelbench_signature.stream", "Stream", base.DEC, nil, nil, "0 is forward, 1 is reverse")
s.check = ProtoField.uint8("tunnelbench_signature.check", "Check", base.HEX, nil, nil, "Exclusive or of all other octets")
s.status = ProtoField.uint8("tunnelbench_signature.check.status", "Check status", base.DEC, statuses)
s.sequence = ProtoField.uint32("tunnelbench_signature.sequence", "Sequence number")
s.sent = ProtoField.uint64("tunnelbench_signature.sent_at", "Sent at", base.DEC, nil, nil, "CLOCK_MONOTONIC of the tester's host, in ns")
local damaged = ProtoExpert.new("tunnelbench_signature.check.bad", "corrupted: the check octet is wrong", expert.group.CHECKSUM, expert.severity.ERROR)
signature.experts = {damaged}

local function is_signature(tvb)
	return tvb:len() >= SIGNATURE and tvb:raw(0, 2) == MAGIC
end

local function mark(tvb, pinfo, root)
	local tree = root:add(signature, tvb(0, SIGNATURE))
	local trial, stream, at, sequence = tvb(2, 2), tvb(4, 1), tvb(5, 1), tvb(6, 4)
	tree:add(s.magic, tvb(0, 2))
	tree:add(s.trial, trial)
	tree:add(s.stream, stream)
	local good = bxor(byte(tvb:raw(0, SIGNATURE), 1, SIGNATURE)) == 0
	tree:add(s.check, at):add(s.status, at, good and GOOD or BAD):set_generated()
	tree:add(s.sequence, sequence)
	tree:add(s.sent, tvb(10, 8))
	if not good then
		tree:add_proto_expert_info(damaged)
	end
	pinfo.cols.info:append(string.format(" [trial %d stream %d sequence %d]", trial:uint(), stream:uint(), sequence:uint()))
end

local echo = udp:get_dissector(ECHO)

-- Of the port of RFC 2544, what has no signature is shown as before.
function signature.dissector(tvb, pinfo, root)
	if is_signature(tvb) then
		mark(tvb, pinfo, root)
		return SIGNATURE
	end
	if echo then
		return echo:call(tvb, pinfo, root)
	end
	return 0
end

-- Any other port, as frames of many flows have it.
signature:register_heuristic("udp", function(tvb, pinfo, root)
	if not is_signature(tvb) then
		return false
	end
	mark(tvb, pinfo, root)
	return true
end)
udp:add(ECHO, signature)
