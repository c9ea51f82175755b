//! Values of settings that are taken, written again as they show themselves, are the same; what is wrong is said in one short line.

use std::{fmt::Display, fs, path::Path};

use uacsta_config::{Listen, Settings, load};

/// A settings file with this text, in the folder `scratch`.
pub(crate) fn holds(text: &[u8], scratch: &Path) {
    let (file, parts) = (scratch.join("uacsta.toml"), scratch.join("conf.d"));
    let part = parts.join("again.toml");
    fs::create_dir_all(&parts).expect("the folder can be written");
    fs::write(&part, "").expect("the folder can be written");
    fs::write(&file, text).expect("the folder can be written");
    match load(Some(&file), None) {
        Err(error) => {
            let problem = error.to_string();
            let said = problem.replace(&scratch.display().to_string(), "");
            assert!(said.len() <= 1024 && !said.contains('\n'), "{said:.200}");
        }
        Ok(settings) => {
            assert!(settings.check().is_ok(), "what is loaded has been checked");
            // What lies in conf.d counts more than the file.
            fs::write(&part, again(&settings)).expect("the folder can be written");
            let read = load(Some(&file), None).expect("what is written can be read");
            assert_eq!(format!("{read:?}"), format!("{settings:?}"));
        }
    }
}

/// The settings that have a form of their own, in that form.
fn again(settings: &Settings) -> String {
    let Settings {
        phones,
        clients,
        advanced,
        limits,
        logs,
        web,
        ..
    } = settings;
    [
        listen("phones.lan.tcp", phones.lan.tcp),
        listen("phones.wan.tls", phones.wan.tls),
        listen("phones.udp", phones.udp),
        listen("clients.lan.tls", clients.lan.tls),
        listen("web.listen", web.listen),
        list("web.trusted_proxies", &web.trusted_proxies),
        list("clients.trusted", &clients.trusted),
        list("advanced.digest", &advanced.digest),
        list(
            "advanced.proxy_protocol_from",
            &advanced.proxy_protocol_from,
        ),
        word("limits.message_head", limits.message_head),
        word("limits.message_body", limits.message_body),
        word("limits.client_queue", limits.client_queue),
        word(
            "limits.unauthenticated_memory",
            limits.unauthenticated_memory,
        ),
        word("logs.max_size", logs.max_size),
        word("logs.level", logs.level),
        word("logs.format", logs.format),
    ]
    .join("\n")
}

fn word(key: &str, value: impl Display) -> String {
    format!("{key} = '{value}'")
}

fn listen(key: &str, value: Listen) -> String {
    match value.address() {
        Some(address) => word(key, address),
        None => word(key, ""),
    }
}

fn list(key: &str, values: &[impl Display]) -> String {
    let values: Vec<String> = values.iter().map(|value| format!("'{value}'")).collect();
    format!("{key} = [{}]", values.join(", "))
}
