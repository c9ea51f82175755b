//! Carries out CSTA requests for calls and features on a phone's lines (ECMA-269, clauses 16 to 22).

use uacsta_schema::csta::*;

use super::{CallView, LineId, Pbx, features};

/// Carries out a request on one of a phone's lines.
///
/// # Errors
/// The failure that the phone responds with.
pub(super) fn serve(
    pbx: &mut Pbx,
    lines: &[LineId],
    request: Request,
) -> Result<Response, Failure> {
    let phone = Lines { lines };
    match request {
        Request::MakeCall(request) => {
            let line = phone
                .find(pbx, &request.calling_device)
                .ok_or(Failure::INVALID_CALLING_DEVICE_ID)?;
            // The default is to prompt (ECMA-323, MakeCall).
            let prompts = request.auto_originate != Some(AutoOriginate::DO_NOT_PROMPT);
            let call = pbx.make_call(line, &request.called_directory_number, prompts)?;
            let calling_device = connection(pbx, line, call);
            Ok(MakeCallResponse { calling_device }.into())
        }
        Request::AnswerCall(request) => {
            let (line, call) = phone.own(pbx, &request.call_to_be_answered)?;
            pbx.answer(line, &call)?;
            Ok(AnswerCallResponse {}.into())
        }
        Request::ClearConnection(request) => {
            let (line, call) = phone.own(pbx, &request.connection_to_be_cleared)?;
            pbx.clear(line, &call)?;
            Ok(ClearConnectionResponse {}.into())
        }
        Request::HoldCall(request) => {
            let (line, call) = phone.own(pbx, &request.call_to_be_held)?;
            pbx.hold(line, &call)?;
            Ok(HoldCallResponse {}.into())
        }
        Request::RetrieveCall(request) => {
            let (line, call) = phone.own(pbx, &request.call_to_be_retrieved)?;
            pbx.retrieve(line, &call)?;
            Ok(RetrieveCallResponse {}.into())
        }
        Request::ReconnectCall(request) => {
            let (line, active) = phone.own(pbx, &request.active_call)?;
            let (_, held) = phone.own(pbx, &request.held_call)?;
            if state(pbx, line, &held) != Some(LocalConnectionState::HOLD) {
                return Err(Failure::NO_HELD_CALL);
            }
            pbx.clear(line, &active)?;
            pbx.retrieve(line, &held)?;
            Ok(ReconnectCallResponse {}.into())
        }
        Request::ConsultationCall(request) => {
            let (line, call) = phone.own(pbx, &request.existing_call)?;
            let call = pbx.consult(line, &call, &request.consulted_device)?;
            let initiated_call = connection(pbx, line, call);
            Ok(ConsultationCallResponse { initiated_call }.into())
        }
        Request::TransferCall(request) => {
            let (line, held) = phone.own(pbx, &request.held_call)?;
            let (_, active) = phone.own(pbx, &request.active_call)?;
            let joined = pbx.transfer(line, &held, &active)?;
            Ok(TransferCallResponse {
                transferred_call: joined.connection,
                connections: Some(joined.connections),
            }
            .into())
        }
        Request::ConferenceCall(request) => {
            let (line, held) = phone.own(pbx, &request.held_call)?;
            let (_, active) = phone.own(pbx, &request.active_call)?;
            let joined = pbx.conference(line, &held, &active)?;
            Ok(ConferenceCallResponse {
                conference_call: joined.connection,
                connections: Some(joined.connections),
            }
            .into())
        }
        Request::SingleStepTransferCall(request) => {
            let (line, call) = phone.own(pbx, &request.active_call)?;
            let joined = pbx.single_step_transfer(line, &call, &request.transferred_to)?;
            Ok(SingleStepTransferCallResponse {
                transferred_call: joined.connection,
                connections: Some(joined.connections),
            }
            .into())
        }
        Request::DeflectCall(request) => {
            let (line, call) = phone.own(pbx, &request.call_to_be_diverted)?;
            let to = request.new_destination.0.first();
            let to = to.ok_or(Failure::INVALID_DESTINATION_DEVICE_ID)?;
            pbx.deflect(line, &call, to)?;
            Ok(DeflectCallResponse {}.into())
        }
        Request::GenerateDigits(request) => {
            let (line, call) = phone.own(pbx, &request.connection_to_send_digits)?;
            pbx.generate_digits(line, &call, &request.characters_to_send)?;
            Ok(GenerateDigitsResponse {}.into())
        }
        Request::SnapshotDevice(request) => {
            let line = phone.device(pbx, &request.snapshot_object)?;
            let calls = pbx.calls(line).into_iter();
            let data = calls.map(|call| device_call(pbx.device(line), call));
            let data = Snapshot::Data(data.collect());
            Ok(SnapshotDeviceResponse { data }.into())
        }
        Request::SnapshotCall(request) => phone.snapshot_call(pbx, &request.snapshot_object),
        Request::GetDoNotDisturb(request) => {
            let line = phone.device(pbx, &request.device)?;
            Ok(features::do_not_disturb(pbx, line).into())
        }
        Request::SetDoNotDisturb(request) => {
            let line = phone.device(pbx, &request.device)?;
            Ok(features::set_do_not_disturb(pbx, line, &request).into())
        }
        Request::GetForwarding(request) => {
            let line = phone.device(pbx, &request.device)?;
            Ok(features::forwarding(pbx, line).into())
        }
        Request::SetForwarding(request) => {
            let line = phone.device(pbx, &request.device)?;
            features::set_forwarding(pbx, line, request).map(Response::from)
        }
        Request::GetMessageWaitingIndicator(request) => {
            let line = phone.device(pbx, &request.device)?;
            Ok(features::message_waiting_indicator(pbx, line).into())
        }
        Request::SetMessageWaitingIndicator(request) => {
            let line = phone.device(pbx, &request.device)?;
            Ok(features::set_message_waiting_indicator(pbx, line, &request).into())
        }
        Request::GetMicrophoneMute(request) => {
            let line = phone.device(pbx, &request.device)?;
            Ok(features::microphone_mute(pbx, line).into())
        }
        Request::SetMicrophoneMute(request) => {
            let line = phone.device(pbx, &request.device)?;
            Ok(features::set_microphone_mute(pbx, line, &request).into())
        }
        Request::GetSpeakerMute(request) => {
            let line = phone.device(pbx, &request.device)?;
            Ok(features::speaker_mute(pbx, line).into())
        }
        Request::SetSpeakerMute(request) => {
            let line = phone.device(pbx, &request.device)?;
            Ok(features::set_speaker_mute(pbx, line, &request).into())
        }
        Request::GetSpeakerVolume(request) => {
            let line = phone.device(pbx, &request.device)?;
            Ok(features::speaker_volume(pbx, line).into())
        }
        Request::SetSpeakerVolume(request) => {
            let line = phone.device(pbx, &request.device)?;
            features::set_speaker_volume(pbx, line, &request).map(Response::from)
        }
        // The phone itself answers some of these; it does not have the others.
        Request::RequestSystemStatus(_)
        | Request::SystemStatus(_)
        | Request::SystemRegister(_)
        | Request::SystemRegisterCancel(_)
        | Request::GetCSTAFeatures(_)
        | Request::GetSwitchingFunctionDevices(_)
        | Request::GetLogicalDeviceInformation(_)
        | Request::GetPhysicalDeviceInformation(_)
        | Request::MonitorStart(_)
        | Request::MonitorStop(_)
        | Request::ChangeMonitorFilter(_)
        | Request::ClearCall(_)
        | Request::AlternateCall(_)
        | Request::SingleStepConferenceCall(_)
        | Request::DirectedPickupCall(_)
        | Request::DialDigits(_) => Err(Failure::SERVICE_NOT_SUPPORTED),
    }
}

/// The lines of one phone.
struct Lines<'a> {
    lines: &'a [LineId],
}

impl Lines<'_> {
    fn find(&self, pbx: &Pbx, device: &DeviceId) -> Option<LineId> {
        pbx.line(device).filter(|line| self.lines.contains(line))
    }

    fn device(&self, pbx: &Pbx, device: &DeviceId) -> Result<LineId, Failure> {
        self.find(pbx, device).ok_or(Failure::INVALID_DEVICE_ID)
    }

    /// The line of a connection, and its CallID.
    fn own(&self, pbx: &Pbx, connection: &ConnectionId) -> Result<(LineId, CallId), Failure> {
        let call = connection.call_id.as_ref();
        let call = call.ok_or(Failure::INVALID_CONNECTION_ID)?;
        let has = |line: &LineId| pbx.calls(*line).iter().any(|view| view.id == *call);
        let line = match &connection.device_id {
            Some(device) => self.find(pbx, device).filter(has),
            None => self.lines.iter().copied().find(has),
        };
        line.map(|line| (line, call.clone()))
            .ok_or(Failure::INVALID_CONNECTION_ID)
    }

    fn snapshot_call(&self, pbx: &Pbx, connection: &ConnectionId) -> Result<Response, Failure> {
        let (line, call) = self
            .own(pbx, connection)
            .map_err(|_| Failure::INVALID_CALL_ID)?;
        let view = pbx.calls(line).into_iter().find(|view| view.id == call);
        let view = view.ok_or(Failure::INVALID_CALL_ID)?;
        let own = (pbx.device(line).clone(), view.state);
        let data = std::iter::once(own)
            .chain(view.others)
            .map(|(device, state)| CallParty {
                call_identifier: Some(ConnectionId::new(call.as_str(), device.as_str())),
                device_on_call: Some(device.into()),
                local_connection_info: Some(state),
            });
        Ok(SnapshotCallResponse {
            data: Snapshot::Data(data.collect()),
            ..SnapshotCallResponse::default()
        }
        .into())
    }
}

fn connection(pbx: &Pbx, line: LineId, call: CallId) -> ConnectionId {
    ConnectionId::new(call, pbx.device(line).as_str())
}

fn state(pbx: &Pbx, line: LineId, call: &CallId) -> Option<LocalConnectionState> {
    let mut calls = pbx.calls(line).into_iter();
    calls.find(|view| view.id == *call).map(|view| view.state)
}

fn device_call(device: &DeviceId, call: CallView) -> DeviceCall {
    let endpoint = call.others.first().map(|(device, _)| device.clone().into());
    let states = std::iter::once(call.state).chain(call.others.into_iter().map(|(_, state)| state));
    DeviceCall {
        connection: Some(ConnectionId::new(call.id, device.as_str())),
        endpoint_device: endpoint,
        local_call_state: Some(CallState::Compound(states.collect())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn connections_are_found_or_refused() {
        let mut pbx = Pbx::default();
        let line = pbx.add("sip:215@pbx".into(), "-{serial}");
        let other = pbx.add("sip:216@pbx".into(), "{serial}");
        pbx.set_in_service(line, true);
        pbx.set_in_service(other, true);
        let mut ask = |lines: &[LineId], request: Request| serve(&mut pbx, lines, request);
        let make = |calling: &str, called: &str| MakeCall {
            calling_device: calling.into(),
            called_directory_number: called.into(),
            auto_originate: Some(AutoOriginate::DO_NOT_PROMPT),
            ..MakeCall::default()
        };
        let foreign = make("216", "215");
        let refused = ask(&[line], foreign.into()).unwrap_err();
        assert_eq!(refused, Failure::INVALID_CALLING_DEVICE_ID);
        let made = ask(&[line], make("215@pbx", "sip:216@elsewhere").into()).unwrap();
        let made = MakeCallResponse::try_from(made).unwrap().calling_device;
        assert!(made.call_id.as_ref().unwrap().as_str().starts_with('-'));
        for (device, expected) in [
            (Some("216"), Err(Failure::INVALID_CONNECTION_ID)),
            (Some("215"), Err(Failure::NO_CALL_TO_ANSWER)),
            (None, Err(Failure::NO_CALL_TO_ANSWER)),
        ] {
            let call_to_be_answered = ConnectionId {
                call_id: made.call_id.clone(),
                device_id: device.map(DeviceId::from),
            };
            let answer = AnswerCall {
                call_to_be_answered,
                ..AnswerCall::default()
            };
            assert_eq!(ask(&[line], answer.into()), expected, "{device:?}");
        }
        let snapshot = SnapshotDevice {
            snapshot_object: "215".into(),
        };
        let Response::SnapshotDeviceResponse(found) = ask(&[line], snapshot.into()).unwrap() else {
            panic!("not a snapshot");
        };
        let expected = DeviceCall {
            connection: Some(made),
            endpoint_device: Some(SubjectDevice::Device("sip:216@pbx".into())),
            local_call_state: Some(CallState::Compound(vec![
                LocalConnectionState::CONNECTED,
                LocalConnectionState::ALERTING,
            ])),
        };
        assert_eq!(found.data, Snapshot::Data(vec![expected]));
    }
}
