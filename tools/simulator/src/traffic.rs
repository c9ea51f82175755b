//! Makes calls between the phones of a fleet at a steady rate.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::{Fleet, Phone};

/// How long a phone rings before it is answered, and how long a call takes: shortest and longest.
const RING: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(4));
const TALK: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(30));

/// Makes `calls_per_minute` calls, as long as it is polled. Busy phones are skipped.
pub async fn keep_calling(fleet: &Fleet, calls_per_minute: f64) {
    let mut ticks = interval(Duration::from_secs_f64(60.0 / calls_per_minute.max(0.01)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        ticks.tick().await;
        let phones = fleet.phones();
        let (Some(one), Some(other)) = (any(phones), any(phones)) else {
            return;
        };
        if one.device() != other.device() && is_free(one).await && is_free(other).await {
            actix_rt::spawn(call(one.clone(), other.clone()));
        }
    }
}

async fn is_free(phone: &Phone) -> bool {
    phone.calls().await.is_empty()
}

/// One call, from dialling to hanging up. Rejections and forwardings on the way are not errors.
async fn call(one: Phone, other: Phone) {
    let dialled = one.dial(other.device().user()).await;
    if dialled.is_ok() && timeout(RING.1, other.rings()).await.is_ok() {
        sleep(between(RING)).await;
        if other.answer().await.is_ok() {
            sleep(between(TALK)).await;
        }
    }
    let first = if random().is_multiple_of(2) {
        one
    } else {
        other
    };
    // The other party may have hung up already.
    let _ = first.hang_up().await;
}

fn any(phones: &[Phone]) -> Option<&Phone> {
    let count = u64::try_from(phones.len())
        .ok()
        .filter(|count| *count > 1)?;
    phones.get(usize::try_from(random() % count).ok()?)
}

fn between((least, most): (Duration, Duration)) -> Duration {
    let share = u32::try_from(random() % 1000).unwrap_or_default();
    least + (most - least) * share / 1000
}

/// A random number; 0 if the system has none.
fn random() -> u64 {
    getrandom::u64().unwrap_or_default()
}
