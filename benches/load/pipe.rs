//! The baseline: copies octets between sockets with tokio.

use std::{net::SocketAddr, process::Command, rc::Rc};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Mutex,
    task::spawn_local,
};

/// The command that runs this program as a pipe.
///
/// # Errors
/// When this program does not find itself.
pub(crate) fn command(
    phones: SocketAddr,
    clients: SocketAddr,
    count: usize,
) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([
        "pipe".to_owned(),
        phones.to_string(),
        clients.to_string(),
        count.to_string(),
    ]);
    Ok(command)
}

/// Carries octets for ever. Connections belong together in the order in which they come: one phone, then its clients.
/// What a phone sends goes to each of its clients; what the first of them sends goes to the phone.
///
/// # Errors
/// When an address cannot be listened on.
pub(crate) async fn serve(
    phones: SocketAddr,
    clients: SocketAddr,
    count: usize,
) -> anyhow::Result<()> {
    let (phones, clients) = (
        TcpListener::bind(phones).await?,
        TcpListener::bind(clients).await?,
    );
    // Two connections only ask whether somebody listens.
    drop((phones.accept().await?, clients.accept().await?));
    loop {
        let (from_phone, to_phone) = accept(&phones).await?;
        let mut to_clients = Vec::with_capacity(count);
        let to_phone = Rc::new(Mutex::new(to_phone));
        for number in 0..count {
            let (from_client, to_client) = accept(&clients).await?;
            to_clients.push(to_client);
            let back = (number == 0).then(|| Rc::clone(&to_phone));
            drop(spawn_local(bring_back(from_client, back)));
        }
        drop(spawn_local(spread(from_phone, to_clients)));
    }
}

/// As much as one read takes.
const CHUNK: usize = 16 * 1024;

async fn accept(listener: &TcpListener) -> anyhow::Result<(OwnedReadHalf, OwnedWriteHalf)> {
    let (stream, _): (TcpStream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok(stream.into_split())
}

async fn spread(mut phone: OwnedReadHalf, mut clients: Vec<OwnedWriteHalf>) {
    let mut chunk = vec![0; CHUNK];
    while let Ok(count @ 1..) = phone.read(&mut chunk).await {
        for client in &mut clients {
            // A client that has gone misses what comes.
            let _ = client.write_all(&chunk[..count]).await;
        }
    }
}

async fn bring_back(mut client: OwnedReadHalf, phone: Option<Rc<Mutex<OwnedWriteHalf>>>) {
    let mut chunk = vec![0; CHUNK];
    while let Ok(count @ 1..) = client.read(&mut chunk).await {
        if let Some(phone) = &phone {
            // As above.
            let _ = phone.lock().await.write_all(&chunk[..count]).await;
        }
    }
}
