package rfc2544

// NameStreams is the name of the streams test: TCP connections through a device. No RFC named here
// covers it: RFC 2544 is about frames.
const NameStreams = "streams"
