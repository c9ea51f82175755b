//! A peer on UDP that sends one request after the other, each once.

use std::net::SocketAddr;

use bytes::BytesMut;
use tokio::{net::UdpSocket, time::timeout};

use super::MAC;
use crate::support::{
    PATIENCE,
    line::request,
    sip::{self, Frame, Message, unique},
};

/// A socket that speaks with the server alone.
pub(super) struct UdpPeer {
    socket: UdpSocket,
}

impl UdpPeer {
    pub(super) async fn of(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(server).await.unwrap();
        Self { socket }
    }

    /// The final response to a request; what the server asks meanwhile is left alone.
    pub(super) async fn ask(&self, request: Message) -> Message {
        let own = self.socket.local_addr().unwrap();
        let branch = unique("z9hG4bK");
        let request = request.set("Via", format!("SIP/2.0/UDP {own};branch={branch}"));
        self.socket.send(&request.bytes()).await.unwrap();
        let mut datagram = vec![0; 1 << 16];
        loop {
            let length = timeout(PATIENCE, self.socket.recv(&mut datagram))
                .await
                .expect("an answer")
                .unwrap();
            let mut octets = BytesMut::from(&datagram[..length]);
            if let Ok(Some(Frame::Message(answer))) = sip::frame(&mut octets)
                && answer.status() >= 200
                && answer.branch() == branch
            {
                return answer;
            }
        }
    }

    /// To of a response, whose tag is one for all strangers, and another for each connection.
    pub(super) async fn tag(&self) -> String {
        let answer = self.ask(request("OPTIONS", MAC)).await;
        answer.must("To").to_owned()
    }
}
