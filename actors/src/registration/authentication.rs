//! Reads and authenticates the phone of a request, and reports refusals to the registrar.

use std::{net::SocketAddr, time::Duration};

use uacsta_schema::{
    mac::Mac,
    phone_id::PhoneId,
    sip::{HeaderName, Request},
};

use super::{
    RegistrarRecipients, Rejection,
    identity::{mac_of, name_of},
};
use crate::{
    ServerContext,
    auth::{AuthRequest, AuthUser, CredentialFault, DigestAuthenticator},
    counters::Counter,
    log_limit::repeat_count,
    reason::ContactFault,
    sip::responder::FinalResponse,
    truncated::{Truncated, truncated},
};

/// Reads the phone's name in a REGISTER. Counts, reports and logs a rejection; always logs it if the sender `has_logged_on`.
pub(crate) fn identify(
    context: &ServerContext,
    registrar: &RegistrarRecipients,
    request: &Request,
    address: SocketAddr,
    has_logged_on: bool,
) -> Result<PhoneId, FinalResponse> {
    let extensions = context.config().settings.phones.extensions;
    name_of(request, extensions).map_err(|rejection| {
        context.counters.count(Counter::RefusedRegister);
        if let Some(fault) = wrong_name(context, request, &rejection) {
            registrar.refused_unnamed(address, fault);
        }
        let reason = rejection.to_string();
        if let Some(times) = context.may_log(address, has_logged_on, &reason) {
            let to = truncated(request.head().get(HeaderName::To));
            tracing::warn!(peer = %address, to, reason, times = repeat_count(times), "REGISTER refused");
        }
        rejection.into()
    })
}

/// What a REGISTER that names no phone says about the device that sent it.
fn wrong_name(
    context: &ServerContext,
    request: &Request,
    rejection: &Rejection,
) -> Option<ContactFault> {
    if !matches!(rejection, Rejection::NoPhone(_)) {
        return None;
    }
    let to = request.head().to().ok()?;
    let user = to.uri().user_decoded().unwrap_or_default();
    Some(ContactFault::WrongUserName {
        user: Truncated(&user).to_string().into(),
        is_client: is_client(context, &user),
    })
}

/// Whether clients log on with this name.
pub(crate) fn is_client(context: &ServerContext, user: &str) -> bool {
    let clients = &context.config().settings.clients;
    let accounts = clients.accounts.iter().map(|account| &account.user);
    let is_configured = accounts.chain([&clients.user]).any(|known| known == user);
    is_configured || context.accounts.load().find(user).is_some()
}

/// Checks that the credentials of a request are those of the phone that it names, so that one phone cannot register another.
/// Otherwise the response is a challenge. `is_here` says that the phone is bound on the same connection. Returns when the sender
/// was challenged.
pub(crate) fn authenticate(
    context: &ServerContext,
    registrar: &RegistrarRecipients,
    authenticator: &mut DigestAuthenticator,
    phone: PhoneId,
    request: &Request,
    address: SocketAddr,
    is_here: bool,
) -> Result<Duration, FinalResponse> {
    let user_agent = request.head().get(HeaderName::UserAgent);
    let config = context.config();
    let profile = config
        .profiles
        .recognise(mac_of(request, phone).map(Mac::oui), user_agent);
    let password = &config.settings.phones.password;
    let caller = AuthRequest {
        address: address.ip(),
        phone: Some(phone),
        logged_on: is_here.then_some(AuthUser::Phone(phone)),
        only_md5: profile.md5_only,
    };
    let granted = context.check(authenticator, request, caller, |name| {
        (name.parse() == Ok(phone)).then_some(password)
    });
    let granted = granted.map(|authenticated| authenticated.challenged_at);
    granted.map_err(|denial| {
        if let Some(fault) = denial.fault() {
            let fault = match fault {
                CredentialFault::Password => ContactFault::WrongPassword,
                fault => ContactFault::WrongCredentials(fault),
            };
            registrar.refused(phone, address, fault);
        }
        if let Some(reason) = denial.reason()
            && let Some(times) = context.may_log(address, false, &["phone: ", reason].concat())
        {
            tracing::warn!(%phone, peer = %address, reason, times = repeat_count(times), "log-on refused");
        }
        context.denied(&denial)
    })
}
