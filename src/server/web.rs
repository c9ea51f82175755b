//! Starts the HTTP server, and writes where the server listens for commands.

use std::path::Path;

use uacsta_config::{Secret, Settings};
use uacsta_connect::data_dir::Listening;

use super::{Addresses, StartError};
use crate::{
    api::{self, Api, HttpServer},
    net::tls::Identity,
    pages,
};

pub(super) fn open_web(
    settings: &Settings,
    data: &Path,
    token: &Secret,
    api: &Api,
) -> Result<Option<HttpServer>, StartError> {
    let listen = settings.web.listen;
    let Some(address) = listen.address() else {
        return Ok(None);
    };
    let web = api::start(
        address,
        settings.limits.api_connections,
        data,
        token,
        api.clone(),
        pages::routes,
    )
    .map_err(|source| StartError::listen("web.listen", listen, source))?;
    tracing::debug!(interface = "web.listen", address = %web.address(), "listening");
    Ok(Some(web))
}

/// The content of the file that tells commands where the server listens.
pub(super) fn announcement_text(
    addresses: &Addresses,
    settings: &Settings,
    identity: &Identity,
) -> String {
    // A command runs in another folder.
    let absolute = |file: &Path| std::path::absolute(file).ok();
    let listening = Listening {
        config: settings.file.as_deref().and_then(absolute),
        certificate: absolute(&identity.files().certificate),
        interfaces: addresses
            .by_setting()
            .map(|(setting, address)| (setting.to_owned(), address))
            .collect(),
    };
    // Strings and addresses always have a JSON form.
    serde_json::to_string_pretty(&listening).unwrap_or_default() + "\n"
}
