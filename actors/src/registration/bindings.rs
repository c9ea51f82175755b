//! The bindings of addresses of record (RFC 3261, section 10). Only the registrar owns them.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use uacsta_schema::{mac::Mac, phone_id::PhoneId};

/// A binding: the address to which requests for an address of record are sent. Immutable and shared. The lease on the
/// binding's connection, which receives the refreshes, holds the expiry and the last CSeq.
#[derive(Clone, Debug)]
pub struct Binding<F> {
    /// The address of record: the user of the To and of the credentials.
    pub phone: PhoneId,
    /// The MAC address: the phone's name, else what the REGISTER says elsewhere. Several phones may have the same one, as the
    /// handsets of a base do.
    pub mac: Option<Mac>,
    /// The URI of the To.
    pub to: Box<str>,
    /// The Contact's URI.
    pub contact: Box<str>,
    /// The proxies on the way to the phone, the first hop first (RFC 3327, section 5.3).
    pub path: Box<[Box<str>]>,
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

/// All bindings: one for each address of record.
#[derive(Debug)]
pub(crate) struct Bindings<F> {
    of: HashMap<PhoneId, Arc<Binding<F>>>,
}

impl<F> Default for Bindings<F> {
    fn default() -> Self {
        Self { of: HashMap::new() }
    }
}

impl<F> Bindings<F> {
    pub(crate) fn get(&self, phone: PhoneId) -> Option<&Arc<Binding<F>>> {
        self.of.get(&phone)
    }

    /// All bindings, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Binding<F>>> {
        self.of.values()
    }

    /// Adds a binding, and replaces the phone's former one.
    pub(crate) fn insert(&mut self, binding: Arc<Binding<F>>) {
        self.of.insert(binding.phone, binding);
    }

    pub(crate) fn remove(&mut self, phone: PhoneId) -> Option<Arc<Binding<F>>> {
        self.of.remove(&phone)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    pub(crate) fn binding(phone: &str, flow: u32) -> Binding<u32> {
        let phone: PhoneId = phone.parse().unwrap();
        Binding {
            phone,
            mac: phone.mac(),
            to: format!("sip:{}@h", phone.bare()).into(),
            contact: "sip:a@192.0.2.1:5060".into(),
            path: Box::default(),
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

    #[test]
    fn three_handsets_of_one_base_have_a_binding_each() {
        let base = "000413aabbcc".parse::<Mac>().unwrap();
        let handset = |name, flow| {
            let mac = Some(base);
            Arc::new(Binding {
                mac,
                ..binding(name, flow)
            })
        };
        let mut bindings = Bindings::default();
        for (name, flow) in [("215", 1), ("216", 1), ("217", 2)] {
            bindings.insert(handset(name, flow));
        }
        assert_eq!(bindings.iter().count(), 3);
        // A new binding leaves the others as they are.
        bindings.insert(handset("216", 3));
        let names = ["215", "216", "217"].map(|name| name.parse::<PhoneId>().unwrap());
        let flows = names.map(|name| bindings.get(name).map(|bound| bound.flow));
        assert_eq!(flows, [Some(1), Some(3), Some(2)]);
        // And so does the end of one.
        assert_eq!(bindings.remove(names[1]).unwrap().flow, 3);
        assert!(bindings.remove(names[1]).is_none());
        assert_eq!(bindings.iter().count(), 2);
    }
}
