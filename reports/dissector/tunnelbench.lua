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

-- CRC-32C (RFC 3720, appendix B.4), eight octets in one step: tables[k][b] is what octet b does k octets
-- before the end.
local tables = {[0] = {}}
for b = 0, 255 do
	local crc = b
	for _ = 1, 8 do
		local half = (crc - crc % 2) / 2
		crc = crc % 2 == 1 and bxor(half, 0x82f63b78) % 0x100000000 or half
	end
	tables[0][b] = crc
end
for k = 1, 7 do
	tables[k] = {}
	for b = 0, 255 do
		local before = tables[k - 1][b]
		tables[k][b] = bxor((before - before % 256) / 256, tables[0][before % 256]) % 0x100000000
	end
end
local t0, t1, t2, t3 = tables[0], tables[1], tables[2], tables[3]
local t4, t5, t6, t7 = tables[4], tables[5], tables[6], tables[7]

local function crc32c(data)
	local crc, at, length = 0xffffffff, 1, #data
	while at + 7 <= length do
		local a, b, c, d, e, f, g, h = byte(data, at, at + 7)
		local r0 = crc % 256
		local rest = (crc - r0) / 256
		local r1 = rest % 256
		rest = (rest - r1) / 256
		local r2 = rest % 256
		crc = bxor(t7[bxor(a, r0)], t6[bxor(b, r1)], t5[bxor(c, r2)], t4[bxor(d, (rest - r2) / 256)], t3[e], t2[f], t1[g], t0[h]) % 0x100000000
		at = at + 8
	end
	for i = at, length do
		local low = crc % 256
		crc = bxor((crc - low) / 256, t0[bxor(low, byte(data, i)) % 256]) % 0x100000000
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

local function drop(tree, reason)
	tree:add(f.drop, reason):set_generated()
	tree:add_proto_expert_info(drops[reason])
end

-- is_ip reports whether an end takes the packet for one of IP.
local function is_ip(packet)
	if packet:len() < 20 then
		return false
	end
	local version = packet(0, 1):bitfield(0, 4)
	return version == 4 or version == 6 and packet:len() >= 40
end

-- checksum adds the field and returns whether it is right: BAD, GOOD or UNVERIFIED.
local function checksum(tvb, tree, whole)
	local sum = tree:add(f.checksum, tvb(12, 4))
	local status, calculated = UNVERIFIED, nil
	if whole and tunnel.prefs.verify then
		local data = tvb:raw(0, tvb:len())
		calculated = crc32c(data:sub(1, 12) .. "\0\0\0\0" .. data:sub(17))
		status = calculated == tvb(12, 4):uint() and GOOD or BAD
	end
	sum:append_text(" [" .. statuses[status]:lower() .. "]")
	sum:add(f.status, tvb(12, 4), status):set_generated()
	if status == BAD then
		sum:add(f.calculated, tvb(12, 4), calculated):set_generated()
	end
	return status
end

-- datagram shows one datagram. tvb has what was captured of it, length is what it had on the wire.
local function datagram(tvb, length, pinfo, root)
	local tree = root:add(tunnel, tvb())
	if tvb:len() < HEADER then
		if length < HEADER then
			drop(tree, "short")
		else
			tree:add_proto_expert_info(cut)
		end
		return
	end
	local id, claimed = tvb(0, 4):uint(), tvb(16, 2):uint()
	tree:append_text(", tunnel " .. id)
	tree:add(f.tunnel, tvb(0, 4))
	tree:add(f.sequence, tvb(4, 8))
	local status = checksum(tvb, tree, tvb:len() == length)
	tree:add(f.length, tvb(16, 2))
	if tvb:len() < length then
		tree:add_proto_expert_info(cut)
	end
	local packet = tvb:len() > HEADER and tvb(HEADER):tvb() or nil
	local inner = packet and (is_ip(packet) or tvb:len() < length)
	if claimed ~= length - HEADER then
		drop(tree, "length")
	elseif id == CONTROL then
		drop(tree, "tunnel")
	elseif status == BAD then
		drop(tree, "checksum")
	elseif not inner then
		drop(tree, "inner")
	end
	if id == CONTROL then
		pinfo.cols.info = "Control frame"
		if packet then
			tree:add(f.control, packet())
		end
	elseif inner then
		pcall(ip.call, ip, packet, pinfo, root) -- a packet that is malformed is said to be one by its own dissector
	elseif packet then
		tree:add(f.payload, packet())
	end
end

-- row returns the length of the datagrams that lie behind each other in the payload, as before the kernel
-- has split what was sent as one (UDP_SEGMENT), or after it has joined them (UDP_GRO): all but the last have
-- one length, and all are data of one tunnel. If they are not, the payload is one datagram.
local function row(tvb, length)
	if tvb:len() < HEADER then
		return length
	end
	local size = HEADER + tvb(16, 2):uint()
	local id = tvb(0, 4):uint()
	if size >= length or tvb:len() < length or id == CONTROL then
		return length
	end
	for at = 0, length - 1, size do
		local rest = math.min(size, length - at)
		if rest < HEADER or tvb(at + 16, 2):uint() ~= rest - HEADER or tvb(at, 4):uint() ~= id then
			return length
		end
	end
	return size
end

function tunnel.dissector(tvb, pinfo, root)
	pinfo.cols.protocol = "tunnelbench"
	pinfo.cols.info = ""
	local length = tvb:reported_len()
	if tvb:len() == 0 then
		drop(root:add(tunnel), "short")
		return
	end
	local size = row(tvb, length)
	if size == length then
		return datagram(tvb, length, pinfo, root)
	end
	for at = 0, length - 1, size do
		local rest = math.min(size, length - at)
		datagram(tvb(at, rest):tvb(), rest, pinfo, root)
	end
end

local udp = DissectorTable.get("udp.port")
local ports = ""

function tunnel.prefs_changed()
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
local MAGIC = 0x7462
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
	return tvb:len() >= SIGNATURE and tvb(0, 2):uint() == MAGIC
end

local function mark(tvb, pinfo, root)
	local tree = root:add(signature, tvb(0, SIGNATURE))
	local stream, sequence = tvb(4, 1):uint(), tvb(6, 4):uint()
	tree:append_text(", stream " .. stream .. ", sequence number " .. sequence)
	tree:add(s.magic, tvb(0, 2))
	tree:add(s.trial, tvb(2, 2))
	tree:add(s.stream, tvb(4, 1))
	local check = tree:add(s.check, tvb(5, 1))
	local good = bxor(byte(tvb:raw(0, SIGNATURE), 1, SIGNATURE)) == 0
	check:append_text(good and " [good]" or " [bad]")
	check:add(s.status, tvb(5, 1), good and GOOD or BAD):set_generated()
	tree:add(s.sequence, tvb(6, 4))
	tree:add(s.sent, tvb(10, 8))
	if not good then
		tree:add_proto_expert_info(damaged)
	end
	pinfo.cols.info:append(string.format(" [trial %d stream %d sequence %d]", tvb(2, 2):uint(), stream, sequence))
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
