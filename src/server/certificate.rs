//! Generates the server's certificate anew while it runs: its addresses change, or it expires.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::task::spawn_blocking;
use uacsta_actors::ServerContext;

use super::Identity;
use crate::data_dir;

/// How soon an address that the machine gets is in the certificate.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// Writes a new certificate into the data folder when it is due, and loads it, as long as it is polled.
pub(super) async fn keep(data: PathBuf, context: Arc<ServerContext>, identity: Arc<Identity>) {
    let mut last_error = String::new();
    loop {
        tokio::time::sleep(CHECK_INTERVAL).await;
        let (data, context) = (data.clone(), Arc::clone(&context));
        let check = move || data_dir::due_certificate(&data, &context.config().settings);
        // After a panic the next check starts afresh.
        let Ok(due) = spawn_blocking(check).await else {
            continue;
        };
        // On this thread, on which a reload puts its files in place too.
        let is_due = due.as_ref().is_ok_and(|drafts| !drafts.is_empty());
        let error = match due.and_then(data_dir::Drafts::write) {
            Ok(()) => {
                if is_due {
                    load(&identity);
                }
                String::new()
            }
            Err(error) => error.to_string(),
        };
        if !error.is_empty() && error != last_error {
            tracing::warn!(
                error,
                "cannot replace the generated certificate; still using it"
            );
        }
        last_error = error;
    }
}

/// Loads the files if they have changed; the watcher of the files tries again what fails.
fn load(identity: &Identity) {
    let files = identity.files();
    if let Ok(loaded) = Identity::read(&files.certificate, &files.key) {
        identity.replace_if(&files, loaded);
    }
}
