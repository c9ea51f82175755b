//! What whoever set something must hear of it, although it holds.

use settings::Settings;

/// How many characters a password wants.
const ENOUGH: usize = 10;

/// What a reload changes nothing of, which whoever set it must hear.
pub(super) fn of_delay(former: &Settings, settings: &Settings, web_moves: bool) {
    let (limits, wanted) = (&former.limits, &settings.limits);
    for (setting, waits) in [
        (
            "advanced.arbiters",
            settings.advanced.arbiters != former.advanced.arbiters,
        ),
        (
            "limits.api_connections",
            wanted.api_connections != limits.api_connections && !web_moves,
        ),
    ] {
        if waits {
            tracing::warn!(setting, "this setting holds from the next start on");
        }
    }
}

/// Passwords that are soon guessed: whoever sets one must hear of it.
pub(super) fn of_weakness(settings: &Settings) {
    let accounts = settings.clients.accounts.iter();
    let accounts = accounts.map(|account| (account.user.as_str(), &account.password));
    for (whose, password) in [
        ("all phones (phones.password)", &settings.phones.password),
        (&*settings.clients.user, &settings.clients.password),
    ]
    .into_iter()
    .chain(accounts)
    {
        if !password.is_hashed() && password.expose().chars().count() < ENOUGH {
            tracing::warn!(
                whose,
                "a password has fewer than {ENOUGH} characters and is soon guessed"
            );
        }
    }
}
