//! Contact: the addresses of a party or of a registration (RFC 3261, sections 10.2 and 20.10).

use smallvec::SmallVec;

use super::{NameAddr, text::leading_number};

/// The Contact values of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contacts<'a> {
    /// `*`: all bindings, in a REGISTER with Expires 0 (RFC 3261, section 10.2.2).
    Star,
    /// The addresses in order; empty without Contact.
    List(SmallVec<[NameAddr<'a>; 1]>),
}

/// The Contact parameters of a binding.
impl<'a> NameAddr<'a> {
    /// The lifetime of the binding in seconds, 0 to 2^32-1; `None` if missing or not a number.
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        self.params().get("expires").and_then(leading_number)
    }

    /// The preference in thousandths; 1000 if missing or invalid (RFC 3261, section 25.1, qvalue).
    #[must_use]
    pub fn q(&self) -> u16 {
        let thousandths = |text: &str| {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            let digits = fraction.get(..3).unwrap_or(fraction);
            let scale = [1000, 100, 10, 1].get(digits.len())?;
            let fraction = if digits.is_empty() {
                0
            } else {
                digits.parse::<u16>().ok()? * scale
            };
            Some((whole.parse::<u16>().unwrap_or(0).min(1) * 1000 + fraction).min(1000))
        };
        self.params().get("q").and_then(thousandths).unwrap_or(1000)
    }

    /// The instance ID of the device (RFC 5626, section 4.1), without quotes and angle brackets: `urn:uuid:...`.
    #[must_use]
    pub fn instance(&self) -> Option<&'a str> {
        let value = self.params().get("+sip.instance")?;
        let inner = value
            .strip_prefix('<')
            .and_then(|rest| rest.strip_suffix('>'));
        Some(inner.unwrap_or(value))
    }

    /// The ID of the device's flow (RFC 5626, section 4.2).
    #[must_use]
    pub fn reg_id(&self) -> Option<u32> {
        self.params().get("reg-id").and_then(leading_number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binding_parameters_are_read() {
        let q = |text: &str| {
            let text = format!("<sip:a@h>;q={text}");
            NameAddr::parse(&text).map(|contact| contact.q())
        };
        for (text, thousandths) in [
            ("1", 1000),
            ("0", 0),
            ("0.5", 500),
            ("0.917", 917),
            ("1.0", 1000),
            ("0.05", 50),
            (".7", 700),
            ("0.", 0),
            ("x", 0),
            ("1.5", 1000),
            ("0.é", 1000),
        ] {
            assert_eq!(q(text), Ok(thousandths), "{text}");
        }
        let contact =
            NameAddr::parse(r#"<sip:a@h>;reg-id=2;+sip.instance="<urn:uuid:1-2>";expires=300"#);
        let parts = contact.map(|c| (c.expires(), c.instance(), c.reg_id(), c.q()));
        assert_eq!(parts, Ok((Some(300), Some("urn:uuid:1-2"), Some(2), 1000)));
    }
}
