//! How a connection of the HTTP server limits its peer.
#![allow(clippy::unwrap_used)]
use std::time::Duration;

use peer::Times;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};

use super::*;

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(10);
const PATIENT: Times = Times {
    log_on: LONG,
    idle: LONG,
    request: LONG,
    unread: LONG,
    close: LONG,
};

async fn pair(times: Times) -> (Connection, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await;
    let (io, _) = listener.accept().await.unwrap();
    let places = Rc::new(Places::new(1));
    let peer = Peer::with_times(&places, None, false, times);
    let io = Connection::new(Box::new(io), Rc::new(peer));
    (io, stream.unwrap())
}

/// A connection whose peer has logged on.
async fn authenticated(times: Times) -> (Connection, TcpStream) {
    let pair = pair(times).await;
    pair.0.peer().authenticated();
    pair
}

#[actix_web::test]
async fn unauthenticated_connection_ends_in_time_whether_silent_or_stalled() {
    let times = Times {
        log_on: SHORT,
        ..PATIENT
    };
    let (mut silent, _peer) = pair(times).await;
    let error = silent.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    let (mut unread, _peer) = pair(times).await;
    let error = unread.write_all(&vec![0; 64 << 20]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[actix_web::test]
async fn authenticated_connection_outlasts_the_time_for_a_log_on_and_sends_much() {
    let times = Times {
        log_on: SHORT,
        ..PATIENT
    };
    let (mut connection, mut peer) = authenticated(times).await;
    assert!(timeout(4 * SHORT, connection.read_u8()).await.is_err());
    peer.write_all(&vec![1; 2 * OCTETS]).await.unwrap();
    let mut octets = vec![0; 2 * OCTETS];
    connection.read_exact(&mut octets).await.unwrap();
}

#[actix_web::test]
async fn idle_authenticated_connection_is_closed_in_time() {
    let times = Times {
        idle: SHORT,
        ..PATIENT
    };
    let (mut connection, _peer) = authenticated(times).await;
    let peer = connection.peer();
    let answering = Answering::new(&peer);
    assert!(timeout(4 * SHORT, connection.read_u8()).await.is_err());
    let ended = async {
        let begun = Instant::now();
        // The answer is complete while the connection waits to be read.
        drop(answering);
        begun
    };
    let (read, begun) = tokio::join!(connection.read_u8(), ended);
    assert_eq!(read.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert!(begun.elapsed() >= SHORT && begun.elapsed() < LONG / 2);
}

#[actix_web::test]
async fn request_has_its_time_for_the_head_and_again_for_the_body() {
    let times = Times {
        request: 4 * SHORT,
        ..PATIENT
    };
    let (mut connection, mut stream) = authenticated(times).await;
    let trickle = async move {
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(SHORT / 4).await;
        }
    };
    let trickle = actix_rt::spawn(trickle);
    let peer = connection.peer();
    let until_late = async |connection: &mut Connection| {
        let begun = Instant::now();
        let error = loop {
            if let Err(error) = connection.read_u8().await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let took = begun.elapsed();
        assert!(took >= 3 * SHORT && took < LONG / 2, "{took:?}");
    };
    until_late(&mut connection).await;
    peer.set_answering(true);
    peer.set_answering(false);
    until_late(&mut connection).await;
    trickle.abort();
}

#[actix_web::test]
async fn answer_that_is_left_unread_ends_the_connection_in_time() {
    let times = Times {
        unread: SHORT,
        ..PATIENT
    };
    let (mut connection, _peer) = authenticated(times).await;
    let _answering = Answering::new(&connection.peer());
    let error = connection.write_all(&vec![0; 64 << 20]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[actix_web::test]
async fn peer_that_leaves_answers_unread_is_not_read_until_it_reads_them() {
    const MUCH: usize = 64 << 20;
    let (mut connection, mut peer) = pair(PATIENT).await;
    peer.write_all(b"more").await.unwrap();
    let octets = vec![0; MUCH];
    let writing = connection.write_all(&octets);
    assert!(timeout(SHORT, writing).await.is_err());
    let mut part = [0; 4];
    let reading = connection.read_exact(&mut part);
    assert!(timeout(SHORT, reading).await.is_err());

    actix_rt::spawn(async move { while matches!(peer.read(&mut [0; 4096]).await, Ok(1..)) {} });
    connection.write_all(&octets).await.unwrap();
    connection.read_exact(&mut part).await.unwrap();
    assert_eq!(&part, b"more");
}
