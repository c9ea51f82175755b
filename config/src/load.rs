//! Loads the settings from their layers: defaults, file, `conf.d`, `settings.toml`, environment, `admin.toml`.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};

use config::{Config, ConfigError, Value, ValueKind};

use crate::{
    error::{SettingsError, remedy},
    layer::Layer,
    origin::{Origin, Origins, Source},
    settings::Settings,
    suggestion::with_suggestion,
};

/// The file in the data folder with what operators set through the API.
pub const OPERATOR_FILE: &str = "settings.toml";

/// Reads the settings, each layer overriding the one before: the defaults, `file`, `conf.d/*.toml` beside it in order of
/// name, [`OPERATOR_FILE`] in the folder `data`, the environment (`UACSTA__SECTION__KEY`), and `admin.toml` in `data`. Licence
/// codes add up instead. A password that none of them sets is taken from `secrets.toml` in `data`.
///
/// # Errors
/// All mistakes that were found: unreadable files, unknown keys, invalid values.
pub fn load(file: Option<&Path>, data: Option<&Path>) -> Result<Settings, SettingsError> {
    load_with(file, data, None, std::env::vars_os())
}

/// As [`load`], with the TOML `operator` in the place of the operators' file.
///
/// # Errors
/// As [`load`].
pub fn load_changed(
    file: Option<&Path>,
    data: &Path,
    operator: &str,
) -> Result<Settings, SettingsError> {
    load_with(file, Some(data), Some(operator), std::env::vars_os())
}

impl Settings {
    /// The defaults.
    pub fn builtin() -> Self {
        Merged::of([Layer::defaults()])
            .and_then(|merged| merged.settings())
            .expect("default.toml is part of the program and tested")
    }
}

fn load_with(
    file: Option<&Path>,
    data: Option<&Path>,
    operator: Option<&str>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Settings, SettingsError> {
    let defaults = Layer::defaults();
    let mut mistakes = Vec::new();
    let mut files = Vec::new();
    if let Some(file) = file {
        files.push(file.to_owned());
        files.extend(parts(&file.with_file_name("conf.d"))?);
    }
    let (admin, secrets) = (existing(data, "admin.toml"), existing(data, "secrets.toml"));
    let mut read = |file: PathBuf, source| Layer::file(&file, source, &defaults, &mut mistakes);
    let mut files: Vec<_> = files
        .into_iter()
        .map(|file| read(file, Source::File))
        .collect();
    let admin = admin.map(|file| read(file, Source::File).map(Layer::locked));
    let operator_file = existing(data, OPERATOR_FILE);
    files.extend(match operator {
        None => operator_file.map(|file| read(file, Source::Operator)),
        Some(text) => Some(Layer::text(
            OPERATOR_FILE,
            text,
            Source::Operator,
            &defaults,
            &mut mistakes,
        )),
    });
    let environment = Layer::environment(environment, &defaults, &mut mistakes);
    let read = files.into_iter().chain([Ok(environment)]).chain(admin);
    let mut layers = vec![defaults.clone()];
    let mut unread = Vec::new();
    for layer in read {
        match layer {
            Ok(layer) => layers.push(layer),
            Err(error) => unread.push(error),
        }
    }
    if !unread.is_empty() {
        // Rules between settings may fail for what is missing.
        mistakes.extend(unread);
        SettingsError::of_all(mistakes.clone())?;
    }
    if let Some(secrets) = secrets {
        let merged = Merged::of(layers.clone())?;
        let is_given = |key: &str| !merged.0.get_string(key).is_ok_and(|set| set.is_empty());
        let secrets = Layer::secrets(&secrets, &defaults, is_given, &mut mistakes)?;
        layers.push(secrets);
    }
    let (merged, mut settings) = parse(&mut layers, &mut mistakes)?;
    let set = layers.iter().skip(1).flat_map(Layer::origins);
    let codes = (0..settings.licenses.codes.len()).map(|index| format!("{CODES}[{index}]"));
    let codes = codes.filter_map(|key| {
        let origin = Origin {
            source: Source::File,
            place: merged.origin(&key)?,
            locked: false,
        };
        Some((key, origin))
    });
    settings.file = file.map(Path::to_owned);
    settings.origins = Origins(Arc::new(set.chain(codes).collect()));
    let wrong = settings.mistakes().into_iter();
    mistakes.extend(wrong.map(|mistake| merged.with_place(mistake)));
    SettingsError::of_all(mistakes)?;
    Ok(settings)
}

/// Merges and parses the layers. A value that cannot be parsed is added to `mistakes` and left out, so that others are found.
fn parse(
    layers: &mut [Layer],
    mistakes: &mut Vec<SettingsError>,
) -> Result<(Merged, Settings), SettingsError> {
    loop {
        // A code in any layer counts, whatever operators added at run time.
        let codes = Layer::joined(layers, CODES);
        let merged = Merged::of(layers.iter().cloned().chain([codes]))?;
        let error = match merged.settings() {
            Ok(settings) => return Ok((merged, settings)),
            Err(error) => error,
        };
        let mut is_left_out = false;
        for layer in layers.iter_mut().skip(1) {
            is_left_out |= error.key().is_some_and(|key| layer.remove(key));
        }
        mistakes.push(error.clone());
        if !is_left_out {
            SettingsError::of_all(std::mem::take(mistakes))?;
            return Err(error);
        }
    }
}

/// The setting whose lists add up over the layers.
const CODES: &str = "licenses.codes";

/// The merged layers; each value keeps its origin.
struct Merged(Config);

impl Merged {
    fn of(layers: impl IntoIterator<Item = Layer>) -> Result<Self, SettingsError> {
        let mut builder = Config::builder();
        for layer in layers {
            builder = builder.add_source(layer);
        }
        match builder.build() {
            Ok(config) => Ok(Self(config)),
            Err(error) => Err(SettingsError::of_place("the settings", error.to_string())),
        }
    }

    fn settings(&self) -> Result<Settings, SettingsError> {
        let parsed: Result<Settings, ConfigError> = self.0.clone().try_deserialize();
        parsed.map_err(|error| {
            let (key, what) = explain(&error);
            self.with_place(SettingsError::of_key(key, what))
        })
    }

    fn with_place(&self, error: SettingsError) -> SettingsError {
        match error.key().and_then(|key| self.origin(key)) {
            Some(place) => error.at(place),
            None => error,
        }
    }

    /// Where the value of `key`, or a value that contains it, was set.
    fn origin(&self, key: &str) -> Option<String> {
        let mut value: &Value = &self.0.cache;
        let mut origin = None;
        for segment in key.split(['.', '[']) {
            let inner = match &value.kind {
                ValueKind::Table(table) => table.get(segment),
                ValueKind::Array(items) => segment
                    .trim_end_matches(']')
                    .parse()
                    .ok()
                    .and_then(|index: usize| items.get(index)),
                _ => None,
            };
            let Some(inner) = inner else { break };
            origin = inner.origin().or(origin);
            value = inner;
        }
        origin.map(str::to_owned)
    }
}

/// The invalid key and the rest of the sentence that starts with it.
fn explain(error: &ConfigError) -> (String, String) {
    match error {
        ConfigError::At { error, key, .. } => {
            let (inner, what) = explain(error);
            (key.as_deref().map_or(inner, dotted), what)
        }
        ConfigError::Type {
            unexpected,
            expected,
            key,
            ..
        } => {
            let found = match unexpected.to_string() {
                // A number is no secret.
                number if expected.contains("integer") && number.ends_with('`') => number,
                found => kind_of(&found),
            };
            let what = format!("is {found}, but must be {expected}");
            (key.as_deref().map(dotted).unwrap_or_default(), what)
        }
        ConfigError::NotFound(key) => (dotted(key), "is missing".to_owned()),
        ConfigError::Message(message) if message.starts_with("is ") => {
            (String::new(), message.clone())
        }
        other => {
            let message = other.to_string();
            let what = mistyped(&message)
                .unwrap_or_else(|| format!("cannot be used: {}", with_suggestion(&message)));
            (String::new(), what)
        }
    }
}

/// serde's message for a value of the wrong type, without the value: it may be a password in the wrong place.
fn mistyped(message: &str) -> Option<String> {
    let said = message.strip_prefix("invalid ")?;
    let (_, said) = said.split_once(": ")?;
    // The value may contain the words, the expected type does not.
    let (found, expected) = said.rsplit_once(", expected ")?;
    let expected = match expected.starts_with("struct ") {
        true => "a table",
        false => expected,
    };
    Some(format!("is {}, but must be {expected}", kind_of(found)))
}

/// The type of a value that follows in quotes.
fn kind_of(found: &str) -> String {
    let kind = found.split(['"', '`']).next().unwrap_or_default().trim();
    let article = match kind.starts_with(['a', 'e', 'i', 'o', 'u']) {
        true => "an",
        false => "a",
    };
    format!("{article} {kind}")
}

/// config-rs omits the dot in `accounts[0].password`.
fn dotted(key: &str) -> String {
    key.replace(']', "].")
        .replace("]..", "].")
        .replace("].[", "][")
        .trim_end_matches('.')
        .to_owned()
}

fn existing(data: Option<&Path>, name: &str) -> Option<PathBuf> {
    data.map(|data| data.join(name))
        .filter(|path| path.exists())
}

/// The TOML files of a folder, sorted by name; none if the folder does not exist.
fn parts(folder: &Path) -> Result<Vec<PathBuf>, SettingsError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut parts = std::fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .map_err(|error| {
            let what = format!("cannot be read: {error}{}", remedy(&error));
            SettingsError::of_place(folder.display().to_string(), what)
        })?;
    parts.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    parts.sort();
    Ok(parts)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{fs, time::Duration};

    use super::*;
    use crate::choice::{Digest, Level};

    fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        pairs
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("uacsta.toml");
        fs::write(&file, text).unwrap();
        let error = load_with(Some(&file), None, None, [])
            .unwrap_err()
            .to_string();
        let shown = error.replace(&format!("{}/", folder.path().display()), "");
        assert_eq!(shown, expected);
    }

    #[track_caller]
    fn refused_variable(name: &str, value: &str, expected: &str) {
        let error = load_with(None, None, None, variables(&[(name, value)])).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn defaults_are_valid() {
        let settings = Settings::builtin();
        settings.check().unwrap();
        assert_eq!(settings.advanced.sip_expires, Duration::from_secs(300));
        assert_eq!(settings.advanced.digest, [Digest::Sha256, Digest::Md5]);
        assert_eq!(settings.limits.message_head.as_usize(), 65536);
        assert!(settings.phones.wan.tcp.address().is_none());
        assert!(settings.tls.certificate.is_none());
    }

    #[test]
    fn layers_override_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let (file, data) = (
            folder.path().join("uacsta.toml"),
            folder.path().join("data"),
        );
        fs::create_dir_all(folder.path().join("conf.d")).unwrap();
        fs::create_dir_all(&data).unwrap();
        fs::write(
            &file,
            "[advanced]\nsip_expires = 600\nrealm = 'a'\nkeep_alive = 9\n",
        )
        .unwrap();
        fs::write(folder.path().join("conf.d/2.toml"), "advanced.realm = 'c'").unwrap();
        fs::write(folder.path().join("conf.d/1.toml"), "advanced.realm = 'b'").unwrap();
        fs::write(folder.path().join("conf.d/readme"), "not a setting").unwrap();
        fs::write(data.join("admin.toml"), "[logs]\nlevel = 'debug'").unwrap();
        fs::write(
            data.join("secrets.toml"),
            "phones.password = 'made'\nclients.password = 'made'",
        )
        .unwrap();
        let environment = variables(&[
            ("UACSTA__ADVANCED__KEEP_ALIVE", "7"),
            ("UACSTA__ADVANCED__DIGEST", "MD5"),
            ("UACSTA__PHONES__LAN__TCP", "[::1]:0"),
            ("UACSTA__CLIENTS__PASSWORD", "007"),
            ("UACSTA__CLIENTS__TRUSTED", r#"["10.0.0.1", "10.2.0.0/16"]"#),
            ("UACSTA__LOGS__MAX_SIZE", "1MiB"),
            ("UACSTA__LOGS__LEVEL", "trace"),
            ("UACSTA__ADVANCED__AUTO_ACTIVATE", "false"),
            ("PATH", "/bin"),
        ]);
        let settings = load_with(Some(&file), Some(&data), None, environment).unwrap();
        assert_eq!(settings.advanced.sip_expires, Duration::from_secs(600));
        assert_eq!(settings.advanced.realm, "c");
        assert_eq!(settings.advanced.keep_alive, Duration::from_secs(7));
        assert_eq!(settings.advanced.digest, [Digest::Md5]);
        assert_eq!(settings.phones.lan.tcp.to_string(), "[::1]:0");
        assert_eq!(settings.phones.lan.tls.to_string(), "0.0.0.0:5061");
        assert_eq!(settings.phones.password.expose(), "made");
        assert_eq!(settings.clients.password.expose(), "007");
        let trusted: Vec<String> = settings
            .clients
            .trusted
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(trusted, ["10.0.0.1/32", "10.2.0.0/16"]);
        assert_eq!(settings.logs.max_size.bytes(), 1 << 20);
        assert_eq!(settings.logs.level, Level::Debug);
        assert!(!settings.advanced.auto_activate);
    }

    #[test]
    fn operators_override_files_and_the_environment_overrides_operators() {
        let folder = tempfile::tempdir().unwrap();
        let (file, data) = (folder.path().join("uacsta.toml"), folder.path());
        let toml =
            "[advanced]\nkeep_alive = 9\nsip_expires = 600\nmin_expires = 70\nrequest_timeout = 3";
        fs::write(&file, toml).unwrap();
        let operator = "[advanced]\nkeep_alive = 10\nsip_expires = 700\nrequest_timeout = 4";
        fs::write(data.join("settings.toml"), operator).unwrap();
        fs::write(data.join("admin.toml"), "advanced.request_timeout = 5").unwrap();
        let environment = variables(&[("UACSTA__ADVANCED__KEEP_ALIVE", "11")]);
        let load = |operator| load_with(Some(&file), Some(data), operator, environment.clone());
        let seen = |settings: Settings, key: &str| {
            let list = settings.list();
            let one = list.iter().find(|one| one.key == key).unwrap();
            (one.value.clone(), one.source, one.locked)
        };
        let settings = load(None).unwrap();
        for (key, value, source, locked) in [
            ("advanced.keep_alive", 11, Source::Environment, true),
            ("advanced.sip_expires", 700, Source::Operator, false),
            ("advanced.min_expires", 70, Source::File, false),
            ("advanced.request_timeout", 5, Source::File, true),
            ("advanced.arbiters", 0, Source::Default, false),
        ] {
            let expected = (value.into(), source, locked);
            assert_eq!(seen(settings.clone(), key), expected, "{key}");
        }
        assert_eq!(
            settings.place("advanced.sip_expires"),
            Some(&*format!(
                "{}, line 3",
                data.join("settings.toml").display()
            ))
        );
        // A change takes the place of the operators' file.
        let changed = load(Some("[advanced]\nmin_expires = 80")).unwrap();
        let of = |key| seen(changed.clone(), key);
        let operator = (80.into(), Source::Operator, false);
        assert_eq!(of("advanced.min_expires"), operator);
        let reset = (600.into(), Source::File, false);
        assert_eq!(of("advanced.sip_expires"), reset);
    }

    #[test]
    fn accounts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("uacsta.toml");
        let text = "[[clients.accounts]]\nuser = 'front'\npassword = 'x'\nlines = ['100']\n\
                    [[clients.accounts]]\nuser = 'wall'\npassword = 'y'\ncontrol = false";
        fs::write(&file, text).unwrap();
        let accounts = load_with(Some(&file), None, None, [])
            .unwrap()
            .clients
            .accounts;
        assert_eq!(accounts.len(), 2);
        assert!(accounts[0].control && accounts[0].lines == ["100"]);
        assert!(!accounts[1].control && accounts[1].lines.is_empty());
    }

    #[test]
    fn wrong_settings_are_explained() {
        refused(
            "[advanced]\nsip_expire = 300",
            "uacsta.toml, line 2: advanced.sip_expire is not a setting; did you mean advanced.sip_expires?",
        );
        refused(
            "[clients]\ntrusted = ['10.0.0.1', '0.0.0.0/0']",
            "uacsta.toml, line 2: clients.trusted[1] is \"0.0.0.0/0\", but must be an address (\"10.1.2.3\"), a network (\"10.1.0.0/16\", a prefix of 1 or more) or the name in a certificate (\"ocs.example.com\")",
        );
        refused(
            "[clients]\ntrusted = ['ocs.example.com']",
            "uacsta.toml, line 2: clients.trusted names the certificate ocs.example.com, but clients.trusted_authority is empty: set it to the PEM file of the authority that signed it",
        );
        refused(
            "[colours]\nsky = 'blue'",
            "uacsta.toml, line 1: colours is not a setting; default.toml lists them all",
        );
        refused(
            "[advanced]\n\nsip_expires = 'soon'",
            "uacsta.toml, line 3: advanced.sip_expires is a string, but must be an integer",
        );
        refused(
            "[phones]\nwan = { public_tcp_port = 70000 }",
            "uacsta.toml, line 2: phones.wan.public_tcp_port is 64-bit unsigned integer `70000`, but must be an unsigned 16 bit integer",
        );
        refused(
            "[phones.lan]\ntcp = 'pbx:5060'",
            "uacsta.toml, line 2: phones.lan.tcp is \"pbx:5060\", but must be an IP address with a port such as \"0.0.0.0:5060\" or \"[::]:5060\", or \"\" for off",
        );
        refused(
            "[logs]\nlevel = 'loud'",
            "uacsta.toml, line 2: logs.level is \"loud\", but must be one of error, warn, info, debug, trace",
        );
        refused(
            "[phones]\npassword = { a = 1 }",
            "uacsta.toml, line 2: phones.password is a value, not a section",
        );
        refused(
            "logs = 'loud'",
            "uacsta.toml, line 1: logs is a section: write its keys under [logs]",
        );
        refused(
            "[advanced]\nmin_expires = 400",
            "uacsta.toml, line 2: advanced.min_expires is 400, but must be a number of seconds from 10 to 300 (advanced.sip_expires)",
        );
        // The place is one that was written, never a default's.
        refused(
            "[advanced]\nmin_expires = 60\n[phones]\nwan = { tcp = '127.0.0.1:15065' }",
            "uacsta.toml, line 4: phones.wan.tcp is set, so phones.wan.public_host is needed: the host name or address by which outside peers reach the server",
        );
        refused(
            "[clients.wan]\n\ntls = '127.0.0.1:15065'",
            "uacsta.toml, line 3: clients.wan.tls is set, so clients.wan.public_host is needed: the host name or address by which outside peers reach the server",
        );
        refused(
            "[phones.lan]\ntcp = '127.0.0.1:5070'",
            "uacsta.toml, line 2: phones.lan.tcp is 127.0.0.1:5070, but clients.lan.tcp listens there already, on 0.0.0.0:5070",
        );
        refused(
            "[clients.lan]\ntls = '127.0.0.1:5060'",
            "uacsta.toml, line 2: clients.lan.tls is 127.0.0.1:5060, but phones.lan.tcp listens there already, on 0.0.0.0:5060",
        );
        refused(
            "[[clients.accounts]]\nuser = 'front'",
            "uacsta.toml, line 1: clients.accounts[0].password is missing",
        );
        refused(
            "[[clients.accounts]]\nuser = 'front'\npassword = 'x'\nline = ['215']",
            "uacsta.toml, line 1: clients.accounts[0] cannot be used: unknown field `line`; did you mean `lines`?",
        );
        for (key, port, meant) in [
            ("web.listen", "8080", "127.0.0.1:8080"),
            ("web.listen", ":8080", "127.0.0.1:8080"),
            ("phones.lan.tcp", "5060", "0.0.0.0:5060"),
        ] {
            let said = format!(
                "uacsta.toml, line 1: {key} is {port:?}, but must be an IP address with a port; did you mean {meant:?}?"
            );
            refused(&format!("{key} = '{port}'"), &said);
        }
        refused(
            "[phones]\npassword = ",
            "uacsta.toml, line 2: is not TOML: string values must be quoted, expected literal string",
        );
    }

    #[test]
    fn all_mistakes_are_reported_with_their_places() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("uacsta.toml");
        let text = "[advanced]\nsip_expire = 300\nkeep_alive = 1\n[logs]\nlevel = 'loud'\nformat = 'prose'\nkeep = 'x'\n\
                    [limits]\nxml_depth = 7\n[[clients.accounts]]\nuser = 'a'";
        let wrong = [
            "uacsta.toml, line 2: advanced.sip_expire is not a setting; did you mean advanced.sip_expires?",
            "uacsta.toml, line 3: advanced.keep_alive is 1, but must be a number of seconds from 5 to 3600",
            "uacsta.toml, line 5: logs.level is \"loud\", but must be one of error, warn, info, debug, trace",
            "uacsta.toml, line 6: logs.format is \"prose\", but must be one of text, json",
            "uacsta.toml, line 7: logs.keep is a string, but must be an integer",
            "uacsta.toml, line 9: limits.xml_depth is 7, but must be a number from 8 to 256",
            "uacsta.toml, line 10: clients.accounts[0].password is missing",
            "environment variable UACSTA__ADVANCED__ARBITER: is not a setting; did you mean UACSTA__ADVANCED__ARBITERS?",
        ];
        fs::write(&file, text).unwrap();
        let typo = variables(&[("UACSTA__ADVANCED__ARBITER", "2")]);
        let error = load_with(Some(&file), None, None, typo.clone()).unwrap_err();
        let shown = |text: String| text.replace(&format!("{}/", folder.path().display()), "");
        let all: Vec<String> = error.all().map(&shown).collect();
        assert_eq!(all, wrong);
        let first = format!("{} (the first of 8 mistakes)", wrong[0]);
        assert_eq!(shown(error.to_string()), first);
        // A file that cannot be read may contain what the others need.
        fs::write(&file, "[advanced").unwrap();
        let conf_d = folder.path().join("conf.d");
        fs::create_dir(&conf_d).unwrap();
        fs::write(conf_d.join("a.toml"), "phones.require_certificate = true").unwrap();
        let error = load_with(Some(&file), None, None, typo).unwrap_err();
        assert_eq!(
            error.all().count(),
            2,
            "{:?}",
            error.all().collect::<Vec<_>>()
        );
    }

    #[test]
    fn values_of_another_type_than_the_default_are_refused() {
        for (text, expected) in [
            (
                "[phones]\nextensions = 'yes'",
                "phones.extensions is a string, but must be true or false",
            ),
            (
                "[phones]\nextensions = 'true'",
                "phones.extensions is a string, but must be true or false",
            ),
            (
                "[advanced]\nauto_activate = 1",
                "advanced.auto_activate is a number, but must be true or false",
            ),
            (
                "[advanced]\narbiters = true",
                "advanced.arbiters is a boolean, but must be an integer",
            ),
            (
                "[advanced]\narbiters = '2'",
                "advanced.arbiters is a string, but must be an integer",
            ),
            (
                "[advanced]\nrealm = 5",
                "advanced.realm is a number, but must be a quoted string",
            ),
            (
                "[advanced]\ndigest = 'MD5'",
                "advanced.digest is a string, but must be a list",
            ),
        ] {
            refused(text, &format!("uacsta.toml, line 2: {expected}"));
        }
        let account = "[[clients.accounts]]\nuser = 'a'\npassword = 'b'\ncontrol = 0";
        refused(
            account,
            "uacsta.toml, line 4: clients.accounts[0].control is an integer, but must be true or false",
        );
        for text in ["yes", "1", "TRUE", ""] {
            refused_variable(
                "UACSTA__PHONES__EXTENSIONS",
                text,
                "environment variable UACSTA__PHONES__EXTENSIONS: phones.extensions is a string, but must be true or false",
            );
        }
    }

    #[test]
    fn similar_section_is_suggested() {
        for (wrong, right) in [
            (
                "[phone]\nudp = ''",
                "phone is not a setting; did you mean [phones]?",
            ),
            (
                "[client]\nuser = 'a'",
                "client is not a setting; did you mean [clients]?",
            ),
            (
                "[phones.lam]\ntcp = ''",
                "phones.lam is not a setting; did you mean [phones.lan]?",
            ),
        ] {
            refused(wrong, &format!("uacsta.toml, line 1: {right}"));
        }
    }

    #[test]
    fn wrong_secrets_are_explained() {
        fn check(text: &str, expected: &str) {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("secrets.toml"), text).unwrap();
            let error = load_with(None, Some(folder.path()), None, []).unwrap_err();
            let shown = error.to_string();
            let shown = shown.replace(&format!("{}/", folder.path().display()), "");
            assert_eq!(shown, expected);
        }
        check(
            "[phones]\n\nudp = '127.0.0.1:5060'",
            "secrets.toml, line 3: phones.udp does not belong in this file, which has only phones.password, clients.password, web.password",
        );
        check(
            "[web]\npassword = 12345678901",
            "secrets.toml, line 2: web.password is a number, but must be a quoted string",
        );
        check(
            "[clients]\nuser = 'a'\n[web]\npassword = 'short'",
            "secrets.toml, line 2: clients.user does not belong in this file, which has only phones.password, clients.password, web.password (the first of 2 mistakes)",
        );
        let folder = tempfile::tempdir().unwrap();
        let secrets = folder.path().join("secrets.toml");
        fs::write(&secrets, "[web]\npassword = 'short'").unwrap();
        let error = load_with(None, Some(folder.path()), None, []).unwrap_err();
        let place = format!("{}, line 2", secrets.display());
        assert_eq!(
            (error.place(), error.key()),
            (Some(&*place), Some("web.password"))
        );
        // One that is not used does no harm.
        let set = variables(&[("UACSTA__WEB__PASSWORD", "long enough for all")]);
        let settings = load_with(None, Some(folder.path()), None, set).unwrap();
        let variable = "environment variable UACSTA__WEB__PASSWORD";
        assert_eq!(settings.place("web.password"), Some(variable));
        assert_eq!(settings.place("web.listen"), None);
    }

    #[test]
    fn wrong_variables_are_explained() {
        refused_variable(
            "UACSTA__ADVANCED__SIP_EXPIRE",
            "300",
            "environment variable UACSTA__ADVANCED__SIP_EXPIRE: is not a setting; did you mean UACSTA__ADVANCED__SIP_EXPIRES?",
        );
        refused_variable(
            "UACSTA__ADVANCED__KEEP_ALIVE",
            "often",
            "environment variable UACSTA__ADVANCED__KEEP_ALIVE: advanced.keep_alive is a string, but must be an integer",
        );
        for (name, meant) in [
            ("UACSTA_PHONES__LAN__TCP", "UACSTA__PHONES__LAN__TCP"),
            ("UACSTA_PHONES_LAN_TCP", "UACSTA__PHONES__LAN__TCP"),
            ("UACSTA__PHONES_LAN_TCP", "UACSTA__PHONES__LAN__TCP"),
            ("uacsta__logs__level", "UACSTA__LOGS__LEVEL"),
            ("UACSTA_LOGS_LEVEL", "UACSTA__LOGS__LEVEL"),
        ] {
            let expected =
                format!("environment variable {name}: is not a setting; did you mean {meant}?");
            refused_variable(name, "", &expected);
        }
        refused_variable(
            "UACSTA__FOO",
            "1",
            "environment variable UACSTA__FOO: is not a setting; default.toml lists them all",
        );
        // Those of commands and of the build.
        for name in [
            "UACSTA_CLIENTS_PASSWORD",
            "UACSTA_PHONES_PASSWORD",
            "UACSTA_ISSUER",
        ] {
            load_with(None, None, None, variables(&[(name, "x")])).unwrap();
        }
        refused_variable(
            "UACSTA__ADVANCED__DIGEST",
            "",
            "environment variable UACSTA__ADVANCED__DIGEST: advanced.digest is empty, but must name at least one of SHA-256 and MD5",
        );
    }

    #[test]
    fn a_secret_in_a_wrong_place_is_not_repeated() {
        for (text, place) in [
            (
                "accounts = 'anna:geheim99'",
                "clients.accounts is a string, but must be ",
            ),
            (
                "accounts = ['anna:geheim99']",
                "clients.accounts[0] is a string, but must be a table",
            ),
            (
                "accounts = ['a, expected geheim99']",
                "clients.accounts[0] is a string, but must be a table",
            ),
            (
                "accounts = [12345678]",
                "clients.accounts[0] is an integer, but must be a table",
            ),
            ("accounts = 12345678", "clients.accounts is a"),
            (
                "accounts = []\n[tls]\nkey = \"-----BEGIN PRIVATE KEY-----\\ngeheim99\"",
                "line 4: tls.key is the secret itself",
            ),
            (
                "accounts = [{ user = 'a', password = 'x', lines = 'geheim99' }]",
                "clients.accounts[0].lines is a string, but must be ",
            ),
            (
                "accounts = [{ user = 'a', password = 'x', control = 'geheim99' }]",
                "clients.accounts[0].control is a string, but must be true or false",
            ),
            (
                "password = 1234567890123456789012345678901234567890",
                "is too large",
            ),
            (
                "accounts = []\n[licenses]\ncodes = 'geheim99'",
                "licenses.codes is a string, but must be ",
            ),
            (
                "accounts = []\n[licenses]\ncodes = [['geheim99']]",
                "licenses.codes[0] is a sequence, but must be a string",
            ),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("uacsta.toml");
            fs::write(&file, format!("[clients]\n{text}")).unwrap();
            let error = load_with(Some(&file), None, None, [])
                .unwrap_err()
                .to_string();
            assert!(error.contains(place), "{text}: {error}");
            let told = error.contains("geheim") || error.contains("12345678");
            assert!(!told, "{error}");
        }
        let accounts = "UACSTA__CLIENTS__ACCOUNTS";
        for text in ["a:geheim99", "['a:geheim99']"] {
            let error = load_with(None, None, None, variables(&[(accounts, text)])).unwrap_err();
            let error = error.to_string();
            assert!(
                error.contains("is a string, but must be a table"),
                "{error}"
            );
            assert!(
                !error.contains("geheim") && error.contains(accounts),
                "{error}"
            );
        }
    }

    #[test]
    fn a_file_that_is_not_there() {
        let error = load_with(Some(Path::new("no-such-file.toml")), None, None, []).unwrap_err();
        assert_eq!(error.place(), Some("no-such-file.toml"));
        assert!(
            error
                .to_string()
                .starts_with("no-such-file.toml: cannot be read: ")
        );
    }
}
