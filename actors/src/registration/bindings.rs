//! The bindings of addresses of record (RFC 3261, section 10). Only the registrar owns them.

use std::{collections::HashMap, fmt, net::SocketAddr, sync::Arc, time::Duration};

use smallvec::SmallVec;
use uacsta_schema::phone_id::PhoneId;

/// The user of a REGISTER: a MAC address or an extension. Several may register on one device, as the handsets of a base do.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct AddressOfRecord(pub PhoneId);

impl fmt::Display for AddressOfRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The owner of a binding. One address of record may be bound on several devices (RFC 5626, section 4.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RegisterIdentity {
    /// The user of the credentials.
    pub aor: AddressOfRecord,
    /// The device's MAC address, or its extension if the MAC address is unknown.
    pub device: PhoneId,
}

/// A binding: the address to which requests for an address of record are sent. Immutable and shared. The lease on the
/// binding's connection, which receives the refreshes, holds the expiry and the last CSeq.
#[derive(Clone, Debug)]
pub struct Binding<F> {
    /// The owner.
    pub identity: RegisterIdentity,
    /// The URI of the To.
    pub to: Box<str>,
    /// The Contact's URI.
    pub contact: Box<str>,
    /// The Call-ID of the REGISTER that created the binding.
    pub call_id: Box<str>,
    /// The CSeq of that REGISTER.
    pub cseq: u32,
    /// Granted seconds.
    pub expires: u32,
    /// The User-Agent.
    pub user_agent: Option<Box<str>>,
    /// The source address of that REGISTER.
    pub address: SocketAddr,
    /// The connection for requests to the phone (a flow, RFC 5626).
    pub flow: F,
    /// The time of creation, since the server's start.
    pub made_at: Duration,
    /// How many bindings in a row moved to another flow within a second.
    pub rapid_rebinds: u8,
}

/// All bindings.
#[derive(Debug)]
pub(crate) struct Bindings<F> {
    of: HashMap<AddressOfRecord, SmallVec<[Arc<Binding<F>>; 1]>>,
    /// The addresses of record of a device, except the device's own name.
    others: HashMap<PhoneId, SmallVec<[AddressOfRecord; 1]>>,
}

impl<F> Default for Bindings<F> {
    fn default() -> Self {
        Self {
            of: HashMap::new(),
            others: HashMap::new(),
        }
    }
}

impl<F> Bindings<F> {
    /// The binding of an address of record on a device.
    pub(crate) fn get(&self, identity: RegisterIdentity) -> Option<&Arc<Binding<F>>> {
        let bound = self.of.get(&identity.aor)?;
        bound.iter().find(|binding| binding.identity == identity)
    }

    /// The bindings of a device: one for each address of record that is registered on the device.
    pub(crate) fn of_device(&self, device: PhoneId) -> impl Iterator<Item = &Arc<Binding<F>>> {
        let others = self.others.get(&device).into_iter().flatten().copied();
        std::iter::once(AddressOfRecord(device))
            .chain(others)
            .filter_map(move |aor| self.get(RegisterIdentity { aor, device }))
    }

    /// All bindings, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Binding<F>>> {
        self.of.values().flatten()
    }

    /// Adds a binding, and replaces the former binding of its identity.
    pub(crate) fn insert(&mut self, binding: Arc<Binding<F>>) {
        let RegisterIdentity { aor, device } = binding.identity;
        let bound = self.of.entry(aor).or_default();
        match bound
            .iter_mut()
            .find(|known| known.identity.device == device)
        {
            Some(known) => *known = binding,
            None => {
                bound.push(binding);
                if aor.0 != device {
                    self.others.entry(device).or_default().push(aor);
                }
            }
        }
    }

    /// Removes a binding.
    pub(crate) fn remove(&mut self, identity: RegisterIdentity) -> Option<Arc<Binding<F>>> {
        let RegisterIdentity { aor, device } = identity;
        let bound = self.of.get_mut(&aor)?;
        let at = bound
            .iter()
            .position(|known| known.identity.device == device)?;
        let binding = bound.swap_remove(at);
        if bound.is_empty() {
            self.of.remove(&aor);
        }
        if let Some(others) = self.others.get_mut(&device) {
            others.retain(|other| *other != aor);
            if others.is_empty() {
                self.others.remove(&device);
            }
        }
        Some(binding)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    pub(crate) fn identity(aor: &str, device: &str) -> RegisterIdentity {
        RegisterIdentity {
            aor: AddressOfRecord(aor.parse().unwrap()),
            device: device.parse().unwrap(),
        }
    }

    pub(crate) fn binding(identity: RegisterIdentity, flow: u32) -> Binding<u32> {
        Binding {
            identity,
            to: format!("sip:{}@h", identity.aor).into(),
            contact: "sip:a@192.0.2.1:5060".into(),
            call_id: "c".into(),
            cseq: 1,
            expires: 300,
            user_agent: None,
            address: "192.0.2.1:5060".parse().unwrap(),
            flow,
            made_at: Duration::ZERO,
            rapid_rebinds: 0,
        }
    }

    const BASE: &str = "000413aabbcc";

    fn aors(bindings: &Bindings<u32>, device: &str) -> Vec<String> {
        let bound = bindings.of_device(device.parse().unwrap());
        let mut aors: Vec<String> = bound
            .map(|binding| binding.identity.aor.to_string())
            .collect();
        aors.sort();
        aors
    }

    #[test]
    fn three_handsets_of_one_base_have_a_binding_each() {
        let mut bindings = Bindings::default();
        for (aor, flow) in [("215", 1), ("216", 1), ("217", 2)] {
            bindings.insert(Arc::new(binding(identity(aor, BASE), flow)));
        }
        assert_eq!(aors(&bindings, BASE), ["215", "216", "217"]);
        assert_eq!(bindings.iter().count(), 3);
        // One that is made anew leaves the others as they are.
        bindings.insert(Arc::new(binding(identity("216", BASE), 3)));
        let flow = |aor| bindings.get(identity(aor, BASE)).map(|bound| bound.flow);
        assert_eq!(["215", "216", "217"].map(flow), [Some(1), Some(3), Some(2)]);
        // And so does one that ends.
        assert_eq!(bindings.remove(identity("216", BASE)).unwrap().flow, 3);
        assert!(bindings.remove(identity("216", BASE)).is_none());
        assert_eq!(aors(&bindings, BASE), ["215", "217"]);
        bindings.remove(identity("215", BASE));
        bindings.remove(identity("217", BASE));
        assert!(bindings.of.is_empty() && bindings.others.is_empty());
    }

    #[test]
    fn a_device_may_log_on_by_its_own_name_beside_others() {
        let mut bindings = Bindings::default();
        bindings.insert(Arc::new(binding(identity(BASE, BASE), 1)));
        assert!(bindings.others.is_empty());
        bindings.insert(Arc::new(binding(identity("215", BASE), 1)));
        assert_eq!(aors(&bindings, BASE), ["00:04:13:aa:bb:cc", "215"]);
    }

    #[test]
    fn one_extension_is_bound_on_two_devices() {
        let mut bindings = Bindings::default();
        let [desk, home] = [BASE, "000413aabbcd"].map(|device| identity("215", device));
        bindings.insert(Arc::new(binding(desk, 1)));
        bindings.insert(Arc::new(binding(home, 2)));
        assert_eq!(aors(&bindings, BASE), ["215"]);
        bindings.remove(desk);
        assert!(bindings.get(desk).is_none());
        assert_eq!(bindings.get(home).unwrap().flow, 2);
        assert_eq!(bindings.get(identity("215", "215")).map(|_| ()), None);
    }
}
