//! Opens the TUN device and the socket.

use std::fs::{File, OpenOptions};
use std::io;
use std::mem;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};

const PORT: u16 = 4754;
const SOCKET_BUFFER: libc::c_int = 4 << 20; // bytes, each way

/// Turns the -1 of a system call into its error.
pub fn check(result: libc::ssize_t) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

pub fn open_tun(name: &str) -> io::Result<File> {
    let tun = OpenOptions::new().read(true).write(true).open("/dev/net/tun")?;
    // SAFETY: an ifreq of zeros is valid.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    if name.len() >= request.ifr_name.len() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{name}: too long for an interface")));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: TUNSETIFF takes an ifreq, which lives as long as the call.
    check(unsafe { libc::ioctl(tun.as_raw_fd(), libc::TUNSETIFF, &request) } as libc::ssize_t)?;
    Ok(tun)
}

pub fn open_udp(local: Ipv4Addr, peer: Ipv4Addr) -> io::Result<UdpSocket> {
    let udp = UdpSocket::bind((local, PORT))?;
    for buffer in [libc::SO_SNDBUF, libc::SO_RCVBUF] {
        set_option(udp.as_raw_fd(), libc::SOL_SOCKET, buffer, SOCKET_BUFFER)?;
    }
    udp.connect((peer, PORT))?;
    Ok(udp)
}

pub fn set_option(socket: RawFd, level: libc::c_int, name: libc::c_int, value: libc::c_int) -> io::Result<()> {
    let size = mem::size_of_val(&value) as libc::socklen_t;
    // SAFETY: the value lives as long as the call, and size is its size.
    let result = unsafe { libc::setsockopt(socket, level, name, (&raw const value).cast(), size) };
    check(result as libc::ssize_t).map(drop)
}
