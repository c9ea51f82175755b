//! The changes of settings that can still be undone.

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;

use crate::{data_dir::Values, reload::Undo};

/// The changes of the last minute, the latest last.
#[derive(Debug, Default)]
pub(super) struct Undos(VecDeque<Undoable>);

#[derive(Debug)]
struct Undoable {
    id: String,
    /// By the server's clock.
    deadline: Duration,
    /// The operators' values before the change.
    former: Values,
}

/// How long a change can be undone.
const UNDO_TIME: Duration = Duration::from_secs(60);
/// Changes that can be undone at a time.
const MAX_UNDOS: usize = 32;

impl Undos {
    /// Remembers a change. Earlier ones of the same settings cannot be undone any more.
    pub(super) fn add(&mut self, id: String, former: Values, now: Duration, wall: u64) -> Undo {
        self.forget(&former);
        if self.0.len() >= MAX_UNDOS {
            self.0.pop_front();
        }
        self.0.push_back(Undoable {
            id: id.clone(),
            deadline: now + UNDO_TIME,
            former,
        });
        let seconds = i64::try_from(wall + UNDO_TIME.as_secs()).unwrap_or(i64::MAX);
        Undo {
            id,
            until: Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX),
        }
    }

    /// Forgets the changes that share a setting with `values`.
    pub(super) fn forget(&mut self, values: &Values) {
        self.0
            .retain(|it| it.former.keys().all(|key| !values.contains_key(key)));
    }

    /// The values that undo a change, if it can be undone.
    pub(super) fn find(&self, id: &str, now: Duration) -> Option<&Values> {
        let mut undos = self.0.iter();
        let undo = undos.find(|it| it.id == id && now < it.deadline)?;
        Some(&undo.former)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn change_can_be_undone_for_a_minute_unless_its_settings_changed_again() {
        let second = Duration::from_secs(1);
        let values = |keys: &[&str]| -> Values {
            keys.iter()
                .map(|key| ((*key).to_owned(), json!(1)))
                .collect()
        };
        let mut undos = Undos::default();
        let undo = undos.add("a".into(), values(&["x", "y"]), second, 1_000);
        assert_eq!(undo.until.as_second(), 1_060);
        undos.add("b".into(), values(&["z"]), second, 1_000);
        assert_eq!(undos.find("a", second * 60), Some(&values(&["x", "y"])));
        assert_eq!(undos.find("a", second * 61), None);
        assert_eq!(undos.find("c", second), None);
        undos.add("d".into(), values(&["y"]), second, 1_000);
        assert_eq!(undos.find("a", second), None);
        assert!(undos.find("b", second).is_some() && undos.find("d", second).is_some());
        undos.forget(&values(&["y"]));
        assert_eq!(undos.find("d", second), None);
        for number in 0..100 {
            undos.add(
                number.to_string(),
                values(&[&number.to_string()]),
                second,
                0,
            );
        }
        assert_eq!(undos.0.len(), MAX_UNDOS);
    }
}
