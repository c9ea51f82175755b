//! An interface that listens: bound first, so that a change can still be taken back, then served, and at last retired.

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
use uacsta_config::Listen;

use super::{Acceptor, Interface, acceptor::accept_all, udp};

/// An interface whose address is taken, and that nobody serves yet.
pub struct Bound {
    interface: Interface,
    address: SocketAddr,
    socket: Bind,
}

enum Bind {
    Stream(TcpListener),
    Datagram(UdpSocket),
    /// The machine does not have the address.
    Awaited,
}

/// An interface that is served until it is retired or dropped.
pub struct Listener {
    address: SocketAddr,
    interface: Arc<ArcSwap<Interface>>,
    task: JoinHandle<()>,
    /// Whether it takes no newcomers any more.
    retired: watch::Sender<bool>,
}

/// How often an address is looked for that the machine does not have.
const AGAIN: Duration = Duration::from_secs(2);
/// The longest queue of connections that are not accepted yet: a storm of phones that return. The system has its own bound
/// (Linux: `net.core.somaxconn`, 4096 unless raised) and takes the shorter.
const BACKLOG: i32 = 65_535;

impl Bound {
    /// Takes an interface's address; none for one that is off.
    ///
    /// # Errors
    /// What the system says if it does not let us.
    pub fn new(interface: Interface) -> io::Result<Option<Self>> {
        let Some(wanted) = interface.listen.address() else {
            return Ok(None);
        };
        let (address, socket) = Bind::to(wanted, interface.datagrams)?;
        Ok(Some(Self {
            interface,
            address,
            socket,
        }))
    }

    /// The same, but an address that the machine does not have, or not yet, is taken when it comes.
    ///
    /// # Errors
    /// What else the system says.
    pub fn or_awaited(interface: Interface) -> io::Result<Option<Self>> {
        match (Self::new(interface.clone()), interface.listen.address()) {
            (Err(error), Some(address)) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                Ok(Some(Self {
                    interface,
                    address,
                    socket: Bind::Awaited,
                }))
            }
            (bound, _) => bound,
        }
    }

    /// Serves it from now on.
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
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the setting says that it listens on.
    pub fn listen(&self) -> Listen {
        self.interface.load().listen
    }

    /// What it serves.
    pub fn interface(&self) -> Interface {
        Interface::clone(&self.interface.load())
    }

    /// Serves those who connect from now on otherwise, at the same address.
    pub fn change(&self, interface: Interface) {
        self.interface.store(Arc::new(interface));
    }

    /// Takes no newcomers any more. The connections that stand go on; on UDP so do the phones that have logged on, and what serves
    /// them is returned, which may be taken [`Self::back`].
    pub async fn retire(self) -> Option<Self> {
        let interface = self.interface.load_full();
        tracing::info!(interface = interface.setting, address = %self.address, "no longer listening");
        if interface.datagrams {
            self.retired.send_replace(true);
            return Some(self);
        }
        self.task.abort();
        // Its socket is closed when this returns, so that another may take the address.
        let _ = self.task.await;
        None
    }

    /// Whether it is retired and its last phone is gone.
    pub fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    /// One that was retired takes newcomers again, and serves them so.
    pub fn back(&self, interface: Interface) {
        tracing::info!(interface = interface.setting, address = %self.address, "listening");
        self.change(interface);
        self.retired.send_replace(false);
    }

    /// Ends it, and on UDP all its phones hear.
    pub fn end(self) {
        self.task.abort();
    }
}

async fn serve(
    socket: Bind,
    mut address: SocketAddr,
    current: Arc<ArcSwap<Interface>>,
    acceptor: Arc<Acceptor>,
    mut retired: watch::Receiver<bool>,
) {
    let (setting, datagrams) = (current.load().setting, current.load().datagrams);
    let mut socket = socket;
    if matches!(socket, Bind::Awaited) {
        tracing::warn!(interface = setting, %address, "this machine does not have the address; it is listened on as soon as it comes");
        (address, socket) = tokio::select! {
            come = come(setting, address, datagrams) => come,
            _ = retired.wait_for(|retired| *retired) => return,
        };
    }
    tracing::info!(interface = setting, %address, "listening");
    match socket {
        Bind::Stream(socket) => accept_all(socket, current, acceptor).await,
        Bind::Datagram(socket) => udp::receive_all(setting, socket, acceptor, retired).await,
        Bind::Awaited => {}
    }
}

/// Waits until the machine has an address.
async fn come(setting: &str, address: SocketAddr, datagrams: bool) -> (SocketAddr, Bind) {
    let mut before = io::ErrorKind::AddrNotAvailable;
    loop {
        tokio::time::sleep(AGAIN).await;
        match Bind::to(address, datagrams) {
            Ok(bound) => return bound,
            Err(error) => {
                if error.kind() != before {
                    tracing::error!(interface = setting, %address, %error, "the address cannot be listened on; trying again");
                }
                before = error.kind();
            }
        }
    }
}

impl Bind {
    fn to(address: SocketAddr, datagrams: bool) -> io::Result<(SocketAddr, Self)> {
        if datagrams {
            let socket = udp::bind(address)?;
            return Ok((socket.local_addr()?, Self::Datagram(socket)));
        }
        let socket = bind(address)?;
        Ok((socket.local_addr()?, Self::Stream(socket)))
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // A restart must not wait for the connections of before; on Windows the option means something else.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // [::] takes IPv4 peers as well.
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(StdListener::from(socket))
}
