//! The same properties on well-formed settings of any value, and on any User-Agent.

use std::net::{IpAddr, SocketAddr};

use proptest::prelude::*;

use crate::{profiles, settings_file};

const SNOM: &str = include_str!("../../phones/snom.toml");

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_settings_written_again_are_the_same(
        (lan, web) in any::<(SocketAddr, SocketAddr)>(),
        trusted in prop::collection::vec((any::<IpAddr>(), 1..=32_u8), 0..4),
        name in "[a-z][a-z0-9.-]{0,8}",
        (head, body) in (1..=1024_u64, 4096..=(16_u64 << 20)),
        level in prop::sample::select(vec!["error", "Warn", "INFO", "debug", "trace"]),
        algorithms in prop::collection::vec(prop::sample::select(vec!["md5", "sha-256"]), 1..3),
    ) {
        let scratch = tempfile::tempdir().unwrap();
        let mut networks: Vec<String> = trusted.iter().map(|(address, prefix)| format!("'{address}/{prefix}'")).collect();
        networks.push(format!("'{name}'"));
        let text = format!(
            "phones.lan.tcp = '{lan}'\nweb.listen = '{web}'\nweb.trusted_proxies = ['10.0.0.1']\nlimits = {{ message_head = '{head}KiB', message_line = 512, message_body = {body} }}\n\
             logs.level = '{level}'\nadvanced.digest = {algorithms:?}\n\
             clients = {{ trusted = [{}], trusted_authority = 'ca.pem' }}\n",
            networks.join(", ")
        );
        let file = scratch.path().join("alone.toml");
        std::fs::write(&file, &text).unwrap();
        let taken = uacsta_config::load(Some(&file), None);
        prop_assume!(lan != web && lan.port() != 0 && web.port() != 0);
        prop_assert!(taken.is_ok(), "{text}{taken:?}");
        settings_file::holds(text.as_bytes(), scratch.path());
    }

    #[test]
    fn any_user_agent_is_taken_apart_and_told_again(
        maker in "[A-Za-z]{1,6}|snom|Yealink",
        model in "([A-Z][0-9]{1,3})?( [A-Za-z0-9-]{1,4})?",
        separator in "[ /-]",
        firmware in "([vV]?[0-9]{1,2}(\\.[0-9]{1,3}){1,4}[a-zA-Z]?( SP[0-9])?)?",
        rest in "( 00:04:13:[0-9a-f]{2}:bb:cc)?( \\([ -~]{0,6}\\))?",
    ) {
        let scratch = tempfile::tempdir().unwrap();
        let text = format!("# {maker} {model}{separator}{firmware}{rest}\n{SNOM}");
        profiles::holds(text.as_bytes(), scratch.path());
    }
}
