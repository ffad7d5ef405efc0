//! The same with batches: what waits at the device goes out in one sendmmsg, in which datagrams of one size are
//! one message that the kernel cuts (UDP_SEGMENT); and what waits at the socket comes in by one recvmmsg, in
//! which datagrams of one size are one message that the kernel has joined (UDP_GRO). A batch ends when nothing
//! more waits, so nothing is delayed. The device still takes and gives one packet for each system call.

use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::os::fd::AsRawFd;
use std::ptr;
use std::slice;

use libc::{c_int, c_uint, cmsghdr, iovec, mmsghdr, msghdr, ssize_t};

use crate::device::{check, set_option};
use crate::window::Window;
use crate::wire::{open, seal, HEADER_LEN};
use crate::{first_sequence, passing, End};

const BATCH: usize = 64; // packets; the kernel cuts a message into at most 64 on older systems
const LARGEST: usize = 65507; // bytes in a UDP message
const MESSAGES: usize = 16; // of one recvmmsg
const MESSAGE_LEN: usize = 1 << 16;

/// Room for one control message, aligned as the kernel wants it.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Control([u8; 32]);

/// The datagrams on their way out: datagram i begins at i * stride of the slab.
struct Batch {
    slab: Vec<u8>,
    stride: usize,
    lengths: Vec<usize>,
    control: [Control; BATCH],
}

impl Batch {
    fn new(mtu: usize) -> Self {
        let stride = HEADER_LEN + mtu + 1;
        Batch { slab: vec![0; BATCH * stride], stride, lengths: Vec::with_capacity(BATCH), control: [Control([0; 32]); BATCH] }
    }

    /// Reads packets until the batch is full or nothing waits. It sleeps only while the batch is empty.
    fn fill(&mut self, end: &End) -> io::Result<()> {
        self.lengths.clear();
        while self.lengths.len() < BATCH {
            let at = self.lengths.len() * self.stride;
            match (&end.tun).read(&mut self.slab[at + HEADER_LEN..at + self.stride]) {
                Ok(n) if n <= end.mtu => self.lengths.push(HEADER_LEN + n),
                Ok(_) => {}
                Err(err) if err.kind() == ErrorKind::WouldBlock && !self.lengths.is_empty() => break,
                Err(err) if err.kind() == ErrorKind::WouldBlock => wait(end.tun.as_raw_fd()),
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(err) => return Err(err),
            }
        }
        Ok(())
    }

    fn seal(&mut self, mut sequence: u64) -> u64 {
        for (datagram, &len) in self.slab.chunks_exact_mut(self.stride).zip(&self.lengths) {
            seal(&mut datagram[..len], sequence);
            sequence += 1;
        }
        sequence
    }

    /// Sends the batch. A message that the socket refuses is dropped.
    fn send(&mut self, end: &End) {
        // SAFETY: arrays of zeros are valid; count of them are filled below.
        let mut messages: [mmsghdr; BATCH] = unsafe { mem::zeroed() };
        let mut parts = [iovec { iov_base: ptr::null_mut(), iov_len: 0 }; BATCH];
        for ((part, datagram), &len) in parts.iter_mut().zip(self.slab.chunks_exact_mut(self.stride)).zip(&self.lengths) {
            *part = iovec { iov_base: datagram.as_mut_ptr().cast(), iov_len: len };
        }
        let (mut at, mut count) = (0, 0);
        while at < self.lengths.len() {
            let n = run_len(&self.lengths[at..]);
            let message = &mut messages[count].msg_hdr;
            message.msg_iov = &mut parts[at];
            message.msg_iovlen = n as _;
            if n > 1 {
                segment(message, &mut self.control[count], self.lengths[at] as u16);
            }
            at += n;
            count += 1;
        }
        send_all(end, &mut messages[..count]);
    }
}

fn send_all(end: &End, mut rest: &mut [mmsghdr]) {
    while !rest.is_empty() {
        // SAFETY: the messages point to parts and control of a batch that live as long as the call.
        let sent = unsafe { libc::sendmmsg(end.udp.as_raw_fd(), rest.as_mut_ptr(), rest.len() as c_uint, 0) };
        match check(sent as ssize_t) {
            Ok(n) => rest = &mut rest[n..],
            Err(err) if err.kind() == ErrorKind::Interrupted => {}
            Err(_) => {
                send_singly(end, &rest[0].msg_hdr);
                rest = &mut rest[1..];
            }
        }
    }
}

/// Sends the datagrams of a message that the kernel refused to cut up, as on a link without checksums (EIO) and where
/// they are larger than the route's MTU (EINVAL). One that was alone is dropped.
fn send_singly(end: &End, message: &msghdr) {
    if message.msg_iovlen < 2 {
        return;
    }
    // SAFETY: the message points to that many parts, which live as long as the call.
    let parts = unsafe { slice::from_raw_parts(message.msg_iov, message.msg_iovlen as usize) };
    for part in parts {
        // SAFETY: a part points to so many bytes of the batch.
        let datagram = unsafe { slice::from_raw_parts(part.iov_base.cast::<u8>(), part.iov_len) };
        let _ = end.udp.send(datagram);
    }
}

/// How many of the first datagrams can be one message: all have the size of the first one, only the last may be
/// shorter.
fn run_len(lengths: &[usize]) -> usize {
    let size = lengths[0];
    let same = lengths.iter().take(LARGEST / size).take_while(|&&len| len == size).count();
    let shorter = (same + 1) * size <= LARGEST && lengths.get(same).is_some_and(|&len| len < size);
    same + usize::from(shorter)
}

/// Tells the kernel to cut a message into datagrams of a size.
fn segment(message: &mut msghdr, room: &mut Control, size: u16) {
    message.msg_control = room.0.as_mut_ptr().cast();
    // SAFETY: the room is aligned and large enough for one control message of two bytes.
    unsafe {
        message.msg_controllen = libc::CMSG_SPACE(mem::size_of_val(&size) as c_uint) as _;
        let control: *mut cmsghdr = libc::CMSG_FIRSTHDR(message);
        (*control).cmsg_level = libc::SOL_UDP;
        (*control).cmsg_type = libc::UDP_SEGMENT;
        (*control).cmsg_len = libc::CMSG_LEN(mem::size_of_val(&size) as c_uint) as _;
        ptr::write_unaligned(libc::CMSG_DATA(control).cast(), size);
    }
}

/// Sleeps until a descriptor can be read.
fn wait(fd: c_int) {
    let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: poll is one pollfd. An error shows when the descriptor is read.
    unsafe { libc::poll(&mut poll, 1, -1) };
}

pub fn outward(end: &End) -> io::Result<()> {
    set_option(end.udp.as_raw_fd(), libc::SOL_UDP, libc::UDP_SEGMENT, 0)?; // an error where the kernel has none
    // SAFETY: F_SETFL takes a number.
    check(unsafe { libc::fcntl(end.tun.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) } as ssize_t)?;
    let mut batch = Batch::new(end.mtu);
    let mut sequence = first_sequence();
    loop {
        batch.fill(end)?;
        sequence = batch.seal(sequence);
        batch.send(end);
    }
}

pub fn inward(end: &End) -> io::Result<()> {
    set_option(end.udp.as_raw_fd(), libc::SOL_UDP, libc::UDP_GRO, 1)?;
    let mut window = Window::new();
    let mut memory = vec![0; MESSAGES * MESSAGE_LEN];
    let mut control = [Control([0; 32]); MESSAGES];
    let mut parts = [iovec { iov_base: ptr::null_mut(), iov_len: MESSAGE_LEN }; MESSAGES];
    // SAFETY: messages of zeros are valid.
    let mut messages: [mmsghdr; MESSAGES] = unsafe { mem::zeroed() };
    loop {
        for (i, message) in memory.chunks_exact_mut(MESSAGE_LEN).enumerate() {
            parts[i].iov_base = message.as_mut_ptr().cast();
            let header = &mut messages[i].msg_hdr;
            header.msg_iov = &mut parts[i];
            header.msg_iovlen = 1;
            header.msg_control = control[i].0.as_mut_ptr().cast();
            header.msg_controllen = mem::size_of::<Control>() as _;
        }
        // SAFETY: the messages point to parts and control that live as long as the call.
        let received = unsafe {
            libc::recvmmsg(end.udp.as_raw_fd(), messages.as_mut_ptr(), MESSAGES as c_uint, libc::MSG_WAITFORONE as _, ptr::null_mut())
        };
        let n = match check(received as ssize_t) {
            Ok(n) => n,
            Err(err) if passing(&err) => continue,
            Err(err) => return Err(err),
        };
        for (message, memory) in messages[..n].iter().zip(memory.chunks_exact_mut(MESSAGE_LEN)) {
            let len = message.msg_len as usize;
            take(end, &mut window, &mut memory[..len], segment_size(&message.msg_hdr, len));
        }
    }
}

/// The size of a message's datagrams, of which the last may be shorter.
fn segment_size(message: &msghdr, len: usize) -> usize {
    // SAFETY: the kernel has filled msg_controllen bytes of the control memory.
    unsafe {
        let control = libc::CMSG_FIRSTHDR(message);
        if control.is_null() || (*control).cmsg_level != libc::SOL_UDP || (*control).cmsg_type != libc::UDP_GRO {
            return len;
        }
        ptr::read_unaligned(libc::CMSG_DATA(control).cast::<c_int>()) as usize
    }
}

/// Writes the packets of a message to the device. An empty message is one empty datagram.
fn take(end: &End, window: &mut Window, message: &mut [u8], size: usize) {
    for datagram in message.chunks_mut(size.max(1)) {
        if let Ok(packet) = open(window, datagram, end.mtu) {
            let _ = (&end.tun).write(packet);
        }
    }
}
