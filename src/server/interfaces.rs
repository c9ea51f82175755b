//! The open interfaces, and how a reload changes them.

use std::{io, mem, net::SocketAddr, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};
use tokio_rustls::TlsAcceptor;
use uacsta_config::{Listen, Settings, overlap};

use super::{addresses::Addresses, error::StartError};
use crate::{
    api::HttpServer,
    net::{Acceptor, Bound, Interface, Listener, Public, Side},
};

/// The listeners of all interfaces but the API's.
pub(super) struct Interfaces {
    acceptor: Arc<Acceptor>,
    /// Retired UDP listeners among them.
    listeners: Vec<Listener>,
}

/// How a reload changes the interfaces. Dropping it changes nothing.
pub(super) struct InterfaceChange {
    /// The address stays, and so does its socket, whatever it serves from now on.
    kept: Vec<Interface>,
    /// New addresses.
    bound: Vec<Bound>,
    /// New addresses that overlap a listener which closes. They are bound after it is closed.
    overlapping: Vec<Interface>,
}

/// How long to wait for an address whose listener was just closed: the API's needs a moment.
const RELEASE_TIME: Duration = Duration::from_secs(1);

impl Interfaces {
    /// Opens all interfaces. An address that this machine does not have yet is awaited.
    ///
    /// # Errors
    /// The first address that cannot be listened on; none is open then.
    pub(super) fn open(
        acceptor: Arc<Acceptor>,
        wanted: Vec<Interface>,
    ) -> Result<Self, StartError> {
        let mut interfaces = Self {
            acceptor,
            listeners: Vec::new(),
        };
        interfaces.open_all(wanted)?;
        Ok(interfaces)
    }

    /// The same where none is open.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(super) fn open_all(&mut self, wanted: Vec<Interface>) -> Result<(), StartError> {
        let bound = wanted
            .into_iter()
            .map(|interface| bind(interface, Bound::or_awaited))
            .collect::<Result<Vec<_>, _>>()?;
        let bound = bound.into_iter().flatten();
        self.listeners = bound.map(|bound| bound.serve(&self.acceptor)).collect();
        Ok(())
    }

    /// The addresses of all interfaces and of the API.
    pub(super) fn addresses_with(&self, web: Option<&HttpServer>) -> Addresses {
        Addresses {
            web: web.map(HttpServer::address),
            ..self.addresses()
        }
    }

    /// The addresses of all interfaces but the API's.
    fn addresses(&self) -> Addresses {
        let at = |setting| {
            let mut listeners = self.listeners.iter();
            let listener = listeners
                .find(|listener| !listener.is_retired() && listener.interface().setting == setting);
            listener.map(Listener::address)
        };
        Addresses {
            phones_tcp: at("phones.lan.tcp"),
            phones_tls: at("phones.lan.tls"),
            phones_wan_tcp: at("phones.wan.tcp"),
            phones_wan_tls: at("phones.wan.tls"),
            phones_udp: at("phones.udp"),
            clients_tcp: at("clients.lan.tcp"),
            clients_tls: at("clients.lan.tls"),
            clients_wan_tcp: at("clients.wan.tcp"),
            clients_wan_tls: at("clients.wan.tls"),
            web: None,
        }
    }

    /// Binds the new addresses that do not overlap a listener which closes, nor `closing_api`.
    ///
    /// # Errors
    /// The first address that cannot be listened on; nothing is changed.
    pub(super) fn plan(
        &mut self,
        wanted: Vec<Interface>,
        closing_api: Option<SocketAddr>,
    ) -> Result<InterfaceChange, StartError> {
        self.listeners.retain(|listener| !listener.is_finished());
        let is_open = |wanted: &Interface| position(&self.listeners, wanted).is_some();
        let (kept, new) = wanted.into_iter().partition(is_open);
        let mut change = InterfaceChange {
            kept,
            bound: Vec::new(),
            overlapping: Vec::new(),
        };
        for interface in new {
            let waits = interface.listen.address().is_some_and(|address| {
                let tcp_waits = || closing_api.is_some_and(|api| overlap(api, address));
                self.closes(&change, address, interface.datagrams)
                    || !interface.datagrams && tcp_waits()
            });
            if waits {
                change.overlapping.push(interface);
            } else {
                change.bound.extend(bind(interface, Bound::new)?);
            }
        }
        Ok(change)
    }

    /// Whether an address overlaps a listener that the change closes.
    pub(super) fn closes(
        &self,
        change: &InterfaceChange,
        address: SocketAddr,
        datagrams: bool,
    ) -> bool {
        let mut closing = self.listeners.iter().filter(|open| !change.keeps(open));
        closing
            .any(|open| open.interface().datagrams == datagrams && overlap(open.address(), address))
    }

    /// Closes the listeners that the change does not keep, and returns what they served. UDP listeners are closed only if a new
    /// interface overlaps them, since that ends the connections of their phones.
    pub(super) async fn close_leaving(&mut self, change: &InterfaceChange) -> Vec<Interface> {
        let mut closed = Vec::new();
        for listener in mem::take(&mut self.listeners) {
            let interface = listener.interface();
            let is_overlapped = |new: &Interface| {
                let address = new.listen.address();
                new.datagrams && address.is_some_and(|new| overlap(listener.address(), new))
            };
            let stays = interface.datagrams && !change.overlapping.iter().any(is_overlapped);
            if stays || change.keeps(&listener) {
                self.listeners.push(listener);
            } else {
                if !listener.is_retired() {
                    closed.push(Interface::clone(&interface));
                }
                listener.close().await;
            }
        }
        closed
    }

    /// Binds the overlapping interfaces after [`Self::close_leaving`].
    ///
    /// # Errors
    /// The first address that cannot be listened on.
    pub(super) async fn bind_overlapping(
        &self,
        change: &mut InterfaceChange,
    ) -> Result<(), StartError> {
        for interface in mem::take(&mut change.overlapping) {
            let bound = when_released(|| bind(interface.clone(), Bound::new)).await?;
            change.bound.extend(bound);
        }
        Ok(())
    }

    /// Opens interfaces again that were closed for a change that failed.
    pub(super) async fn reopen(&mut self, closed: Vec<Interface>) {
        for interface in closed {
            let setting = interface.setting;
            match when_released(|| bind(interface.clone(), Bound::or_awaited)).await {
                Ok(bound) => {
                    let listener = bound.map(|bound| bound.serve(&self.acceptor));
                    self.listeners.extend(listener);
                }
                Err(error) => {
                    tracing::error!(interface = setting, %error, "cannot open the interface again");
                }
            }
        }
    }

    /// Applies the change: kept listeners serve their new interface, new ones start, the others close.
    pub(super) async fn apply(&mut self, change: InterfaceChange) {
        let mut former = mem::take(&mut self.listeners);
        let mut gone = Vec::new();
        for interface in change.kept {
            if let Some(at) = position(&former, &interface) {
                let listener = former.swap_remove(at);
                listener.serve_as(interface);
                self.listeners.push(listener);
            } else {
                // A retired UDP listener whose last phone has gone meanwhile.
                gone.push(interface);
            }
        }
        let new = change.bound.into_iter();
        self.listeners
            .extend(new.map(|bound| bound.serve(&self.acceptor)));
        for listener in former {
            self.listeners.extend(listener.retire().await);
        }
        self.reopen(gone).await;
    }

    /// Accepts no further connections. Returns the UDP listeners, which carry the ends of their phones' sessions until they are
    /// aborted.
    pub(super) async fn stop_accepting(&mut self) -> Vec<Listener> {
        let mut carrying = Vec::new();
        for listener in mem::take(&mut self.listeners) {
            carrying.extend(listener.retire().await);
        }
        carrying
    }
}

impl InterfaceChange {
    /// Whether some listeners must close before the others can be bound.
    pub(super) fn has_overlaps(&self) -> bool {
        !self.overlapping.is_empty()
    }

    fn keeps(&self, listener: &Listener) -> bool {
        self.kept
            .iter()
            .any(|kept| is_at_address_of(listener, kept))
    }
}

fn position(listeners: &[Listener], wanted: &Interface) -> Option<usize> {
    let mut listeners = listeners.iter();
    listeners.position(|listener| !listener.is_finished() && is_at_address_of(listener, wanted))
}

fn is_at_address_of(listener: &Listener, wanted: &Interface) -> bool {
    let open = listener.interface();
    let any_port = wanted
        .listen
        .address()
        .is_some_and(|address| address.port() == 0);
    (open.listen, open.datagrams) == (wanted.listen, wanted.datagrams)
        // Several interfaces may ask for any free port; each keeps its own.
        && (!any_port || open.setting == wanted.setting)
}

fn bind(
    interface: Interface,
    bind: impl Fn(Interface) -> io::Result<Option<Bound>>,
) -> Result<Option<Bound>, StartError> {
    let (setting, listen) = (interface.setting, interface.listen);
    bind(interface).map_err(|error| StartError::listen(setting, listen, error))
}

/// Repeats `bind` for a moment while the address is in use.
pub(super) async fn when_released<T>(
    bind: impl Fn() -> Result<T, StartError>,
) -> Result<T, StartError> {
    let deadline = Instant::now() + RELEASE_TIME;
    loop {
        match bind() {
            Err(error) if error.is_in_use() && Instant::now() < deadline => {
                sleep(Duration::from_millis(10)).await;
            }
            result => return result,
        }
    }
}

/// The interfaces of these settings that are on.
pub(super) fn interfaces(
    settings: &Settings,
    [phones_tls, clients_tls]: &[TlsAcceptor; 2],
) -> Vec<Interface> {
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
    let mut all = vec![
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
    ];
    all.retain(|interface| interface.listen.address().is_some());
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses_overlap_if_both_cannot_be_bound() {
        let check = |one: &str, other: &str, expected| {
            let (one, other) = (one.parse().unwrap(), other.parse().unwrap());
            assert_eq!(overlap(one, other), expected, "{one} {other}");
            assert_eq!(overlap(other, one), expected, "{other} {one}");
        };
        check("10.0.0.1:5060", "10.0.0.1:5060", true);
        check("0.0.0.0:5060", "10.0.0.1:5060", true);
        check("[::]:5060", "10.0.0.1:5060", true);
        check("10.0.0.1:5060", "10.0.0.2:5060", false);
        check("0.0.0.0:5060", "10.0.0.1:5061", false);
    }
}
