//! The commands on features of a line: do not disturb and forwarding.

use serde_json::json;
use uacsta_schema::csta::*;

use super::{Calls, RunError, Switch};
use crate::{Console, output::Output};

pub(super) async fn dnd(
    console: &mut Console,
    output: &mut Output<'_>,
    line: &str,
    switch: Option<Switch>,
) -> Result<(), RunError> {
    let device = DeviceId::from(line);
    let Some(switch) = switch else {
        let on = console
            .invoke(GetDoNotDisturb { device })
            .await?
            .do_not_disturb_on;
        let text = if on { "on" } else { "off" };
        return Ok(output.print(text, || json!({ "line": line, "dnd": on }))?);
    };
    let request = SetDoNotDisturb {
        device,
        do_not_disturb_on: switch == Switch::On,
        call_origination: None,
    };
    console.invoke(request).await?;
    Ok(())
}

pub(super) async fn forward(
    console: &mut Console,
    output: &mut Output<'_>,
    line: &str,
    calls: Option<Calls>,
    to: Option<&str>,
) -> Result<(), RunError> {
    let device = DeviceId::from(line);
    let Some(calls) = calls else {
        let list = console
            .invoke(GetForwarding { device })
            .await?
            .forwarding_list;
        let list = list.unwrap_or_default();
        if list.is_empty() {
            output.note(&format!("{line} has no forwardings"))?;
        }
        return Ok(output.forwardings(line, &list)?);
    };
    if calls == Calls::Off && to.is_some() {
        return Err(RunError::OffTo);
    }
    let kind = match calls {
        Calls::All => ForwardingType::FORWARD_IMMEDIATE,
        Calls::Busy => ForwardingType::FORWARD_BUSY,
        Calls::Unanswered => ForwardingType::FORWARD_NO_ANS,
        Calls::Off => return forward_off(console, output, line).await,
    };
    let to = to.ok_or(RunError::WhereTo)?;
    let off = to.eq_ignore_ascii_case("off");
    let request = SetForwarding {
        device,
        forwarding_type: Some(kind),
        activate_forward: !off,
        forward_dn: (!off).then(|| to.into()),
        ..SetForwarding::default()
    };
    console.invoke(request).await?;
    Ok(())
}

/// Switches off the forwardings that are on.
async fn forward_off(
    console: &mut Console,
    output: &mut Output<'_>,
    line: &str,
) -> Result<(), RunError> {
    let device = DeviceId::from(line);
    let request = GetForwarding {
        device: device.clone(),
    };
    let list = console.invoke(request).await?.forwarding_list;
    let list = list.unwrap_or_default().into_iter();
    let on: Vec<_> = list.filter(|item| item.forward_status).collect();
    if on.is_empty() {
        output.note(&format!("{line} has no forwardings"))?;
    }
    for item in on {
        let request = SetForwarding {
            device: device.clone(),
            forwarding_type: item.forwarding_type,
            ..SetForwarding::default()
        };
        console.invoke(request).await?;
    }
    Ok(())
}
