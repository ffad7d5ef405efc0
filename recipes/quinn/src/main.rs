//! Carries IP packets in QUIC datagrams (RFC 9221), a packet in each, with quinn. The server makes a certificate and
//! writes it to a file; the client reads it there and trusts it alone.
//!
//!     quinn-tunnel DEV MTU cert.der listen 192.0.2.1:4433
//!     quinn-tunnel DEV MTU cert.der connect 192.0.2.1:4433

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use quinn::{ClientConfig, Connection, Endpoint, EndpointConfig, SendDatagramError, ServerConfig, TransportConfig};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tun_rs::{AsyncDevice, DeviceBuilder};

/// The name in the certificate.
const NAME: &str = "tunnel";

/// What QUIC adds to a packet, in octets, at most: header, tag and the frame's own header.
const ROOM: u16 = 100;

/// How many octets of datagrams wait while the congestion window is full. Then the oldest is dropped.
const QUEUE: usize = 4 << 20;

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [dev, mtu, file, role, addr] = args.as_slice() else {
        bail!("usage: quinn-tunnel DEV MTU CERTIFICATE listen|connect ADDRESS");
    };
    let mtu: u16 = mtu.parse().context("MTU")?;
    let addr: SocketAddr = addr.parse().context("ADDRESS")?;
    let device = Arc::new(DeviceBuilder::new().name(dev).mtu(mtu).build_async().context("open the interface")?);
    match role.as_str() {
        "listen" => listen(addr, Path::new(file), mtu, device).await,
        "connect" => connect(addr, Path::new(file), mtu, device).await,
        _ => bail!("{role}: write listen or connect"),
    }
}

/// Serves one client at a time.
async fn listen(addr: SocketAddr, file: &Path, mtu: u16, device: Arc<AsyncDevice>) -> Result<()> {
    let own = rcgen::generate_simple_self_signed([NAME.to_string()])?;
    let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let mut config = ServerConfig::with_single_cert(vec![own.cert.der().clone()], key.into())?;
    config.transport_config(transport(mtu));
    let endpoint = endpoint(addr, mtu, Some(config))?;
    let unfinished = file.with_extension("new");
    std::fs::write(&unfinished, own.cert.der())?;
    std::fs::rename(&unfinished, file)?;
    while let Some(incoming) = endpoint.accept().await {
        let ended = match incoming.await {
            Ok(connection) => carry(connection, device.clone()).await,
            Err(err) => Err(err.into()),
        };
        if let Err(err) = ended {
            eprintln!("{err:#}");
        }
    }
    Ok(())
}

async fn connect(addr: SocketAddr, file: &Path, mtu: u16, device: Arc<AsyncDevice>) -> Result<()> {
    while !file.exists() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(std::fs::read(file)?))?;
    let mut config = ClientConfig::with_root_certificates(Arc::new(roots))?;
    config.transport_config(transport(mtu));
    let endpoint = endpoint((Ipv4Addr::UNSPECIFIED, 0).into(), mtu, None)?;
    let connection = endpoint.connect_with(config, addr, NAME)?.await.context("connect")?;
    carry(connection, device).await
}

/// Opens the socket. Its path has room for the largest packet and what QUIC adds, so it is not measured.
fn endpoint(addr: SocketAddr, mtu: u16, server: Option<ServerConfig>) -> Result<Endpoint> {
    let mut config = EndpointConfig::default();
    config.max_udp_payload_size(mtu + ROOM)?;
    let runtime = quinn::default_runtime().context("no runtime")?;
    Ok(Endpoint::new(config, server, UdpSocket::bind(addr)?, runtime)?)
}

fn transport(mtu: u16) -> Arc<TransportConfig> {
    let mut config = TransportConfig::default();
    config
        .initial_mtu(mtu + ROOM)
        .mtu_discovery_config(None)
        .datagram_send_buffer_size(QUEUE)
        .datagram_receive_buffer_size(Some(QUEUE))
        .keep_alive_interval(Some(Duration::from_secs(10)));
    Arc::new(config)
}

/// Copies packets both ways until one way fails.
async fn carry(connection: Connection, device: Arc<AsyncDevice>) -> Result<()> {
    tokio::select! {
        ended = send(&connection, &device) => ended.context("send"),
        ended = receive(&connection, &device) => ended.context("receive"),
    }
}

async fn send(connection: &Connection, device: &AsyncDevice) -> Result<()> {
    let mut packet = vec![0; usize::from(u16::MAX)];
    loop {
        let n = device.recv(&mut packet).await?;
        match connection.send_datagram(Bytes::copy_from_slice(&packet[..n])) {
            Ok(()) | Err(SendDatagramError::TooLarge) => {} // lost, like any packet above the MTU
            Err(err) => return Err(err.into()),
        }
    }
}

async fn receive(connection: &Connection, device: &AsyncDevice) -> Result<()> {
    loop {
        let packet = connection.read_datagram().await?;
        if let Err(err) = device.send(&packet).await {
            eprintln!("{err}"); // the interface is down, or the packet is none of IP
        }
    }
}
