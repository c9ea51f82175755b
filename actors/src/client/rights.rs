//! What a log-on may see and do.

use settings::Settings;
use uacsta_schema::csta::DeviceId;

use crate::directory::Entry;

/// The rights of one log-on.
#[derive(Clone, Debug)]
pub struct Rights {
    /// The lines that it may open; none means all.
    lines: Option<Vec<DeviceId>>,
    control: bool,
}

impl Rights {
    /// The rights of a user, with the password that proves who it is; `None` for an unknown user.
    pub fn of<'s>(settings: &'s Settings, user: &str) -> Option<(&'s str, Self)> {
        let clients = &settings.clients;
        if user == clients.user {
            return Some((
                clients.password.expose(),
                Self {
                    lines: None,
                    control: true,
                },
            ));
        }
        let account = clients
            .accounts
            .iter()
            .find(|account| account.user == user)?;
        let lines = (!account.lines.is_empty())
            .then(|| account.lines.iter().cloned().map(DeviceId::from).collect());
        Some((
            account.password.expose(),
            Self {
                lines,
                control: account.control,
            },
        ))
    }

    /// Whether a line may be opened.
    pub fn sees(&self, entry: &Entry) -> bool {
        let Some(lines) = &self.lines else {
            return true;
        };
        lines
            .iter()
            .any(|line| line.user() == entry.device.user() || line.user().parse() == Ok(entry.mac))
    }

    /// Whether a service may be used: those that only look are everybody's.
    pub fn allow(&self, service: &str) -> bool {
        self.control || LOOKS.iter().any(|prefix| service.starts_with(prefix))
    }
}

/// How the names of services begin that change nothing at the phone.
const LOOKS: [&str; 6] = [
    "Get",
    "Snapshot",
    "Monitor",
    "ChangeMonitorFilter",
    "RequestSystemStatus",
    "System",
];
