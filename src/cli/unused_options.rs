//! Global options that a command does not use: it accepts them in silence, and its help leaves them out.

use std::path::PathBuf;

use clap::{Arg, ArgAction, value_parser};

/// The options with these names, for a command below those that use them.
pub(super) fn unused_options(names: &[&'static str]) -> Vec<Arg> {
    names.iter().map(|name| unused(name)).collect()
}

/// All options of the commands that ask a server.
pub(super) const OF_SERVER: [&str; 4] = ["data", "server", "token-file", "json"];

/// The type of the value is that of the option above, since clap passes values up.
fn unused(name: &'static str) -> Arg {
    let option = |id| Arg::new(id).long(name);
    let option = match name {
        "data" => option("data").value_parser(value_parser!(PathBuf)),
        "token-file" => option("token_file").value_parser(value_parser!(PathBuf)),
        "server" => option("url").value_parser(value_parser!(String)),
        name => Arg::new(name).long(name).action(ArgAction::SetTrue),
    };
    option.hide(true).help("Not used by this command")
}
