//! All phones register in the same second, as after a power cut.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::support::{csta::element, phone::Phone, server::Server};

const PHONES: usize = 500;

/// A27: all are registered and in session within 60 s and none is forgotten, while a client of a phone that stayed is
/// served. (5 000 of them: `load storm`, see BENCHMARKS.md.)
#[tokio::test]
async fn phones_returning_at_once_are_all_restored() {
    let server = Server::start();
    let stayed = server.phone("000413ffffff");
    stayed.start().await;
    let session = server.client().await.open(stayed.line()).await;
    let phones: Vec<Phone> = (0..PHONES)
        .map(|number| server.phone(&format!("0004130{number:05x}")))
        .collect();
    for powered in 1..=2 {
        let begun = Instant::now();
        let all = join_all(phones.iter().map(|phone| async {
            phone.register().await.expect(200);
            phone.in_session().await;
        }));
        let mut slowest = Duration::ZERO;
        let serve = async {
            loop {
                let asked = Instant::now();
                session
                    .done("GetDoNotDisturb", &element("device", stayed.line()))
                    .await;
                slowest = slowest.max(asked.elapsed());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            _ = all => {}
            () = serve => {}
        }
        assert!(begun.elapsed() < Duration::from_secs(60));
        assert!(slowest < Duration::from_secs(8), "{slowest:?}");
        let list = server.list().await;
        assert_eq!(list["items"].as_array().map(Vec::len), Some(PHONES + 1));
        assert_eq!(list["connectedPhones"], PHONES + 1);
        assert!(phones.iter().all(|phone| phone.count("INVITE") == powered));
        phones.iter().for_each(Phone::reboot);
    }
}
