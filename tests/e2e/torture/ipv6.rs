//! RFC 5118, section 4: IPv6 addresses in every place that a SIP message allows.

use super::{
    Door::{Front, Phones},
    Then::{Chooses, Names},
    Torment, torment,
};

const NO_DIALOG: &str = "its To has a tag, and we have no such dialog (RFC 3261, section 12.2.2)";
const NO_SDP: &str = "well-formed, but SDP is nothing that we take (RFC 3261, section 8.2.3)";

pub fn table() -> Vec<Torment> {
    vec![
        torment(
            "5118 4.1",
            "an IPv6 reference in Request-URI, Via and Contact",
            Front,
            Names(200),
            "REGISTER sip:[2001:db8::10] SIP/2.0\n\
             To: sip:user@example.com\n\
             Via: SIP/2.0/TCP [2001:db8::9:1];branch=z9hG4bKgood\n\
             Contact: \"Caller\" <sip:caller@[2001:db8::1]>",
            b"",
        )
        .telling("Contact", "<sip:caller@[2001:db8::1]>"),
        torment(
            "5118 4.2",
            "an IPv6 address without brackets in the Request-URI",
            Front,
            Names(400),
            "REGISTER sip:2001:db8::10 SIP/2.0\n\
             Via: SIP/2.0/TCP [2001:db8::9:1];branch=z9hG4bKbad\n\
             Contact: \"Caller\" <sip:caller@[2001:db8::1]>",
            b"",
        ),
        torment(
            "5118 4.3",
            "what looks like a port within the brackets is the address's",
            Front,
            Names(200),
            "REGISTER sip:[2001:db8::10:5070] SIP/2.0\nContact: \"Caller\" <sip:caller@[2001:db8::1]>",
            b"",
        ),
        torment(
            "5118 4.4",
            "a port after the brackets",
            Front,
            Names(200),
            "REGISTER sip:[2001:db8::10]:5070 SIP/2.0\nContact: \"Caller\" <sip:caller@[2001:db8::1]>",
            b"",
        ),
        torment(
            "5118 4.5 (1)",
            "brackets round the address of received",
            Phones,
            Chooses(481, NO_DIALOG),
            "BYE sip:[2001:db8::10] SIP/2.0\n\
             To: sip:user@example.com;tag=bd7\n\
             Via: SIP/2.0/TCP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKwith",
            b"",
        )
        .telling("Via", "received=127.0.0.1"),
        torment(
            "5118 4.5 (2)",
            "no brackets round the address of received",
            Phones,
            Names(200),
            "OPTIONS sip:[2001:db8::10] SIP/2.0\n\
             Via: SIP/2.0/TCP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKwithout",
            b"",
        )
        .telling("Via", "received=127.0.0.1"),
        torment(
            "5118 4.6",
            "IPv6 addresses in SDP",
            Front,
            Chooses(415, NO_SDP),
            "INVITE sip:user@[2001:db8::10] SIP/2.0\n\
             Via: SIP/2.0/TCP [2001:db8::20];branch=z9hG4bKsdp\n\
             Contact: \"Caller\" <sip:caller@[2001:db8::20]>\n\
             Content-Type: application/sdp",
            b"v=0\r\no=a 1 1 IN IP6 2001:db8::20\r\ns=-\r\nc=IN IP6 2001:db8::20\r\nt=0 0\r\nm=audio 6000 RTP/AVP 2\r\n",
        ),
        torment(
            "5118 4.7",
            "IPv6 and IPv4 addresses and names in the Vias of one message",
            Phones,
            Chooses(481, NO_DIALOG),
            "BYE sip:user@host.example.net SIP/2.0\n\
             Via: SIP/2.0/TCP [2001:db8::9:1]:6050;branch=z9hG4bKone\n\
             Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKtwo\n\
             Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bKthree\n\
             To: sip:user@example.net;tag=bd8",
            b"",
        )
        .telling("Via", "SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bKthree"),
        torment(
            "5118 4.8",
            "a stream on IPv4 and one on IPv6 in SDP",
            Front,
            Chooses(415, NO_SDP),
            "INVITE sip:user@[2001:db8::10] SIP/2.0\n\
             Via: SIP/2.0/TCP [2001:db8::9:1];branch=z9hG4bKmulti\n\
             Contact: \"Caller\" <sip:caller@[2001:db8::9:1]>\n\
             Content-Type: application/sdp",
            b"v=0\r\no=b 1 1 IN IP4 host.example.com\r\ns=-\r\nt=0 0\r\n\
              m=audio 22334 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\nm=video 6024 RTP/AVP 107\r\nc=IN IP6 2001:db8::1\r\n",
        ),
        torment(
            "5118 4.9",
            "IPv4 addresses mapped into IPv6",
            Front,
            Chooses(415, NO_SDP),
            "INVITE sip:user@example.com SIP/2.0\n\
             Via: SIP/2.0/TCP [::ffff:192.0.2.10]:19823;branch=z9hG4bKmap1\n\
             Via: SIP/2.0/TCP [::ffff:192.0.2.2];branch=z9hG4bKmap2\n\
             Contact: \"Desk phone\" <sip:ted@[::ffff:192.0.2.2]>\n\
             Content-Type: application/sdp",
            b"v=0\r\no=c 1 1 IN IP6 ::ffff:192.0.2.2\r\ns=-\r\nc=IN IP6 ::ffff:192.0.2.2\r\nt=0 0\r\nm=audio 6000 RTP/AVP 2\r\n",
        )
        .telling("Via", "[::ffff:192.0.2.10]:19823"),
        torment(
            "5118 4.10 (1)",
            "the third colon that a flaw of the grammar of RFC 3261 allows",
            Phones,
            Names(200),
            "OPTIONS sip:user@[2001:db8:::192.0.2.1] SIP/2.0\nTo: sip:user@[2001:db8:::192.0.2.1]",
            b"",
        ),
        torment(
            "5118 4.10 (2)",
            "the same with two colons, as RFC 4291 has it",
            Phones,
            Names(200),
            "OPTIONS sip:user@[2001:db8::192.0.2.1] SIP/2.0\nTo: sip:user@[2001:db8::192.0.2.1]",
            b"",
        ),
    ]
}
