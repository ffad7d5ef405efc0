// Package wire encodes and decodes the datagrams of the reference tunnel. It has
// no sockets, imports the standard library only, and never allocates.
//
// A datagram is a header of 18 bytes, big-endian, and a payload, which is one IP
// packet except in control frames:
//
//	0        4                 12         16       18
//	+--------+-----------------+----------+--------+----------------+
//	| tunnel | sequence number | checksum | length | payload        |
//	| u32    | u64             | u32      | u16    | length bytes   |
//	+--------+-----------------+----------+--------+----------------+
//
// The checksum is CRC-32C (Castagnoli, RFC 3385) over the header, with the checksum field zero, and the
// payload. It detects accidental errors. It does not authenticate, and nothing is encrypted. Tunnel
// id 0 is reserved for control frames.
//
// A sender numbers the datagrams of a tunnel and calls PutHeader. A receiver calls ParseDatagram, and
// then Window.Accept to drop duplicates and datagrams that arrive too late.
package wire
