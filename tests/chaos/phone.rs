//! A phone of the random run: it reconnects after every fault and numbers its events.

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc::UnboundedReceiver, time::sleep};

use super::{
    dice::Dice,
    site::{PHONES, Site},
};
use crate::support::{
    csta,
    phone::{Phone, Reaction, Setup},
    wire::final_of,
};

/// What happens to a phone.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// It reboots: RST, and nothing is remembered.
    Reboot,
    /// Its connection ends in good order.
    Close,
    /// It is without power for that long; its connection stays half-open.
    PowerCut(Duration),
    /// It forgets its dialog.
    Forget,
    /// It ends its dialog.
    Bye,
    /// It answers the next request that late.
    Late(Duration),
    /// It never answers the next request.
    Silent,
    /// It sends what is no CSTA.
    Nonsense,
    /// It ends its registration, and comes back.
    Unregister,
}

/// A phone of the run.
#[derive(Clone, Debug)]
pub struct Living {
    /// The phone.
    pub phone: Phone,
    /// Its number in the ledger.
    pub number: usize,
    site: Arc<Site>,
}

/// What clients ask phones for.
pub const ASKED: &str = "GetDoNotDisturb";
/// How often a phone refreshes its registration.
const REFRESH: Duration = Duration::from_secs(20);
/// How long a half-open connection is kept, beyond what the server waits.
const HALF_OPEN: Duration = Duration::from_secs(45);

impl Living {
    /// A phone of that number; every tenth speaks TLS.
    pub fn new(site: Arc<Site>, number: usize) -> Self {
        let nowhere = ([127, 0, 0, 1], 1).into();
        let mut setup = Setup::new(nowhere, &bare(number), PHONES, &line(number));
        setup.expires = 60;
        setup.certificate = secure(number).then(|| site.data.join("certificate.pem"));
        let phone = Phone::new(setup, Arc::clone(&site.documents));
        Self {
            phone,
            site,
            number,
        }
    }

    /// Lives until the run is over.
    pub async fn live(self, mut dice: Dice, mut faults: UnboundedReceiver<Fault>) {
        loop {
            if !self.come_back(&mut dice).await {
                continue;
            }
            let refresh = sleep(REFRESH);
            tokio::pin!(refresh);
            loop {
                tokio::select! {
                    () = self.phone.gone() => break,
                    () = sleep(dice.between(200, 3_000)) => {
                        // The last event of all is told when the faults are over.
                        if !self.site.state().quiet {
                            self.tell();
                        }
                    }
                    () = &mut refresh => break,
                    fault = faults.recv() => match fault {
                        Some(fault) => self.suffer(fault).await,
                        None => return,
                    },
                }
            }
        }
    }

    /// Tells the next event, if a monitor stands.
    pub fn tell(&self) {
        let number = self.site.state().ledger.told[self.number].len();
        let inner = format!(
            "<monitorCrossRefID>{{xref}}</monitorCrossRefID><!--{number}-->{}<doNotDisturbOn>true</doNotDisturbOn>",
            csta::subject("device", self.phone.line())
        );
        let sent = self.site.now();
        let event = self.phone.document("DoNotDisturbEvent", &inner);
        let Some((dialog, mut answers)) = self.phone.tell(&event) else {
            return;
        };
        self.site.tells(self.number, dialog, sent);
        let living = self.clone();
        drop(tokio::spawn(async move {
            if final_of(&mut answers)
                .await
                .is_ok_and(|answer| answer.status() == 200)
            {
                living.site.told(living.number, number);
            }
        }));
    }

    /// Whether it is registered now.
    async fn come_back(&self, dice: &mut Dice) -> bool {
        let doors = self.site.doors().await;
        self.phone.moves_to(match secure(self.number) {
            true => doors.phones_tls,
            false => doors.phones,
        });
        let answer = self.phone.try_register().await;
        let status = answer.map_or(0, |answer| answer.status());
        match status {
            200 => {
                let mac = listed(&bare(self.number));
                self.site.state().telephones.entry(mac).or_insert(None);
                return true;
            }
            // The connection ended, the list could not be written, or the phone was taken for somebody who takes its place.
            0 | 503 => {}
            other => self
                .site
                .fault(format!("phone {}: {other} to its REGISTER", self.number)),
        }
        sleep(dice.between(50, 500)).await;
        false
    }

    async fn suffer(&self, fault: Fault) {
        match fault {
            Fault::Reboot => self.phone.reboot(),
            Fault::Close => self.phone.disconnect(),
            Fault::PowerCut(duration) => {
                if let Some(wire) = self.phone.power_cut() {
                    drop(tokio::spawn(async move {
                        sleep(HALF_OPEN).await;
                        wire.close();
                    }));
                    sleep(duration).await;
                }
            }
            Fault::Forget => self.phone.forget(),
            Fault::Bye => {
                // Without a dialog there is none to end.
                let _ = self.phone.try_send("BYE", None).await;
                self.phone.forget();
            }
            Fault::Late(delay) => self.phone.once(ASKED, Reaction::Late(delay)),
            Fault::Silent => self.phone.once(ASKED, Reaction::Silence),
            Fault::Nonsense => {
                if let Ok(answer) = self
                    .phone
                    .try_send("INFO", Some("<a xmlns='b'><c></a>"))
                    .await
                    && !matches!(answer.status(), 200 | 400 | 481)
                {
                    self.site
                        .fault(format!("{} to what is no CSTA", answer.status()));
                }
            }
            Fault::Unregister => {
                let _ = self.phone.try_unregister().await;
                self.phone.disconnect();
            }
        }
    }
}

/// The user name of a phone.
pub fn bare(number: usize) -> String {
    format!("000413{number:06x}")
}

/// The line of a phone.
pub fn line(number: usize) -> String {
    format!("sip:{}@pbx.example", 10_000 + number)
}

/// A MAC address as the phone list has it.
pub fn listed(bare: &str) -> String {
    let pairs: Vec<&str> = (0..bare.len())
        .step_by(2)
        .filter_map(|at| bare.get(at..at + 2))
        .collect();
    pairs.join(":")
}

fn secure(number: usize) -> bool {
    number % 10 == 9
}
