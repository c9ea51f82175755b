//! Calls that meet or go elsewhere: consulted, transferred, forwarded.

use super::*;

#[test]
fn consultation_and_transfer() {
    let consults = ["215 dials 216", "216 answers", "216 consults 217"];
    let and = |more: &[&'static str]| [&consults[..], more].concat();
    check(
        &consults,
        &[
            "215 Held 216 connected consultation",
            "216 Held 216 hold consultation",
            "216 Initiated initiated consultation",
            "216 Originated 217 connected consultation",
            "216 Delivered 217 connected newCall",
            "217 Delivered 217 alerting newCall",
        ],
    );
    check(
        &and(&["217 answers", "216 transfers"]),
        &[
            "216 Transferred 217 two 2 null transfer",
            "215 Transferred 217 one 2 connected transfer",
            "217 Transferred 217 one 2 connected transfer",
        ],
    );
    check(
        &and(&["217 answers", "216 transfers", "217 clears"]),
        &[
            "217 Cleared 217 null normalClearing",
            "215 Cleared 217 connected normalClearing",
            "215 Cleared 215 null normalClearing",
        ],
    );
    // Before the third has answered.
    check(
        &and(&["216 transfers", "217 answers"]),
        &[
            "217 Established 217 connected normal",
            "215 Established 217 connected normal",
        ],
    );
    check(
        &and(&["217 answers", "216 drops-active"]),
        &[
            "216 Cleared 216 null normalClearing",
            "217 Cleared 216 connected normalClearing",
            "217 Cleared 217 null normalClearing",
        ],
    );
    check(
        &and(&["217 answers", "216 conferences"]),
        &[
            "216 Conferenced 217 3 connected conference",
            "215 Conferenced 217 3 connected conference",
            "217 Conferenced 217 3 connected conference",
        ],
    );
    check(
        &and(&["217 answers", "216 conferences", "215 clears"]),
        &[
            "215 Cleared 215 null normalClearing",
            "216 Cleared 215 connected normalClearing",
            "217 Cleared 215 connected normalClearing",
        ],
    );
    refuse(
        &and(&["216 conferences"]),
        &Failure::INVALID_CONNECTION_STATE,
    );
    refuse(&and(&["216 transfers-swapped"]), &Failure::NO_HELD_CALL);
    refuse(
        &["215 dials 216", "215 consults 217"],
        &Failure::INVALID_CONNECTION_STATE,
    );
    refuse(
        &["215 dials 216", "216 answers", "215 consults x"],
        &Failure::INVALID_DESTINATION,
    );
}

#[test]
fn single_step_transfer() {
    check(
        &["215 dials 216", "216 answers", "216 sends 217"],
        &[
            "216 Transferred 217 one 1 null singleStepTransfer",
            "215 Transferred 217 one 1 connected singleStepTransfer",
            "215 Delivered 217 connected newCall",
            "217 Delivered 217 alerting newCall",
        ],
    );
    refuse(
        &["215 dials 216", "215 sends 217"],
        &Failure::INVALID_CONNECTION_STATE,
    );
    refuse(
        &["215 dials 216", "216 answers", "216 sends x"],
        &Failure::INVALID_DESTINATION_DEVICE_ID,
    );
}

#[test]
fn calls_that_go_elsewhere() {
    check(
        &["215 dials 216", "216 deflects 217"],
        &[
            "216 Diverted 217 null redirected",
            "215 Delivered 217 connected redirected",
            "217 Delivered 217 alerting redirected",
        ],
    );
    check(
        &["216 forwards always 217", "215 dials 216"],
        &[
            "215 Initiated initiated makeCall",
            "215 Originated 216 connected newCall",
            "216 Diverted 217 null callForwardImmediate",
            "215 Delivered 217 connected callForwardImmediate",
            "217 Delivered 217 alerting callForwardImmediate",
        ],
    );
    check(
        &["216 forwards busy 217", "216 dials 218", "215 dials 216"],
        &[
            "215 Initiated initiated makeCall",
            "215 Originated 216 connected newCall",
            "216 Diverted 217 null callForwardBusy",
            "215 Delivered 217 connected callForwardBusy",
            "217 Delivered 217 alerting callForwardBusy",
        ],
    );
    check(
        &["216 forwards late 217", "215 dials 216", "wait 10"],
        &[
            "216 Diverted 217 null callForwardNoAnswer",
            "215 Delivered 217 connected callForwardNoAnswer",
            "217 Delivered 217 alerting callForwardNoAnswer",
        ],
    );
    check(
        &[
            "216 forwards late 217",
            "215 dials 216",
            "216 answers",
            "wait 10",
        ],
        &[],
    );
    // A circle ends.
    check(
        &[
            "216 forwards always 217",
            "217 forwards always 216",
            "call 0301 216",
        ],
        &[
            "216 Diverted 217 null callForwardImmediate",
            "217 Diverted 216 null callForwardImmediate",
            "216 Diverted 217 null callForwardImmediate",
            "217 Diverted 216 null callForwardImmediate",
            "216 Diverted 217 null callForwardImmediate",
            "217 Diverted 216 null callForwardImmediate",
        ],
    );
    check(
        &["216 forwards always 217", "216 unforwards always"],
        &["216 Forwarding forwardImmediate false"],
    );
    refuse(
        &["215 dials 216", "216 answers", "216 deflects-active 217"],
        &Failure::INVALID_CONNECTION_STATE,
    );
    refuse(
        &["215 dials 216", "216 deflects x"],
        &Failure::INVALID_DESTINATION_DEVICE_ID,
    );
    refuse(
        &["216 forwards always 216"],
        &Failure::INVALID_FORWARDING_DESTINATION,
    );
    refuse(
        &["216 forwards always x"],
        &Failure::INVALID_FORWARDING_DESTINATION,
    );
    refuse(
        &["216 forwards other 217"],
        &Failure::INVALID_FORWARDING_TYPE,
    );
}

#[test]
fn a_line_that_leaves_ends_its_calls() {
    check(
        &[
            "215 dials 216",
            "216 answers",
            "215 holds",
            "215 dials 217",
            "215 leaves",
        ],
        &[
            "215 Cleared 215 null normalClearing",
            "216 Cleared 215 connected normalClearing",
            "216 Cleared 216 null normalClearing",
            "215 Cleared 215 null normalClearing",
            "217 Cleared 217 null callCancelled",
        ],
    );
    check(&["216 dnd on"], &["216 DoNotDisturb true"]);
    check(&["216 dnd off"], &[]);
}
