package rfc2544

// NameStreams is the name of the streams test: what the kernel's TCP makes of a
// device. No RFC here has it; RFC 2544 knows frames only.
const NameStreams = "streams"
