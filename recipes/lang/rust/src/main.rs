//! A small tunnel: IP packets from a TUN device in UDP datagrams of the reference tunnel's plain format. The
//! environment of docs/exec.md says between which addresses.
//!
//! ```text
//! lang-rust            one packet for each system call
//! lang-rust --batched  as many as wait, in one sendmmsg and one recvmmsg (batched.rs)
//! lang-rust --vectors  answers the questions on stdin (vectors.rs)
//! ```

mod batched;
mod device;
mod vectors;
mod window;
mod wire;

use std::env;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, UdpSocket};
use std::process::ExitCode;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use window::Window;
use wire::{open, seal, HEADER_LEN};

/// One end of the tunnel: its device, its socket, connected to the peer, and the MTU of the device.
pub struct End {
    tun: File,
    udp: UdpSocket,
    mtu: usize,
}

impl End {
    /// Opens the end that the environment describes.
    fn from_environment() -> io::Result<End> {
        let mtu = setting("TB_MTU")?;
        let tun = device::open_tun(&setting::<String>("TB_DEV")?)?;
        let udp = device::open_udp(setting::<Ipv4Addr>("TB_LOCAL")?, setting::<Ipv4Addr>("TB_PEER")?)?;
        Ok(End { tun, udp, mtu })
    }

    /// Sends packets from the device to the peer, one by one. A packet that the socket refuses is dropped.
    fn outward(&self) -> io::Result<()> {
        let mut datagram = vec![0; HEADER_LEN + self.mtu + 1]; // one byte more than fits shows what is too long
        let mut sequence = first_sequence();
        loop {
            let n = match (&self.tun).read(&mut datagram[HEADER_LEN..]) {
                Ok(n) if n <= self.mtu => n,
                Ok(_) => continue,
                Err(err) if err.kind() == ErrorKind::Interrupted => continue,
                Err(err) => return Err(err),
            };
            seal(&mut datagram[..HEADER_LEN + n], sequence);
            sequence += 1;
            let _ = self.udp.send(&datagram[..HEADER_LEN + n]);
        }
    }

    /// Writes packets from the peer to the device, one by one.
    fn inward(&self) -> io::Result<()> {
        let mut window = Window::new();
        let mut datagram = vec![0; HEADER_LEN + self.mtu + 1];
        loop {
            let n = match self.udp.recv(&mut datagram) {
                Ok(n) => n,
                Err(err) if passing(&err) => continue,
                Err(err) => return Err(err),
            };
            if let Ok(packet) = open(&mut window, &mut datagram[..n], self.mtu) {
                let _ = (&self.tun).write(packet);
            }
        }
    }
}

/// Reports whether an error of receiving says nothing of the socket: an ICMP error, since the peer has not
/// started yet.
pub fn passing(err: &io::Error) -> bool {
    matches!(err.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionRefused)
}

fn setting<T: std::str::FromStr>(name: &str) -> io::Result<T> {
    let text = env::var(name).unwrap_or_default();
    text.parse().map_err(|_| io::Error::new(ErrorKind::InvalidInput, format!("{name}={text}: see docs/exec.md")))
}

/// The time, so that numbers are above those of an earlier start.
pub fn first_sequence() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64)
}

/// Runs both ways of the tunnel until one of them fails.
fn run(batched: bool) -> io::Result<()> {
    let end = End::from_environment()?;
    let (out, inn): (fn(&End) -> io::Result<()>, fn(&End) -> io::Result<()>) =
        if batched { (batched::outward, batched::inward) } else { (End::outward, End::inward) };
    thread::scope(|scope| {
        scope.spawn(|| exit_with(inn(&end)));
        exit_with(out(&end))
    })
}

/// Ends the program: the other way of the tunnel never ends by itself.
fn exit_with(result: io::Result<()>) -> ! {
    if let Err(err) = result {
        eprintln!("lang-rust: {err}");
    }
    std::process::exit(1)
}

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let result = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => run(false),
        ["--batched"] => run(true),
        ["--vectors"] => vectors::answer(io::stdin().lock(), io::BufWriter::new(io::stdout().lock())),
        _ => {
            eprintln!("usage: lang-rust [--batched | --vectors]");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("lang-rust: {err}");
            ExitCode::FAILURE
        }
    }
}
