//! What most tests begin with: one phone with one line, and a call on it.

use super::{csta::Call, phone::Phone, server::Server};

/// The MAC address of the phone.
pub const MAC: &str = "000413000001";
/// The line that a phone with this MAC address has.
pub const LINE: &str = "sip:0001@pbx.example";

/// The phone, registered and in its session.
pub async fn started(server: &Server) -> Phone {
    let phone = server.phone(MAC);
    phone.start().await;
    phone
}

/// A call from that line to 102.
pub fn call(line: &str) -> Call {
    Call::seen_by(line, "-12", line, "sip:102@pbx.example")
}
