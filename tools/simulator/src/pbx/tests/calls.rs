//! One call: made, refused, from outside, held.

use super::*;

/// ECMA TR/87, section 7.3: Originated, Delivered, Established, ConnectionCleared.
#[test]
fn a_call_and_its_end() {
    check(
        &["215 dials 216"],
        &[
            "215 Initiated initiated makeCall",
            "215 Originated 216 connected newCall",
            "215 Delivered 216 connected newCall",
            "216 Delivered 216 alerting newCall",
        ],
    );
    check(
        &["215 dials 216", "216 answers"],
        &[
            "215 Established 216 connected normal",
            "216 Established 216 connected normal",
        ],
    );
    check(
        &["215 dials 216", "216 answers", "215 clears"],
        &[
            "215 Cleared 215 null normalClearing",
            "216 Cleared 215 connected normalClearing",
            "216 Cleared 216 null normalClearing",
        ],
    );
    check(
        &["215 dials 216", "215 clears"],
        &[
            "215 Cleared 215 null normalClearing",
            "216 Cleared 216 null callCancelled",
        ],
    );
    check(
        &["215 dials 216", "216 clears"],
        &[
            "216 Cleared 216 null normalClearing",
            "215 Failed 216 fail busy",
        ],
    );
    check(
        &["215 dials 216", "216 clears", "wait 5"],
        &["215 Cleared 215 null normalClearing"],
    );
    check(&["215 prompts 216"], &["215 Initiated initiated makeCall"]);
    check(
        &["215 prompts 216", "215 lifts"],
        &[
            "215 Originated 216 connected newCall",
            "215 Delivered 216 connected newCall",
            "216 Delivered 216 alerting newCall",
        ],
    );
    refuse(&["215 dials anna"], &Failure::INVALID_CALLED_DEVICE_ID);
    refuse(
        &["215 dials 216", "215 dials 217"],
        &Failure::INVALID_CALLING_DEVICE_STATE,
    );
    refuse(&["215 clears"], &Failure::INVALID_CONNECTION_ID);
    refuse(
        &["215 dials 216", "215 answers-active"],
        &Failure::NO_CALL_TO_ANSWER,
    );
}

#[test]
fn calls_that_fail() {
    for (steps, device, cause) in [
        (&["216 dials 217", "215 dials 216"][..], "216", "busy"),
        (&["215 dials 215"], "215", "busy"),
        (&["216 dnd on", "215 dials 216"], "216", "doNotDisturb"),
        (&["216 leaves", "215 dials 216"], "216", "destOutOfOrder"),
        (&["215 dials 999"], "999", "destNotObtainable"),
    ] {
        check(
            steps,
            &[
                "215 Initiated initiated makeCall",
                &format!("215 Originated {device} connected newCall"),
                &format!("215 Failed {device} fail {cause}"),
            ],
        );
    }
}

#[test]
fn calls_outside() {
    check(
        &["215 dials 0301234"],
        &[
            "215 Initiated initiated makeCall",
            "215 Originated 0301234 connected newCall",
            "215 NetworkReached 0301234 connected newCall",
        ],
    );
    check(
        &["215 dials 0301234", "wait 1"],
        &["215 Failed 0301234 fail numberUnallocated"],
    );
    check(
        &["215 dials 0201234", "wait 1"],
        &["215 Failed 0201234 fail busy"],
    );
    check(
        &["215 dials 0101234", "wait 60"],
        &["215 Delivered 0101234 connected networkSignal"],
    );
    check(
        &["215 dials 0401234", "wait 1"],
        &[
            "215 Delivered 0401234 connected networkSignal",
            "215 Established 0401234 connected normal",
        ],
    );
    check(
        &["215 dials +49301234", "wait 3"],
        &[
            "215 Delivered +49301234 connected networkSignal",
            "215 Established +49301234 connected normal",
        ],
    );
    check(
        &["215 dials 089123", "wait 3", "215 clears"],
        &["215 Cleared 215 null normalClearing"],
    );
    check(&["call +4930 215"], &["215 Delivered 215 alerting newCall"]);
    check(
        &["call +4930 215", "215 answers"],
        &["215 Established 215 connected normal"],
    );
    check(&["215 dials 216", "call +4930 215"], &[]);
}

#[test]
fn hold_and_retrieve() {
    let calls = ["215 dials 216", "216 answers"];
    let and = |more: &[&'static str]| [&calls[..], more].concat();
    check(
        &and(&["215 holds"]),
        &["215 Held 215 hold normal", "216 Held 215 connected normal"],
    );
    check(
        &and(&["215 holds", "215 retrieves"]),
        &[
            "215 Retrieved 215 connected normal",
            "216 Retrieved 215 connected normal",
        ],
    );
    check(
        &and(&["215 holds", "216 clears"]),
        &[
            "216 Cleared 216 null normalClearing",
            "215 Cleared 216 hold normalClearing",
            "215 Cleared 215 null normalClearing",
        ],
    );
    check(
        &and(&["216 presses 12#"]),
        &["216 Digits 12# connected normal"],
    );
    refuse(
        &and(&["215 holds", "215 holds-held"]),
        &Failure::NO_ACTIVE_CALL,
    );
    refuse(&and(&["215 retrieves-active"]), &Failure::NO_HELD_CALL);
    refuse(
        &["215 dials 216", "216 holds-alerting"],
        &Failure::INVALID_CONNECTION_STATE,
    );
    refuse(
        &["215 dials 216", "215 holds"],
        &Failure::INVALID_CONNECTION_STATE,
    );
    refuse(
        &and(&["215 holds", "215 dials 217", "215 retrieves"]),
        &Failure::INVALID_CONNECTION_STATE,
    );
    refuse(
        &and(&["215 presses x"]),
        &Failure::new(
            uacsta_schema::csta::Category::Operation,
            "charactersToSendNotSupported",
        ),
    );
}
