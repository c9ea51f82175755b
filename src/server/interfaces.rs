//! The interfaces that the settings ask for, and those that are open: a change of the settings opens, moves and closes them.

use std::{io, net::SocketAddr, sync::Arc};

use tokio_rustls::TlsAcceptor;
use uacsta_config::{Listen, Settings};

use super::error::StartError;
use crate::net::{Acceptor, Bound, Interface, Listener, Public, Side};

/// Where a server listens; `None` for what is off.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    /// Phones on the LAN, TCP.
    pub phones_tcp: Option<SocketAddr>,
    /// Phones on the LAN, TLS.
    pub phones_tls: Option<SocketAddr>,
    /// Phones on the WAN, TCP.
    pub phones_wan_tcp: Option<SocketAddr>,
    /// Phones on the WAN, TLS.
    pub phones_wan_tls: Option<SocketAddr>,
    /// Phones, UDP.
    pub phones_udp: Option<SocketAddr>,
    /// Clients on the LAN, TCP.
    pub clients_tcp: Option<SocketAddr>,
    /// Clients on the LAN, TLS.
    pub clients_tls: Option<SocketAddr>,
    /// Clients on the WAN, TCP.
    pub clients_wan_tcp: Option<SocketAddr>,
    /// Clients on the WAN, TLS.
    pub clients_wan_tls: Option<SocketAddr>,
    /// The API.
    pub web: Option<SocketAddr>,
}

/// The open interfaces, in the order of [`interfaces`].
pub(super) struct Interfaces {
    acceptor: Arc<Acceptor>,
    open: [Option<Listener>; COUNT],
    /// Those on UDP that serve their last phones.
    retired: Vec<Listener>,
}

/// How the interfaces are to become; dropped, nothing has changed.
pub(super) struct Change([Step; COUNT]);

enum Step {
    /// The address stays; who connects from now on is served by this.
    Stay(Interface),
    /// It comes back to an address where its former phones are served still.
    Back(Interface),
    /// It goes.
    Close,
    /// It comes, or moves to an address that is taken already.
    Open(Bound),
    /// The same, to an address that one of ours still has.
    Clash(Interface),
}

/// How many interfaces there can be.
const COUNT: usize = 9;

impl Interfaces {
    /// Opens what is asked for; an address that the machine does not have is waited for.
    ///
    /// # Errors
    /// The first one that cannot listen for another reason; then none does.
    pub(super) fn open(
        acceptor: &Arc<Acceptor>,
        wanted: [Interface; COUNT],
    ) -> Result<Self, StartError> {
        let mut closed = Self {
            acceptor: Arc::clone(acceptor),
            open: Default::default(),
            retired: Vec::new(),
        };
        // An address may come later than the server, as at the start of a machine.
        let change = closed.plan_with(wanted, Bound::or_awaited)?;
        // Nothing was open before.
        for (open, step) in closed.open.iter_mut().zip(change.0) {
            if let Step::Open(bound) = step {
                *open = Some(bound.serve(acceptor));
            }
        }
        Ok(closed)
    }

    /// Where they listen.
    pub(super) fn addresses(&self) -> Addresses {
        let at = |index: usize| self.open[index].as_ref().map(Listener::address);
        Addresses {
            phones_tcp: at(0),
            phones_tls: at(1),
            phones_wan_tcp: at(2),
            phones_wan_tls: at(3),
            phones_udp: at(4),
            clients_tcp: at(5),
            clients_tls: at(6),
            clients_wan_tcp: at(7),
            clients_wan_tls: at(8),
            web: None,
        }
    }

    /// Takes the addresses that are free, and changes nothing yet.
    ///
    /// # Errors
    /// The first one that cannot be listened on.
    pub(super) fn plan(&self, wanted: [Interface; COUNT]) -> Result<Change, StartError> {
        self.plan_with(wanted, Bound::new)
    }

    fn plan_with(
        &self,
        wanted: [Interface; COUNT],
        bind: impl Fn(Interface) -> io::Result<Option<Bound>>,
    ) -> Result<Change, StartError> {
        let mut steps = Vec::with_capacity(COUNT);
        for (interface, open) in wanted.into_iter().zip(&self.open) {
            let stays = open
                .as_ref()
                .is_some_and(|open| open.listen() == interface.listen);
            if stays {
                steps.push(Step::Stay(interface));
                continue;
            }
            if self.retired_at(&interface).is_some() {
                steps.push(Step::Back(interface));
                continue;
            }
            steps.push(match bind(interface.clone()) {
                Ok(Some(bound)) => Step::Open(bound),
                Ok(None) => Step::Close,
                Err(error) if self.is_ours(&interface, &error) => Step::Clash(interface),
                Err(error) => return Err(refused(&interface, error)),
            });
        }
        // As many as were wanted.
        match steps.try_into() {
            Ok(steps) => Ok(Change(steps)),
            Err(_) => unreachable!("one step for each interface"),
        }
    }

    /// Closes what is in the way of the change: 0.0.0.0:5060 gives way to 192.0.2.1:5060. Connections stand.
    ///
    /// # Errors
    /// An address that cannot be listened on all the same; then everything is as it was before.
    pub(super) async fn make_way(
        &mut self,
        Change(mut steps): Change,
    ) -> Result<Change, StartError> {
        if !steps.iter().any(|step| matches!(step, Step::Clash(_))) {
            return Ok(Change(steps));
        }
        let mut former: [Option<Interface>; COUNT] = Default::default();
        for (index, step) in steps.iter().enumerate() {
            let in_the_way = |open: &mut Listener| {
                let clash =
                    |step: &Step| matches!(step, Step::Clash(wanted) if in_the_way(open, wanted));
                !matches!(step, Step::Stay(_)) && steps.iter().any(clash)
            };
            if let Some(listener) = self.open[index].take_if(in_the_way) {
                former[index] = Some(listener.interface());
                self.retired.extend(listener.retire().await);
            }
        }
        let mut failure = None;
        for step in &mut steps {
            let Step::Clash(interface) = step else {
                continue;
            };
            match Bound::new(interface.clone()) {
                Ok(Some(bound)) => *step = Step::Open(bound),
                Ok(None) => *step = Step::Close,
                Err(error) => {
                    failure = Some(refused(interface, error));
                    break;
                }
            }
        }
        let Some(failure) = failure else {
            return Ok(Change(steps));
        };
        // What was bound for the change may be in the way of what was there.
        drop(steps);
        for (index, interface) in former.into_iter().enumerate() {
            let Some(interface) = interface else { continue };
            match Bound::or_awaited(interface.clone()) {
                Ok(bound) => self.open[index] = bound.map(|bound| bound.serve(&self.acceptor)),
                Err(error) => {
                    tracing::error!(interface = interface.setting, %error, "an interface cannot be opened again");
                }
            }
        }
        Err(failure)
    }

    /// Carries the change out, and retires what it takes the place of.
    pub(super) async fn take(&mut self, Change(steps): Change) {
        let mut formers = Vec::new();
        for (index, step) in steps.into_iter().enumerate() {
            let next = match step {
                Step::Stay(interface) => {
                    if let Some(open) = &self.open[index] {
                        open.change(interface);
                    }
                    continue;
                }
                Step::Back(interface) => self.bring_back(interface),
                Step::Open(bound) => Some(bound.serve(&self.acceptor)),
                Step::Close | Step::Clash(_) => None,
            };
            formers.extend(std::mem::replace(&mut self.open[index], next));
        }
        self.retired.retain(|retired| !retired.is_over());
        for former in formers {
            self.retired.extend(former.retire().await);
        }
    }

    /// Where one that is retired has that address and serves phones there.
    fn retired_at(&self, wanted: &Interface) -> Option<usize> {
        self.retired.iter().position(|retired| {
            wanted.datagrams && retired.listen() == wanted.listen && !retired.is_over()
        })
    }

    fn bring_back(&mut self, interface: Interface) -> Option<Listener> {
        if let Some(at) = self.retired_at(&interface) {
            let listener = self.retired.swap_remove(at);
            listener.back(interface);
            return Some(listener);
        }
        // Its last phone has gone since, and with it the socket.
        let setting = interface.setting;
        match Bound::or_awaited(interface) {
            Ok(bound) => bound.map(|bound| bound.serve(&self.acceptor)),
            Err(error) => {
                tracing::error!(interface = setting, %error, "an interface cannot be opened again");
                None
            }
        }
    }

    /// The setting of one on TCP that keeps another listener from an address.
    pub(super) fn holder(&self, wanted: SocketAddr) -> Option<&'static str> {
        let streams = self.open.iter().flatten();
        let mut streams = streams.filter(|open| !open.interface().datagrams);
        let holder = streams.find(|open| meet(open.address(), wanted));
        holder.map(|open| open.interface().setting)
    }

    /// Nobody is heard any more.
    pub(super) fn end(self) {
        for listener in self.open.into_iter().flatten().chain(self.retired) {
            listener.end();
        }
    }

    /// Whether an address is not to be had because one of our own listeners has it.
    fn is_ours(&self, wanted: &Interface, error: &io::Error) -> bool {
        let mut open = self.open.iter().flatten();
        error.kind() == io::ErrorKind::AddrInUse && open.any(|open| in_the_way(open, wanted))
    }
}

/// Whether a listener keeps another interface from its address. One on UDP goes on for its phones also when it is retired, so
/// it never makes way, and is brought back at its very address alone.
fn in_the_way(open: &Listener, wanted: &Interface) -> bool {
    let (has, Some(wants)) = (open.address(), wanted.listen.address()) else {
        return false;
    };
    !open.interface().datagrams && !wanted.datagrams && meet(has, wants)
}

/// Whether two addresses cannot be listened on at the same time.
pub(super) fn meet(has: SocketAddr, wants: SocketAddr) -> bool {
    has.port() == wants.port()
        && (has.ip() == wants.ip() || has.ip().is_unspecified() || wants.ip().is_unspecified())
}

/// The interfaces of these settings, those that are off among them.
pub(super) fn interfaces(
    settings: &Settings,
    [phones_tls, clients_tls]: &[TlsAcceptor; 2],
) -> [Interface; COUNT] {
    let of = |setting, side, listen: Listen, secure: bool, public: Option<Public>| Interface {
        setting,
        side,
        listen,
        tls: secure.then(|| match side {
            Side::Phones => phones_tls.clone(),
            Side::Clients => clients_tls.clone(),
        }),
        datagrams: false,
        public,
    };
    let (phones, clients) = (&settings.phones, &settings.clients);
    let public = |wan: &uacsta_config::Wan| {
        (!wan.public_host.is_empty()).then(|| Public {
            host: wan.public_host.as_str().into(),
            tcp_port: wan.public_tcp_port,
            tls_port: wan.public_tls_port,
        })
    };
    [
        of("phones.lan.tcp", Side::Phones, phones.lan.tcp, false, None),
        of("phones.lan.tls", Side::Phones, phones.lan.tls, true, None),
        of(
            "phones.wan.tcp",
            Side::Phones,
            phones.wan.tcp,
            false,
            public(&phones.wan),
        ),
        of(
            "phones.wan.tls",
            Side::Phones,
            phones.wan.tls,
            true,
            public(&phones.wan),
        ),
        Interface {
            datagrams: true,
            ..of("phones.udp", Side::Phones, phones.udp, false, None)
        },
        of(
            "clients.lan.tcp",
            Side::Clients,
            clients.lan.tcp,
            false,
            None,
        ),
        of(
            "clients.lan.tls",
            Side::Clients,
            clients.lan.tls,
            true,
            None,
        ),
        of(
            "clients.wan.tcp",
            Side::Clients,
            clients.wan.tcp,
            false,
            public(&clients.wan),
        ),
        of(
            "clients.wan.tls",
            Side::Clients,
            clients.wan.tls,
            true,
            public(&clients.wan),
        ),
    ]
}

fn refused(interface: &Interface, error: io::Error) -> StartError {
    StartError::listen(interface.setting, interface.listen, error)
}
