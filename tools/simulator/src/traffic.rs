//! Makes calls between the phones of a fleet at a steady rate.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use super::{Fleet, Phone};

/// How long a phone rings before it is answered, and how long a call takes: shortest and longest.
const RING: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(4));
const TALK: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(30));
/// The mean of both together, in seconds.
const MEAN: f64 = 20.0;
/// The share of their time that phones may be in calls, so that two of them are free when a call is due.
const LOAD: f64 = 0.6;
/// How long a phone that is in another call is left alone.
const OTHERWISE_BUSY: Duration = Duration::from_millis(50);
/// How long a call may take to be set up or to end.
const STEP: Duration = Duration::from_secs(5);

/// Makes `calls_per_minute` calls, as long as it is polled, and counts them in `made`. Calls are shorter where the phones are too few
/// for calls of usual length.
pub async fn keep_calling(fleet: &Fleet, calls_per_minute: f64, made: &AtomicU64) {
    let phones = fleet.phones();
    let rate = calls_per_minute.max(0.01) / 60.0;
    let scale = scale(rate, phones.len());
    let mut ticks = interval(Duration::from_secs_f64(1.0 / rate));
    // A call that found no free phones is made up for.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (ended, mut ends) = mpsc::channel(phones.len().max(1));
    let mut free: Vec<Phone> = phones.to_vec();
    loop {
        ticks.tick().await;
        let (one, other) = loop {
            while let Ok(pair) = ends.try_recv() {
                free.extend::<[Phone; 2]>(pair);
            }
            match take_pair(&mut free).await {
                Some(pair) => break pair,
                None => {
                    if let Ok(Some(pair)) = timeout(OTHERWISE_BUSY, ends.recv()).await {
                        free.extend(pair);
                    }
                }
            }
        };
        let dialled = timeout(STEP, one.dial(other.device().user())).await;
        let is_made = matches!(dialled, Ok(Ok(())));
        made.fetch_add(u64::from(is_made), Ordering::Relaxed);
        let ended = ended.clone();
        actix_rt::spawn(async move {
            if is_made {
                talk(&one, &other, scale).await;
            }
            // Nobody listens once the traffic has stopped.
            let _ = ended.send([one, other]).await;
        });
    }
}

/// How much shorter than usual calls must be, so that the phones can make `rate` calls a second.
fn scale(rate: f64, phones: usize) -> f64 {
    let pairs = f64::from(u32::try_from(phones / 2).unwrap_or(u32::MAX));
    (LOAD * pairs / rate / MEAN).min(1.0)
}

/// Takes two phones that are in no call, at random.
async fn take_pair(free: &mut Vec<Phone>) -> Option<(Phone, Phone)> {
    let mut busy = Vec::new();
    let mut found = Vec::new();
    while found.len() < 2 && !free.is_empty() {
        let phone = free.swap_remove(below(free.len()));
        if phone.calls().await.is_empty() {
            found.push(phone);
        } else {
            busy.push(phone);
        }
    }
    free.append(&mut busy);
    let pair = <[Phone; 2]>::try_from(found);
    match pair {
        Ok([one, other]) => Some((one, other)),
        Err(found) => {
            free.extend(found);
            None
        }
    }
}

/// One call, from ringing to hanging up. Rejections and forwardings on the way are not errors.
async fn talk(one: &Phone, other: &Phone, scale: f64) {
    if timeout(STEP, other.rings()).await.is_ok() {
        sleep(between(RING).mul_f64(scale)).await;
        if other.answer().await.is_ok() {
            sleep(between(TALK).mul_f64(scale)).await;
        }
    }
    let (first, second) = match below(2) {
        0 => (one, other),
        _ => (other, one),
    };
    for phone in [first, second] {
        // It may have no call any more.
        let _ = phone.hang_up().await;
        let _ = timeout(STEP, phone.is_idle()).await;
    }
}

fn between((least, most): (Duration, Duration)) -> Duration {
    let share = u32::try_from(below(1000)).unwrap_or_default();
    least + (most - least) * share / 1000
}

/// A random number below `bound`; 0 if the system has none.
fn below(bound: usize) -> usize {
    let random = getrandom::u64().unwrap_or_default();
    let bound = u64::try_from(bound.max(1)).unwrap_or(1);
    usize::try_from(random % bound).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_shorter_where_phones_are_few() {
        for (calls_per_minute, phones, expected) in [
            (1.0, 100, 1.0),
            (300.0, 1000, 1.0),
            (600.0, 2, 0.003),
            (60.0, 4, 0.06),
        ] {
            let scale = scale(calls_per_minute / 60.0, phones);
            assert!(
                (scale - expected).abs() < 1e-9,
                "{calls_per_minute} {phones}: {scale}"
            );
        }
    }
}
