//! The table of all operations: how each is asked for, what it needs, and the status for who has that.

use crate::operators::Right;

/// Operation, path, body, who may ask, and the status for them.
pub(super) type Route = (&'static str, &'static str, &'static str, (Needs, u16));

/// What an operation needs.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Needs {
    Nothing,
    /// A log-on of an operator or a program.
    LogOn,
    Right(Right),
}

const fn anybody(status: u16) -> (Needs, u16) {
    (Needs::Nothing, status)
}

const fn logged_on(status: u16) -> (Needs, u16) {
    (Needs::LogOn, status)
}

const fn reader(status: u16) -> (Needs, u16) {
    (Needs::Right(Right::Read), status)
}

const fn operator(status: u16) -> (Needs, u16) {
    (Needs::Right(Right::Operate), status)
}

const fn administrator(status: u16) -> (Needs, u16) {
    (Needs::Right(Right::Admin), status)
}

pub(super) const ROUTES: &[Route] = &[
    ("listPhones", "/api/v1/phones?limit=1", "", reader(200)),
    (
        "addPhone",
        "/api/v1/phones",
        r#"{"id":"00:04:13:00:00:01"}"#,
        operator(201),
    ),
    ("getPhone", "/api/v1/phones/000413000001", "", reader(200)),
    (
        "changePhone",
        "/api/v1/phones/000413000001",
        r#"{"inOperation":false,"displayName":null}"#,
        operator(200),
    ),
    (
        "removePhone",
        "/api/v1/phones/000413000001",
        "",
        operator(204),
    ),
    (
        "restartSession",
        "/api/v1/phones/000413000001/restartSession",
        "",
        operator(409),
    ),
    (
        "certifyPhone",
        "/api/v1/phones/000413000001/certify",
        "{}",
        operator(409),
    ),
    (
        "sendCsta",
        "/api/v1/phones/000413000001/csta",
        r#"{"request":"<HoldCall/>"}"#,
        operator(409),
    ),
    (
        "getPhoneTrace",
        "/api/v1/phones/000413000001/trace",
        "",
        administrator(200),
    ),
    (
        "getClientTrace",
        "/api/v1/clients/ecsta/trace",
        "",
        administrator(404),
    ),
    ("listClients", "/api/v1/clients", "", reader(200)),
    ("getClient", "/api/v1/clients/ecsta", "", reader(404)),
    ("endClient", "/api/v1/clients/ecsta", "", operator(404)),
    ("listLines", "/api/v1/lines", "", logged_on(200)),
    ("getLine", "/api/v1/lines/215", "", logged_on(404)),
    ("getStatus", "/api/v1/status", "", reader(200)),
    (
        "changeService",
        "/api/v1/status/service",
        r#"{"state":"stopped"}"#,
        operator(503),
    ),
    ("getLicenses", "/api/v1/licenses", "", reader(200)),
    (
        "listLicenseHolders",
        "/api/v1/licenses/holders",
        "",
        reader(200),
    ),
    (
        "addLicense",
        "/api/v1/licenses",
        r#"{"code":"A"}"#,
        administrator(409),
    ),
    (
        "removeLicense",
        "/api/v1/licenses/7",
        "",
        administrator(409),
    ),
    ("getCertificate", "/api/v1/certificate", "", reader(200)),
    ("listSettings", "/api/v1/settings", "", reader(200)),
    (
        "getSetting",
        "/api/v1/settings/advanced.keep_alive",
        "",
        reader(200),
    ),
    (
        "changeSettings",
        "/api/v1/settings",
        r#"{"logs.level":"debug"}"#,
        administrator(428),
    ),
    (
        "listSettingChanges",
        "/api/v1/settings/history",
        "",
        reader(200),
    ),
    (
        "undoSettings",
        "/api/v1/settings/undo",
        r#"{"id":"1a"}"#,
        administrator(422),
    ),
    (
        "reloadSettings",
        "/api/v1/settings/reload",
        "",
        administrator(422),
    ),
    ("listOperations", "/api/v1/operations", "", reader(200)),
    ("getOperation", "/api/v1/operations/1", "", reader(404)),
    ("cancelOperation", "/api/v1/operations/1", "", reader(404)),
    (
        "addBundle",
        "/api/v1/bundles",
        r#"{"phones":["?"]}"#,
        administrator(422),
    ),
    ("getBundle", "/api/v1/bundles/1", "", reader(404)),
    ("listLogFiles", "/api/v1/logs", "", reader(200)),
    (
        "listLogLines",
        "/api/v1/logs/lines?level=warn",
        "",
        reader(200),
    ),
    ("getLogFile", "/api/v1/logs/uacsta.log", "", reader(404)),
    ("getDocument", "/api/v1/openapi.json", "", logged_on(200)),
    (
        "getProblemType",
        "/api/v1/problems/invalid",
        "",
        anybody(200),
    ),
    (
        "followEvents",
        "/api/v1/events?topics=phones,settings",
        "",
        reader(200),
    ),
    ("addTicket", "/api/v1/tickets", "", logged_on(201)),
    ("listAudit", "/api/v1/audit?limit=1", "", administrator(200)),
    ("listOperators", "/api/v1/operators", "", administrator(200)),
    (
        "addOperator",
        "/api/v1/operators",
        r#"{"name":"x","rights":"read","password":"short"}"#,
        administrator(422),
    ),
    (
        "getOperator",
        "/api/v1/operators/Read",
        "",
        administrator(200),
    ),
    (
        "changeOperator",
        "/api/v1/operators/read",
        r#"{"rights":"admin"}"#,
        administrator(428),
    ),
    (
        "removeOperator",
        "/api/v1/operators/x",
        "",
        administrator(404),
    ),
    ("listAccounts", "/api/v1/accounts", "", administrator(200)),
    (
        "addAccount",
        "/api/v1/accounts",
        r#"{"user":"crm","password":"short","rights":[]}"#,
        administrator(422),
    ),
    (
        "getAccount",
        "/api/v1/accounts/ecsta",
        "",
        administrator(200),
    ),
    (
        "changeAccount",
        "/api/v1/accounts/ecsta",
        r#"{"numbers":[]}"#,
        administrator(428),
    ),
    (
        "removeAccount",
        "/api/v1/accounts/ecsta",
        "",
        administrator(409),
    ),
    ("listSessions", "/api/v1/sessions", "", administrator(200)),
    ("endSession", "/api/v1/sessions/x", "", administrator(404)),
    (
        "listTokens",
        "/api/v1/accounts/ecsta/tokens",
        "",
        administrator(200),
    ),
    (
        "addToken",
        "/api/v1/accounts/ecsta/tokens",
        r#"{"name":"crm","endsAt":null}"#,
        administrator(201),
    ),
    (
        "revokeToken",
        "/api/v1/accounts/ecsta/tokens/0",
        "",
        administrator(404),
    ),
    (
        "logOn",
        "/api/v1/session",
        r#"{"name":"admin","password":"password"}"#,
        anybody(201),
    ),
    ("addLink", "/api/v1/links", "", administrator(201)),
    ("getSession", "/api/v1/session", "", reader(200)),
    // The last, since it ends the sessions.
    ("logOff", "/api/v1/session", "", reader(204)),
];
