//! Failed contacts of listed phones, by name and by address. Others may invent names and addresses, so no more is kept.

use std::{collections::BTreeMap, net::IpAddr};

use crate::reason::{Cause, Contact, ContactFault, Reason};

/// Contacts that failed in the same way.
#[derive(Clone, Debug)]
pub(in crate::registrar) struct Failure {
    contact: Contact,
    since: u64,
    /// When it happened last.
    pub(in crate::registrar) at: u64,
}

impl Failure {
    /// A contact that failed at this time, after a former one.
    pub(super) fn after(former: Option<&Self>, fault: ContactFault, from: IpAddr, at: u64) -> Self {
        let former = former.filter(|former| former.contact.fault.code() == fault.code());
        Self {
            contact: Contact::new(fault, from).after(former.map(|former| &former.contact)),
            since: former.map_or(at, |former| former.since),
            at,
        }
    }

    pub(in crate::registrar) fn reason(&self) -> Reason {
        Reason {
            cause: Cause::Contact(self.contact.clone()),
            since: Some(self.since),
        }
    }
}

/// The last addresses of listed phones, with the contacts from there that failed.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    of: BTreeMap<IpAddr, PhoneAddress>,
}

#[derive(Debug, Default)]
struct PhoneAddress {
    /// How many listed phones have this address.
    phones: usize,
    failure: Option<Box<Failure>>,
}

impl Addresses {
    /// A listed phone has another address than before.
    pub(super) fn moved(&mut self, from: Option<IpAddr>, to: Option<IpAddr>) {
        if from == to {
            return;
        }
        if let Some(to) = to {
            self.of.entry(to).or_default().phones += 1;
        }
        if let Some(from) = from
            && let Some(left) = self.of.get_mut(&from)
        {
            left.phones -= 1;
            if left.phones == 0 {
                self.of.remove(&from);
            }
        }
    }

    /// A contact from this address failed, and named no phone.
    pub(super) fn failed(&mut self, address: IpAddr, fault: ContactFault, at: u64) {
        if let Some(known) = self.of.get_mut(&address) {
            let failure = Failure::after(known.failure.as_deref(), fault, address, at);
            known.failure = Some(Box::new(failure));
        }
    }

    /// A phone registered from this address.
    pub(super) fn registered(&mut self, address: IpAddr) {
        if let Some(known) = self.of.get_mut(&address) {
            known.failure = None;
        }
    }

    pub(super) fn failure(&self, address: IpAddr) -> Option<&Failure> {
        self.of.get(&address)?.failure.as_deref()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::reason::Code;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    const TLS: ContactFault = ContactFault::WrongTransport { is_tls: true };

    #[test]
    fn only_addresses_of_listed_phones_keep_failures() {
        let mut addresses = Addresses::default();
        addresses.moved(None, Some(address(1)));
        for last in 1..=255 {
            addresses.failed(address(last), TLS, 5);
        }
        assert_eq!(addresses.of.len(), 1);
        assert!(addresses.failure(address(1)).is_some());
        assert!(addresses.failure(address(2)).is_none());
        // Two phones behind one address: it is kept until both have left.
        addresses.moved(None, Some(address(1)));
        addresses.moved(Some(address(1)), Some(address(2)));
        assert!(addresses.failure(address(1)).is_some());
        addresses.moved(Some(address(1)), None);
        assert!(addresses.failure(address(1)).is_none());
        assert_eq!(addresses.of.len(), 1);
    }

    #[test]
    fn failures_of_a_kind_are_counted_until_a_phone_registers() {
        let mut addresses = Addresses::default();
        addresses.moved(None, Some(address(1)));
        for at in [5, 7] {
            addresses.failed(address(1), TLS, at);
        }
        let failure = addresses.failure(address(1)).unwrap();
        assert_eq!(
            (failure.contact.times, failure.since, failure.at),
            (2, 5, 7)
        );
        let user = "ecsta".into();
        let other = ContactFault::WrongUserName {
            user,
            is_client: true,
        };
        addresses.failed(address(1), other, 9);
        let reason = addresses.failure(address(1)).unwrap().reason();
        assert_eq!(reason.cause.code(), Code::WrongUserName);
        assert_eq!(reason.since, Some(9));
        addresses.registered(address(1));
        assert!(addresses.failure(address(1)).is_none());
    }
}
