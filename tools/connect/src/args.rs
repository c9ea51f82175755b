//! Arguments that say where the server is, and what follows from them: address, TLS trust, user and password.

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::Args;
use uacsta_config::{Secret, Settings};
use uacsta_schema::phone_id::PhoneId;

use crate::{
    CommandError, ConnectError, ServerAddress, Trust,
    data_dir::{self, Listening},
    tls::NO_TLS,
};

/// The server's data folder.
#[derive(Args, Clone, Debug, Default)]
pub struct DataArgs {
    /// The server's data folder [default: $STATE_DIRECTORY, else ./uacsta-data]
    #[arg(
        long = "data",
        value_name = "DIR",
        env = "STATE_DIRECTORY",
        hide_env = true,
        global = true
    )]
    data: Option<PathBuf>,
}

impl DataArgs {
    /// The data folder.
    pub fn folder(&self) -> &Path {
        self.data
            .as_deref()
            .unwrap_or_else(|| Path::new("uacsta-data"))
    }

    /// Whether the command line names a data folder. The service manager's variable does not count.
    pub fn is_given(&self) -> bool {
        self.data.as_ref().is_some_and(|data| {
            std::env::var_os("STATE_DIRECTORY").is_none_or(|variable| *data != *variable)
        })
    }

    /// The data folder, if one is named.
    pub fn named(&self) -> Option<&Path> {
        self.data.as_deref()
    }
}

impl From<&Path> for DataArgs {
    fn from(folder: &Path) -> Self {
        Self {
            data: Some(folder.to_owned()),
        }
    }
}

/// Parses the phone that a command is for.
///
/// # Errors
/// The text is neither a MAC address nor an extension.
pub fn parse_phone(text: &str) -> Result<PhoneId, String> {
    let mac_like = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '-' | '.');
    let separated = text.matches([':', '-', '.']).count() >= 2;
    match text.parse() {
        // No extension looks like this, but a MAC address with a digit too few or a wrong letter does.
        Ok(PhoneId::Extension(_))
            if text.contains(':') || separated && text.chars().all(mac_like) =>
        {
            Err(
                "not a MAC address; write its twelve hexadecimal digits, such as 00:04:13:aa:bb:cc"
                    .to_owned(),
            )
        }
        parsed => parsed.map_err(|error| error.to_string()),
    }
}

/// Where the server is and how to log on.
#[derive(Args, Clone, Debug)]
pub struct ConnectArgs {
    /// A server elsewhere [default: the one that runs with the data folder]
    #[arg(long, value_name = "HOST:PORT", global = true)]
    server: Option<String>,
    /// Connect by TLS
    #[arg(long, global = true)]
    tls: bool,
    /// With --tls: accept any certificate
    #[arg(long, global = true)]
    insecure: bool,
    /// PEM file of the authority to trust, with --tls [default: DIR/certificate.pem]
    #[arg(long, value_name = "FILE", global = true)]
    ca: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    /// File with the password [default: the password of the server with DIR]
    #[arg(long, value_name = "FILE", global = true)]
    password_file: Option<PathBuf>,
}

/// Whom a command is for.
#[derive(Clone, Copy, Debug)]
pub enum Side {
    /// It acts as phones.
    Phones,
    /// It acts as a client.
    Clients,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Phones => "phones",
            Self::Clients => "clients",
        }
    }

    fn variable(self) -> &'static str {
        match self {
            Self::Phones => "UACSTA_PHONES_PASSWORD",
            Self::Clients => "UACSTA_CLIENTS_PASSWORD",
        }
    }

    fn secret(self, settings: &Settings) -> &Secret {
        match self {
            Self::Phones => &settings.phones.password,
            Self::Clients => &settings.clients.password,
        }
    }
}

/// The server that a command uses, and how it logs on there.
pub struct Target {
    /// The server.
    pub server: ServerAddress,
    /// The password.
    pub password: String,
    /// Where the password is from.
    pub password_source: String,
    /// The clients' user name in the server's settings, if they were read.
    pub user: Option<String>,
    /// Why the port is probably the wrong one.
    pub wrong_port: Option<String>,
}

impl Target {
    /// The error of a connection, with its likely cause.
    pub fn explained(&self, error: ConnectError) -> CommandError {
        match (&error, &self.wrong_port) {
            (ConnectError::Unreachable { .. }, Some(cause)) => {
                CommandError::Failed(with_cause(&error.to_string(), cause))
            }
            _ => error.into(),
        }
    }
}

/// The error with its likely cause, which replaces what the error says about TLS.
pub fn with_cause(error: &str, cause: &str) -> String {
    let error = error.strip_suffix(NO_TLS).unwrap_or(error);
    format!("{}: {cause}", error.trim_end_matches(": "))
}

/// The default ports, by setting.
const PORTS: [(&str, u16); 5] = [
    ("phones.lan.tcp", 5060),
    ("phones.lan.tls", 5061),
    ("clients.lan.tcp", 5070),
    ("clients.lan.tls", 5071),
    ("web.listen", 8080),
];

/// Why the port is wrong, if it is the default of another interface, or another interface of the local server.
fn wrong_port(address: &str, side: Side, tls: bool, local: Option<&Listening>) -> Option<String> {
    let (_, port) = address.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    let of_local = local.and_then(|local| {
        let mut interfaces = local.interfaces.iter();
        let found = interfaces.find(|(_, at)| at.port() == port);
        found.map(|(setting, _)| setting.as_str())
    });
    let of_default = || PORTS.iter().find(|(_, default)| *default == port);
    let setting = of_local.or_else(|| of_default().map(|(setting, _)| *setting))?;
    let name = side.name();
    let (at, transport) = setting.split_once('.')?;
    let is_tls = transport.ends_with("tls");
    if at != name {
        let own = local.and_then(|local| local.address(name, if tls { "tls" } else { "tcp" }));
        let own = own.map_or_else(|| format!("{name}.lan"), |address| address.to_string());
        return Some(format!(
            "port {port} is that of {setting}; {name} connect to {own}"
        ));
    }
    match (is_tls, tls) {
        (true, false) => Some(format!("port {port} is for TLS ({setting}): add --tls")),
        (false, true) => Some(format!(
            "port {port} is not for TLS ({setting}): leave out --tls"
        )),
        _ => None,
    }
}

impl ConnectArgs {
    /// Finds the server, and the password: from `--password-file`, else from the environment, else from the server's settings.
    ///
    /// # Errors
    /// No server runs with the data folder, the password is not found, or no certificate to trust is known.
    pub fn target(&self, side: Side) -> Result<Target, CommandError> {
        self.check()?;
        let running = match &self.server {
            Some(_) => None,
            None => Some(self.running()?),
        };
        let address = match (&self.server, &running) {
            (Some(address), _) => address.clone(),
            (None, running) => self.local_address(side, running.as_ref())?,
        };
        let trust = match (&self.ca, self.tls) {
            (_, false) => None,
            (_, true) if self.insecure => Some(Trust::AnyCertificate),
            (Some(file), true) => Some(Trust::File(file.clone())),
            (None, true) => Some(self.own_certificate()?),
        };
        let server = ServerAddress::new(&address, trust.as_ref())?;
        // A server elsewhere does not need the folder.
        let local = running.or_else(|| Listening::read(self.data.folder()).ok().flatten());
        let wrong_port = wrong_port(&address, side, self.tls, local.as_ref());
        let config = local.and_then(|local| local.config);
        let (password, password_source, user) = self.password(side, config.as_deref())?;
        Ok(Target {
            server,
            password,
            password_source,
            user,
            wrong_port,
        })
    }

    fn check(&self) -> Result<(), CommandError> {
        let wrong = match () {
            () if self.insecure && self.ca.is_some() => "--insecure and --ca exclude each other",
            () if self.insecure && !self.tls => "--insecure needs --tls",
            () if self.ca.is_some() && !self.tls => "--ca needs --tls",
            () => return Ok(()),
        };
        Err(CommandError::Usage(wrong.to_owned()))
    }

    fn running(&self) -> Result<Listening, CommandError> {
        let folder = self.data.folder();
        data_dir::require_running(folder, "a server elsewhere with --server HOST:PORT")?;
        let listening = Listening::read(folder)
            .map_err(|error| data_dir::unreadable(&folder.join(data_dir::LISTENING), &error))?;
        listening.ok_or_else(|| {
            CommandError::Failed(format!(
                "the server with the data folder {} is still starting; try again",
                folder.display()
            ))
        })
    }

    fn local_address(
        &self,
        side: Side,
        running: Option<&Listening>,
    ) -> Result<String, CommandError> {
        let transport = if self.tls { "tls" } else { "tcp" };
        let address = running.and_then(|running| running.address(side.name(), transport));
        let Some(address) = address else {
            let (side, other) = (
                side.name(),
                if self.tls {
                    "leave out --tls"
                } else {
                    "add --tls"
                },
            );
            return Err(CommandError::Failed(format!(
                "{side}.lan.{transport} is off in the settings of the server with the data folder {}; {other}",
                self.data.folder().display()
            )));
        };
        Ok(address.to_string())
    }

    /// The password, where it is from, and the clients' user name where the settings were read.
    fn password(
        &self,
        side: Side,
        config: Option<&Path>,
    ) -> Result<(String, String, Option<String>), CommandError> {
        if let Some(file) = &self.password_file {
            let text = std::fs::read_to_string(file)
                .map_err(|error| data_dir::unreadable(file, &error).of_argument())?;
            let password = text.trim_end_matches(['\r', '\n']).to_owned();
            return Ok((password, file.display().to_string(), None));
        }
        let variable = side.variable();
        if let Ok(password) = std::env::var(variable) {
            return Ok((password, variable.to_owned(), None));
        }
        let folder = self.data.folder();
        let secrets = folder.join(data_dir::SECRETS);
        // The settings would report it in words that do not say what to do.
        if let Err(error) = std::fs::read(&secrets)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(data_dir::unreadable(&secrets, &error));
        }
        let settings = uacsta_config::load(config, Some(folder))?;
        let secret = side.secret(&settings);
        if secret.is_hashed() {
            return Err(CommandError::Usage(format!(
                "the settings contain only hashes of the password: set {variable} or --password-file"
            )));
        }
        match secret.expose() {
            "" => Err(CommandError::Usage(format!(
                "no password: set {variable}, or give the server's data folder with --data ({} has none){}",
                secrets.display(),
                unused_variables()
            ))),
            password => Ok((
                password.to_owned(),
                format!(
                    "of the server with the data folder {}{}",
                    folder.display(),
                    unused_variables()
                ),
                Some(settings.clients.user.clone()),
            )),
        }
    }

    fn own_certificate(&self) -> Result<Trust, CommandError> {
        let file = self.data.folder().join(data_dir::CERTIFICATE);
        if file.exists() {
            return Ok(Trust::File(file));
        }
        Err(CommandError::Usage(
            "--tls needs a certificate to trust: --ca FILE (the ca.pem of the server's data folder), --data DIR of the server, or --insecure"
                .to_owned(),
        ))
    }
}

/// Points out variables that look like ours and are not, to follow an error.
fn unused_variables() -> String {
    let unused = uacsta_config::unused_variables();
    unused.into_iter().map(|said| format!("; {said}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistyped_mac_address_is_no_extension() {
        for (text, fits) in [
            ("00:04:13:aa:bb:cc", true),
            ("000413aabbcc", true),
            ("215", true),
            ("front-desk", true),
            ("00:04:13:aa:bb", false),
            ("00:04:13:aa:bb:cg", false),
            ("00-04-13-aa-bb", false),
        ] {
            let parsed = parse_phone(text);
            let told = parsed.as_ref().err().map_or("", String::as_str);
            assert!(
                fits == parsed.is_ok() && fits != told.starts_with("not a MAC address"),
                "{text}: {told}"
            );
        }
    }
}
