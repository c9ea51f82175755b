//! Completes sled from the journal, and restores a missing or damaged journal from sled.

use std::path::Path;

use tracing::{error, warn};
use uacsta_connect::data_dir::JOURNAL;

use super::{
    Change, Entries, StoreError, Value,
    database::{Database, FOLDER},
    error::failed,
    files::{copy_folder, damaged_path, prune_copies, set_aside},
    journal::{self, Journal},
};

/// Opens sled and applies the changes that it lacks. A database that does not open is set aside and written again.
///
/// # Errors
/// The disk refuses, or a later version wrote the database.
pub(super) fn complete<T: Value>(
    folder: &Path,
    changes: Vec<Change<T>>,
) -> Result<(Database, Entries<T>), StoreError> {
    let path = folder.join(FOLDER);
    let existed = path.exists();
    let (database, mut entries) = match read(&path) {
        Ok((database, entries)) => {
            if existed && has_gaps(&entries, &changes) {
                let kept = damaged_path(folder, FOLDER);
                // The journal has everything, so the copy is only for those who look for the cause.
                let copied = copy_folder(&path, &kept);
                prune_copies(folder, FOLDER);
                error!(kept = %kept.display(), ?copied, "phone list was damaged; completing it from telephones.jsonl");
            }
            (database, entries)
        }
        Err(damage) if damage.is_damage() => {
            let kept = set_aside(folder, FOLDER)?;
            prune_copies(folder, FOLDER);
            error!(kept = %kept.display(), error = %damage, "cannot open the phone list; writing it again from telephones.jsonl");
            (Database::open(&path)?, Entries::new())
        }
        Err(error) => return Err(error),
    };
    let mut lacking = changes;
    lacking.retain(|(id, value)| entries.get(id) != value.as_ref());
    if !lacking.is_empty() {
        warn!(
            changes = lacking.len(),
            "phone list completed from telephones.jsonl"
        );
        database.apply(&lacking)?;
    }
    for (id, value) in lacking {
        match value {
            Some(value) => entries.insert(id, value),
            None => entries.remove(&id),
        };
    }
    Ok((database, entries))
}

/// Whether sled lacks more than the last changes, which a crash may have kept from it.
fn has_gaps<T: Value>(entries: &Entries<T>, changes: &[Change<T>]) -> bool {
    let lacks = |(id, value): &Change<T>| entries.get(id) != value.as_ref();
    let mut from_first_gap = changes
        .iter()
        .skip_while(|change| !lacks(change))
        .peekable();
    from_first_gap.peek().is_some() && (entries.is_empty() || !from_first_gap.all(lacks))
}

fn read<T: Value>(path: &Path) -> Result<(Database, Entries<T>), StoreError> {
    let database = Database::open(path)?;
    let entries = database.entries()?;
    Ok((database, entries))
}

/// Writes the journal that is missing, or damaged as `damage` says. Returns its content.
///
/// # Errors
/// The database cannot be read either; all files are unchanged then.
pub(super) fn restore_journal<T: Value>(
    folder: &Path,
    damage: Option<String>,
) -> Result<Vec<Change<T>>, StoreError> {
    let path = folder.join(FOLDER);
    let existed = path.exists();
    let entries = match (existed.then(|| read_copy(&path, folder)), damage) {
        (None, None) => Entries::new(),
        (Some(Ok(entries)), None) => entries,
        (Some(Ok(entries)), Some(damage)) if !entries.is_empty() => {
            let kept = set_aside(folder, JOURNAL)?;
            error!(kept = %kept.display(), error = damage, "telephones.jsonl was damaged; writing it again from the database");
            entries
        }
        (Some(Err(error)), _) if !error.is_damage() => return Err(error),
        (database, damage) => {
            return Err(unreadable(folder, database.and_then(Result::err), damage));
        }
    };
    if existed && entries.is_empty() {
        error!("the phone list is empty, and telephones.jsonl is missing");
    }
    Journal::create(folder, &entries)?;
    let listed = entries.into_iter();
    Ok(listed.map(|(id, value)| (id, Some(value))).collect())
}

/// Checks whether a start could read the list. Writes nothing into the folder.
///
/// # Errors
/// Why the start would fail.
pub(super) fn check<T: Value>(folder: &Path) -> Result<(), StoreError> {
    let path = folder.join(FOLDER);
    let database = path
        .exists()
        .then(|| read_copy::<T>(&path, &std::env::temp_dir()));
    match (database, journal::read::<T>(folder)) {
        (Some(Err(error)), _) if !error.is_damage() => Err(error),
        // The one is completed from the other.
        (_, Ok(Some(_))) | (None | Some(Ok(_)), Ok(None)) => Ok(()),
        (Some(Ok(entries)), Err(_)) if !entries.is_empty() => Ok(()),
        (database, journal) => Err(unreadable(
            folder,
            database.and_then(Result::err),
            journal.err(),
        )),
    }
}

/// Neither file can be read. Without an error the database is empty: sled opens some damaged files so.
fn unreadable(folder: &Path, database: Option<StoreError>, damage: Option<String>) -> StoreError {
    let database = database.map(|error| error.to_string());
    StoreError::Unreadable {
        folder: folder.to_owned(),
        database: database.unwrap_or_else(|| "it is empty".to_owned()),
        journal: damage.unwrap_or_else(|| "missing".to_owned()),
    }
}

/// Reads a copy of the database, made in the folder `beside`, since sled repairs a damaged one by truncating it.
fn read_copy<T: Value>(path: &Path, beside: &Path) -> Result<Entries<T>, StoreError> {
    let copy = tempfile::Builder::new()
        .prefix("telephones.copy-")
        .tempdir_in(beside)
        .map_err(failed("written", beside))?;
    copy_folder(path, copy.path()).map_err(failed("copied", path))?;
    // Dropping the copy removes it.
    Ok(read(copy.path())?.1)
}
