//! A listening socket of an interface: bound first, then served, at last closed or retired.

use std::{
    io,
    net::{SocketAddr, TcpListener as StdListener},
    sync::Arc,
    time::Duration,
};

use actix_rt::task::JoinHandle;
use arc_swap::ArcSwap;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{
    net::{TcpListener, UdpSocket},
    sync::watch,
};

use super::{Acceptor, Interface, acceptor::accept_all, udp};

/// A bound interface, not served yet. Dropping it releases the address, so a reload can be rolled back.
pub struct Bound {
    interface: Interface,
    address: SocketAddr,
    socket: ListenSocket,
}

enum ListenSocket {
    Stream(TcpListener),
    Datagram(UdpSocket),
    /// This machine does not have the address yet.
    Awaited,
}

/// A served interface.
pub struct Listener {
    address: SocketAddr,
    interface: Arc<ArcSwap<Interface>>,
    task: JoinHandle<()>,
    /// UDP: serves connected phones only, and ends with the last.
    retired: watch::Sender<bool>,
}

/// How often an address that this machine does not have is tried.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);
/// The longest queue of connections not accepted yet, for a reconnect storm. The system may limit it further (Linux:
/// `net.core.somaxconn`).
const BACKLOG: i32 = 65_535;

impl Bound {
    /// Binds an interface; `None` if it is off.
    ///
    /// # Errors
    /// The system's error.
    pub fn new(interface: Interface) -> io::Result<Option<Self>> {
        let Some(wanted) = interface.listen.address() else {
            return Ok(None);
        };
        let (address, socket) = ListenSocket::bind(wanted, interface.datagrams)?;
        Ok(Some(Self {
            interface,
            address,
            socket,
        }))
    }

    /// As [`Self::new`], but waits for an address that this machine does not have yet, as at the start of the machine.
    ///
    /// # Errors
    /// The system's error.
    pub fn or_awaited(interface: Interface) -> io::Result<Option<Self>> {
        match (Self::new(interface.clone()), interface.listen.address()) {
            (Err(error), Some(address)) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                Ok(Some(Self {
                    interface,
                    address,
                    socket: ListenSocket::Awaited,
                }))
            }
            (bound, _) => bound,
        }
    }

    /// Starts to serve it.
    pub fn serve(self, acceptor: &Arc<Acceptor>) -> Listener {
        let Self {
            interface,
            address,
            socket,
        } = self;
        let interface = Arc::new(ArcSwap::from_pointee(interface));
        let retired = watch::Sender::new(false);
        let task = actix_rt::spawn(serve(
            socket,
            address,
            Arc::clone(&interface),
            Arc::clone(acceptor),
            retired.subscribe(),
        ));
        Listener {
            address,
            interface,
            task,
            retired,
        }
    }
}

impl Listener {
    /// The bound address, or the awaited one.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it serves.
    pub fn interface(&self) -> Arc<Interface> {
        self.interface.load_full()
    }

    /// Serves another interface at the same address, from the next connection on. Ends its retirement.
    pub fn serve_as(&self, interface: Interface) {
        let former = self.interface.swap(Arc::new(interface));
        let setting = self.interface.load().setting;
        if self.retired.send_replace(false) || former.setting != setting {
            tracing::debug!(interface = setting, address = %self.address, "listening");
        }
    }

    /// Accepts no further connections; open ones stay. A UDP listener goes on serving connected phones and is returned.
    pub async fn retire(self) -> Option<Self> {
        if self.interface.load().datagrams {
            if !self.retired.send_replace(true) {
                self.log_closed();
            }
            return Some(self);
        }
        self.close().await;
        None
    }

    /// Closes the socket. On UDP this ends the connections.
    pub async fn close(self) {
        self.log_closed();
        self.task.abort();
        // The task has dropped the socket when this returns.
        let _ = self.task.await;
    }

    fn log_closed(&self) {
        let setting = self.interface.load().setting;
        tracing::debug!(interface = setting, address = %self.address, "no longer listening");
    }

    /// Whether it is retired, or serves new connections.
    pub fn is_retired(&self) -> bool {
        *self.retired.borrow()
    }

    /// Whether it was retired and its last phone has gone.
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// Closes the socket at the end of the server.
    pub fn abort(self) {
        self.task.abort();
    }
}

async fn serve(
    mut socket: ListenSocket,
    mut address: SocketAddr,
    current: Arc<ArcSwap<Interface>>,
    acceptor: Arc<Acceptor>,
    mut retired: watch::Receiver<bool>,
) {
    let (setting, datagrams) = (current.load().setting, current.load().datagrams);
    if matches!(socket, ListenSocket::Awaited) {
        tracing::warn!(interface = setting, %address, "this machine does not have the address; listening as soon as it does");
        (address, socket) = tokio::select! {
            bound = until_bound(setting, address, datagrams) => {
                tracing::info!(interface = setting, address = %bound.0, "this machine has the address now; listening");
                bound
            }
            _ = retired.wait_for(|retired| *retired) => return,
        };
    }
    tracing::debug!(interface = setting, %address, "listening");
    match socket {
        ListenSocket::Stream(socket) => accept_all(socket, current, acceptor).await,
        ListenSocket::Datagram(socket) => {
            udp::receive_all(setting, socket, acceptor, retired).await;
        }
        ListenSocket::Awaited => {}
    }
}

async fn until_bound(
    setting: &str,
    address: SocketAddr,
    datagrams: bool,
) -> (SocketAddr, ListenSocket) {
    let mut last = io::ErrorKind::AddrNotAvailable;
    loop {
        tokio::time::sleep(RETRY_INTERVAL).await;
        match ListenSocket::bind(address, datagrams) {
            Ok(bound) => return bound,
            Err(error) => {
                if error.kind() != last {
                    tracing::error!(interface = setting, %address, %error, "cannot listen on the address; retrying");
                }
                last = error.kind();
            }
        }
    }
}

impl ListenSocket {
    fn bind(address: SocketAddr, datagrams: bool) -> io::Result<(SocketAddr, Self)> {
        if datagrams {
            let socket = udp::bind(address)?;
            return Ok((socket.local_addr()?, Self::Datagram(socket)));
        }
        let socket = bind_tcp(address)?;
        Ok((socket.local_addr()?, Self::Stream(socket)))
    }
}

/// Tests whether an address can be listened on, and releases it.
///
/// # Errors
/// The system's error.
pub fn try_bind(address: SocketAddr, datagrams: bool) -> io::Result<()> {
    match datagrams {
        true => udp::bound(address).map(drop),
        false => tcp_socket(address).map(drop),
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::from_std(StdListener::from(tcp_socket(address)?))
}

/// A listening socket. `[::]` accepts IPv4 too.
fn tcp_socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // Connections of an earlier run must not prevent a restart. On Windows the option means something else.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}
