//! Generated files of the data folder that are not in place yet, and what is logged when they are.

use tracing::{info, warn};

use super::{DataDirError, files::Prepared, own_certificate::Due};

/// Generated files, not in place yet. Dropping them changes nothing.
#[derive(Debug, Default)]
pub struct Drafts(pub(super) Vec<Draft>);

/// A file to be put into the data folder, and what to log then.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) file: Prepared,
    pub(super) why: Why,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Why {
    /// Generated; not logged.
    Generated,
    Passwords,
    /// Passwords although phones are listed, which know others.
    OtherPasswords,
    Certificate(Due),
    /// The first private authority.
    Authority,
    /// It replaces one that phones may trust.
    OtherAuthority,
    /// Removed while the server ran.
    Missing,
}

impl Drafts {
    /// Whether nothing was generated.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts the files in place.
    ///
    /// # Errors
    /// The first file that cannot be written.
    pub fn write(self) -> Result<(), DataDirError> {
        for Draft { file, why } in self.0 {
            let path = file.path().to_owned();
            file.persist()?;
            let file = path.display();
            match why {
                Why::Generated => {}
                Why::Passwords => info!(%file, "generated passwords; they are in this file"),
                Why::OtherPasswords => {
                    warn!(%file, "generated passwords; listed phones and clients that know the former ones cannot log on; restore this file, or enter the new ones");
                }
                Why::Certificate(Due::Missing) => info!(%file, "generated a certificate"),
                Why::Certificate(Due::ExpiresSoon) => {
                    info!(%file, "the generated certificate expires soon; generated a new one");
                }
                Why::Certificate(Due::OtherNames) => {
                    info!(%file, "the names or addresses of this server have changed; generated a new certificate");
                }
                Why::Authority => {
                    info!(%file, "generated a private certificate authority; load this file into phones and clients that verify the server");
                }
                Why::OtherAuthority => {
                    warn!(%file, "generated a private certificate authority; load this file into the phones and clients that trusted the former certificate");
                }
                Why::Missing => {
                    warn!(%file, "file was removed; written again with the values in use");
                }
            }
        }
        Ok(())
    }
}
