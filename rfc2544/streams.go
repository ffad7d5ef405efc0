package rfc2544

// NameStreams is the name of the streams test: TCP connections of the
// kernel through a device. It is in no RFC named here: RFC 2544 is about frames.
const NameStreams = "streams"
