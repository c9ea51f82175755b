//! RFC 4475, section 3.1.2: messages that break the grammar.

use super::{
    Door::{Datagram, Front, Phones},
    SDP,
    Then::{Ends, Ignored, Names, Spares},
    Torment, torment,
};

pub fn table() -> Vec<Torment> {
    vec![
        torment(
            "4475 3.1.2.1",
            "separators with nothing between them",
            Front,
            Names(400),
            "INVITE sip:user@example.com SIP/2.0\n\
             Via: SIP/2.0/TCP 192.0.2.15;;,;,,\n\
             Contact: \"Joe\" <sip:joe@example.org>;;;;\n\
             Content-Type: application/sdp",
            SDP,
        ),
        torment(
            "4475 3.1.2.2",
            "Content-Length is larger than the datagram",
            Datagram,
            Names(400),
            "INVITE sip:user@example.com SIP/2.0\n\
             Via: SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bKshort\n\
             Content-Type: application/sdp\nContent-Length: 9999",
            SDP,
        ),
        torment(
            "4475 3.1.2.2",
            "Content-Length is larger than what comes on a stream",
            Phones,
            Ends(
                None,
                "the rest may still come, but not after limits.message_time",
            ),
            "INVITE sip:user@example.com SIP/2.0\nContent-Type: application/sdp\nContent-Length: 9999",
            SDP,
        ),
        torment(
            "4475 3.1.2.3",
            "Content-Length is below zero",
            Phones,
            Ends(
                Some(400),
                "nothing tells where the next message begins (RFC 3261, section 18.3)",
            ),
            "INVITE sip:user@example.com SIP/2.0\nContent-Type: application/sdp\nContent-Length: -999",
            SDP,
        ),
        torment(
            "4475 3.1.2.4",
            "numbers that no integer holds, in a request",
            Front,
            Names(400),
            "REGISTER sip:example.com SIP/2.0\n\
             CSeq: 36893488147419103232 REGISTER\n\
             Max-Forwards: 300\n\
             Expires: 10000000000000000000000\n\
             Contact: <sip:user@host129.example.com>;expires=280297596632815",
            b"",
        ),
        torment(
            "4475 3.1.2.5",
            "numbers that no integer holds, in a response",
            Phones,
            Ignored("a response gets no answer, and one that cannot be read is dropped"),
            "SIP/2.0 503 Service Unavailable\n\
             CSeq: 9292394834772304023312 OPTIONS\n\
             Retry-After: 949302838503028349304023988\n\
             Warning: 1812 overture \"In Progress\"",
            b"",
        ),
        torment(
            "4475 3.1.2.6",
            "a quote that nobody closes",
            Front,
            Names(400),
            "INVITE sip:user@example.com SIP/2.0\n\
             To: \"Mr. A. User <sip:a.user@example.com>\n\
             Content-Type: application/sdp",
            SDP,
        ),
        torment(
            "4475 3.1.2.7",
            "<> round the Request-URI",
            Front,
            Names(400),
            "INVITE <sip:user@example.com> SIP/2.0\nContent-Type: application/sdp",
            SDP,
        ),
        torment(
            "4475 3.1.2.8",
            "white space in the Request-URI",
            Front,
            Names(400),
            "INVITE sip:user@example.com; lr SIP/2.0\nContent-Type: application/sdp",
            SDP,
        ),
        torment(
            "4475 3.1.2.9",
            "several spaces between the parts of the first line",
            Front,
            Spares(415, "nothing else can be meant; then its SDP is in the way"),
            "INVITE  sip:user@example.com  SIP/2.0\nContent-Type: application/sdp",
            SDP,
        ),
        torment(
            "4475 3.1.2.10",
            "spaces at the end of the first line",
            Phones,
            Spares(200, "nothing else can be meant"),
            "OPTIONS sip:remote-target@example.com SIP/2.0  ",
            b"",
        ),
        torment(
            "4475 3.1.2.11",
            "a header in the Request-URI",
            Front,
            Names(400),
            "INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0\nContent-Type: application/sdp",
            SDP,
        ),
        torment(
            "4475 3.1.2.12",
            "a Date that is not in GMT",
            Front,
            Spares(415, "we read no Date; then its SDP is in the way"),
            "INVITE sip:user@example.com SIP/2.0\n\
             Date: Fri, 01 Jan 2010 16:00:00 EST\n\
             Content-Type: application/sdp",
            SDP,
        ),
        torment(
            "4475 3.1.2.13",
            "a Contact with a header outside of <>",
            Front,
            Names(400),
            "REGISTER sip:example.com SIP/2.0\n\
             Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E",
            b"",
        ),
        torment(
            "4475 3.1.2.14",
            "spaces within the <> of a To",
            Phones,
            Names(400),
            "OPTIONS sip:user@example.org SIP/2.0\nTo: \"User, The\" < sip:t.user@example.org >",
            b"",
        ),
        torment(
            "4475 3.1.2.15",
            "a display name with a comma and without quotes",
            Phones,
            Spares(
                200,
                "a From is one address, so nothing else can be meant; phones have such names",
            ),
            "OPTIONS sip:user@example.org SIP/2.0\nFrom: Caller, The <sip:t.caller@example.com>;tag=43",
            b"",
        ),
        torment(
            "4475 3.1.2.16",
            "a version to come",
            Phones,
            Names(505),
            "OPTIONS sip:t.user@example.org SIP/7.0\nVia: SIP/7.0/TCP c.example.com;branch=z9hG4bKv7",
            b"",
        ),
        torment(
            "4475 3.1.2.17",
            "CSeq names another method, both known",
            Phones,
            Names(400),
            "OPTIONS sip:user@example.com SIP/2.0\nCSeq: 8 INVITE",
            b"",
        ),
        torment(
            "4475 3.1.2.18",
            "CSeq has a different method than an unknown one",
            Phones,
            // 501 would do as well: what is wrong comes before what is not known.
            Names(400),
            "NEWMETHOD sip:user@example.com SIP/2.0\nCSeq: 8 INVITE",
            b"",
        ),
        torment(
            "4475 3.1.2.19",
            "a status code that overflows",
            Phones,
            Ignored("a response gets no answer, and one that cannot be read is dropped"),
            "SIP/2.0 4294967301 better not break the receiver\nCSeq: 8 INVITE",
            b"",
        ),
    ]
}
