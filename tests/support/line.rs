//! A bare connection that sends octets and receives frames.

use std::net::{IpAddr, SocketAddr};

use bytes::BytesMut;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use super::{
    PATIENCE,
    digest::{Account, Challenge},
    sip::{self, Frame, Message, unique},
};

/// A connection that does what a test tells it.
pub struct Line {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Line {
    /// A connection to that address.
    pub async fn to(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }

    /// The same, from one of this machine's addresses.
    pub async fn from(source: impl Into<IpAddr>, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(source.into(), 0)).unwrap();
        Self::over(socket.connect(address).await.unwrap())
    }

    /// Over a connection that stands.
    pub fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            buffer: BytesMut::new(),
        }
    }

    /// The connection itself.
    pub fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Sends octets as they are.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// The next frame; None when the server ended the connection.
    pub async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = sip::frame(&mut self.buffer).unwrap() {
                return Some(frame);
            }
            match timeout(PATIENCE, self.stream.read_buf(&mut self.buffer))
                .await
                .expect("something within the patience of a test")
            {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next message.
    pub async fn answer(&mut self) -> Message {
        match self.frame().await {
            Some(Frame::Message(message)) => message,
            other => panic!("expected an answer, got {other:?}"),
        }
    }

    /// The answer to a request; what the server asks meanwhile is left alone.
    pub async fn ask(&mut self, request: &Message) -> Message {
        self.write(request.bytes()).await;
        loop {
            let message = self.answer().await;
            if message.status() != 0 {
                return message;
            }
        }
    }

    /// Logs a user on by REGISTER, challenged anew; the answer.
    pub async fn log_on(&mut self, account: &Account) -> Message {
        let request = register(&account.user);
        let challenge = challenge(&self.ask(&request).await);
        let proof = challenge.answer("REGISTER", "sip:127.0.0.1", account, 1);
        let request = register(&account.user).with("Authorization", proof);
        self.ask(&request).await
    }
}

/// A request outside of any dialog, from and to a user.
pub fn request(method: &str, user: &str) -> Message {
    Message::request(method, "sip:127.0.0.1")
        .with(
            "Via",
            format!("SIP/2.0/TCP 127.0.0.1:9;branch={}", unique("z9hG4bK")),
        )
        .with("Max-Forwards", 70)
        .with("From", format!("<sip:{user}@127.0.0.1>;tag=a"))
        .with("To", format!("<sip:{user}@127.0.0.1>"))
        .with("Call-ID", unique("c"))
        .with("CSeq", format!("1 {method}"))
}

/// A REGISTER of a user, without Authorization.
pub fn register(user: &str) -> Message {
    request("REGISTER", user)
        .with("Contact", format!("<sip:{user}@127.0.0.1:9>"))
        .with("Expires", 300)
}

/// The first challenge of a 401.
pub fn challenge(refusal: &Message) -> Challenge {
    let refusal = refusal.clone().expect(401);
    refusal
        .all("WWW-Authenticate")
        .find_map(Challenge::read)
        .expect("a challenge in every 401")
}
