//! The datagram's header, and the checks of a received datagram.
//!
//! ```text
//! 0        4                 12         16       18
//! +--------+-----------------+----------+--------+----------------+
//! | tunnel | sequence number | checksum | length | one IP packet  |
//! | u32    | u64             | CRC-32C  | u16    |                |
//! +--------+-----------------+----------+--------+----------------+
//! ```

use crate::window::Window;
use crc32c::crc32c;
use std::ops::Range;

pub const HEADER_LEN: usize = 18;

const TUNNEL: Range<usize> = 0..4;
const SEQUENCE: Range<usize> = 4..12;
const CHECKSUM: Range<usize> = 12..16;
const LENGTH: Range<usize> = 16..18;

const TUNNEL_ID: u32 = 1;
const MIN_IPV4: usize = 20;
const MIN_IPV6: usize = 40;

/// Why a datagram is dropped. The order is that of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drop {
    Oversize,
    Short,
    Length,
    Tunnel,
    Checksum,
    Inner,
    Replay,
    Old,
}

/// Writes the header in front of a packet: `datagram` has `HEADER_LEN` bytes of room, then the packet.
pub fn seal(datagram: &mut [u8], sequence: u64) {
    let length = (datagram.len() - HEADER_LEN) as u16;
    datagram[TUNNEL].copy_from_slice(&TUNNEL_ID.to_be_bytes());
    datagram[SEQUENCE].copy_from_slice(&sequence.to_be_bytes());
    datagram[CHECKSUM].fill(0);
    datagram[LENGTH].copy_from_slice(&length.to_be_bytes());
    let checksum = crc32c(datagram);
    datagram[CHECKSUM].copy_from_slice(&checksum.to_be_bytes());
}

/// Checks a datagram of the peer and returns its packet.
pub fn open<'a>(window: &mut Window, datagram: &'a mut [u8], mtu: usize) -> Result<&'a [u8], Drop> {
    if datagram.len() > HEADER_LEN + mtu {
        return Err(Drop::Oversize);
    }
    if datagram.len() < HEADER_LEN {
        return Err(Drop::Short);
    }
    if usize::from(u16::from_be_bytes(field(datagram, LENGTH))) != datagram.len() - HEADER_LEN {
        return Err(Drop::Length);
    }
    if u32::from_be_bytes(field(datagram, TUNNEL)) != TUNNEL_ID {
        return Err(Drop::Tunnel);
    }
    if !checksum_holds(datagram) {
        return Err(Drop::Checksum);
    }
    if !is_ip(&datagram[HEADER_LEN..]) {
        return Err(Drop::Inner);
    }
    window.accept(u64::from_be_bytes(field(datagram, SEQUENCE)))?; // only a sound datagram may move the window
    Ok(&datagram[HEADER_LEN..])
}

fn field<const N: usize>(datagram: &[u8], at: Range<usize>) -> [u8; N] {
    datagram[at].try_into().expect("the range has N bytes")
}

/// Reports whether the checksum is right. The field is zero while it is computed.
fn checksum_holds(datagram: &mut [u8]) -> bool {
    let want: [u8; 4] = field(datagram, CHECKSUM);
    datagram[CHECKSUM].fill(0);
    let got = crc32c(datagram);
    datagram[CHECKSUM].copy_from_slice(&want);
    got == u32::from_be_bytes(want)
}

fn is_ip(packet: &[u8]) -> bool {
    match packet.first().map(|first| first >> 4) {
        Some(4) => packet.len() >= MIN_IPV4,
        Some(6) => packet.len() >= MIN_IPV6,
        _ => false,
    }
}
