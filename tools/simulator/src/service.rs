//! What a phone's lines answer to a request that concerns calls and features (ECMA-269, clauses 16 to 22).

use uacsta_schema::csta::*;

use super::exchange::{CallView, Exchange, Forwarding, LineId};

/// Carries out a request on one of a phone's lines.
///
/// # Errors
/// The failure that the phone answers with.
pub(super) fn serve(
    exchange: &mut Exchange,
    lines: &[LineId],
    request: Request,
) -> Result<Response, Failure> {
    let phone = Lines { lines };
    match request {
        Request::MakeCall(request) => {
            let line = phone
                .find(exchange, &request.calling_device)
                .ok_or(Failure::INVALID_CALLING_DEVICE_ID)?;
            // Where it is left out, the phone prompts (ECMA-323, MakeCall).
            let prompts = request.auto_originate != Some(AutoOriginate::DO_NOT_PROMPT);
            let call = exchange.make_call(line, &request.called_directory_number, prompts)?;
            let calling_device = connection(exchange, line, call);
            Ok(MakeCallResponse { calling_device }.into())
        }
        Request::AnswerCall(request) => {
            let (line, call) = phone.own(exchange, &request.call_to_be_answered)?;
            exchange.answer(line, &call)?;
            Ok(AnswerCallResponse {}.into())
        }
        Request::ClearConnection(request) => {
            let (line, call) = phone.own(exchange, &request.connection_to_be_cleared)?;
            exchange.clear(line, &call)?;
            Ok(ClearConnectionResponse {}.into())
        }
        Request::HoldCall(request) => {
            let (line, call) = phone.own(exchange, &request.call_to_be_held)?;
            exchange.hold(line, &call)?;
            Ok(HoldCallResponse {}.into())
        }
        Request::RetrieveCall(request) => {
            let (line, call) = phone.own(exchange, &request.call_to_be_retrieved)?;
            exchange.retrieve(line, &call)?;
            Ok(RetrieveCallResponse {}.into())
        }
        Request::ReconnectCall(request) => {
            let (line, active) = phone.own(exchange, &request.active_call)?;
            let (_, held) = phone.own(exchange, &request.held_call)?;
            if state(exchange, line, &held) != Some(LocalConnectionState::HOLD) {
                return Err(Failure::NO_HELD_CALL);
            }
            exchange.clear(line, &active)?;
            exchange.retrieve(line, &held)?;
            Ok(ReconnectCallResponse {}.into())
        }
        Request::ConsultationCall(request) => {
            let (line, call) = phone.own(exchange, &request.existing_call)?;
            let call = exchange.consult(line, &call, &request.consulted_device)?;
            let initiated_call = connection(exchange, line, call);
            Ok(ConsultationCallResponse { initiated_call }.into())
        }
        Request::TransferCall(request) => {
            let (line, held) = phone.own(exchange, &request.held_call)?;
            let (_, active) = phone.own(exchange, &request.active_call)?;
            let joined = exchange.transfer(line, &held, &active)?;
            Ok(TransferCallResponse {
                transferred_call: joined.connection,
                connections: Some(joined.connections),
            }
            .into())
        }
        Request::ConferenceCall(request) => {
            let (line, held) = phone.own(exchange, &request.held_call)?;
            let (_, active) = phone.own(exchange, &request.active_call)?;
            let joined = exchange.conference(line, &held, &active)?;
            Ok(ConferenceCallResponse {
                conference_call: joined.connection,
                connections: Some(joined.connections),
            }
            .into())
        }
        Request::SingleStepTransferCall(request) => {
            let (line, call) = phone.own(exchange, &request.active_call)?;
            let joined = exchange.send_away(line, &call, &request.transferred_to)?;
            Ok(SingleStepTransferCallResponse {
                transferred_call: joined.connection,
                connections: Some(joined.connections),
            }
            .into())
        }
        Request::DeflectCall(request) => {
            let (line, call) = phone.own(exchange, &request.call_to_be_diverted)?;
            let to = request.new_destination.0.first();
            let to = to.ok_or(Failure::INVALID_DESTINATION_DEVICE_ID)?;
            exchange.deflect(line, &call, to)?;
            Ok(DeflectCallResponse {}.into())
        }
        Request::GenerateDigits(request) => {
            let (line, call) = phone.own(exchange, &request.connection_to_send_digits)?;
            exchange.generate_digits(line, &call, &request.characters_to_send)?;
            Ok(GenerateDigitsResponse {}.into())
        }
        Request::SnapshotDevice(request) => {
            let line = phone.device(exchange, &request.snapshot_object)?;
            let calls = exchange.calls(line).into_iter();
            let data = calls.map(|call| device_call(exchange.device(line), call));
            let data = Snapshot::Data(data.collect());
            Ok(SnapshotDeviceResponse { data }.into())
        }
        Request::SnapshotCall(request) => phone.snapshot_call(exchange, &request.snapshot_object),
        request => features(exchange, &phone, request),
    }
}

/// Features of a line, which are asked for by its device.
fn features(
    exchange: &mut Exchange,
    phone: &Lines<'_>,
    request: Request,
) -> Result<Response, Failure> {
    match request {
        Request::GetDoNotDisturb(request) => {
            let line = phone.device(exchange, &request.device)?;
            Ok(GetDoNotDisturbResponse {
                do_not_disturb_on: exchange.do_not_disturb(line),
                call_origination: None,
            }
            .into())
        }
        Request::SetDoNotDisturb(request) => {
            let line = phone.device(exchange, &request.device)?;
            exchange.set_do_not_disturb(line, request.do_not_disturb_on);
            Ok(SetDoNotDisturbResponse {}.into())
        }
        Request::GetForwarding(request) => {
            let line = phone.device(exchange, &request.device)?;
            let list = exchange.forwardings(line).into_iter().map(listed);
            let forwarding_list = Some(list.collect());
            Ok(GetForwardingResponse { forwarding_list }.into())
        }
        Request::SetForwarding(request) => {
            let line = phone.device(exchange, &request.device)?;
            let forwarding = Forwarding {
                kind: request
                    .forwarding_type
                    .unwrap_or(ForwardingType::FORWARD_IMMEDIATE),
                on: request.activate_forward,
                to: request.forward_dn,
                ring_count: request.ring_count,
                ring_duration: request.ring_duration,
            };
            exchange.set_forwarding(line, forwarding)?;
            Ok(SetForwardingResponse {}.into())
        }
        Request::GetMessageWaitingIndicator(request) => {
            let line = phone.device(exchange, &request.device)?;
            Ok(GetMessageWaitingIndicatorResponse {
                message_waiting_on: exchange.message_waiting(line),
                device_for_message: None,
                lamp_is_present: Some(true),
            }
            .into())
        }
        Request::SetMessageWaitingIndicator(request) => {
            let line = phone.device(exchange, &request.device)?;
            exchange.set_message_waiting(line, request.message_waiting_on);
            Ok(SetMessageWaitingIndicatorResponse {}.into())
        }
        request => auditory(exchange, phone, request),
    }
}

/// Mute and volume of a line's handset, which is the only apparatus that it has.
fn auditory(
    exchange: &mut Exchange,
    phone: &Lines<'_>,
    request: Request,
) -> Result<Response, Failure> {
    let auditory_apparatus = Some("handset".to_owned());
    match request {
        Request::GetMicrophoneMute(request) => {
            let line = phone.device(exchange, &request.device)?;
            let item = MicrophoneMuteItem {
                auditory_apparatus,
                microphone_mute_on: exchange.apparatus(line).microphone_mute,
            };
            Ok(GetMicrophoneMuteResponse {
                microphone_mute_list: Some(vec![item]),
            }
            .into())
        }
        Request::SetMicrophoneMute(request) => {
            let line = phone.device(exchange, &request.device)?;
            exchange.set_apparatus(line, |apparatus| {
                apparatus.microphone_mute = request.microphone_mute_on;
            });
            Ok(SetMicrophoneMuteResponse {}.into())
        }
        Request::GetSpeakerMute(request) => {
            let line = phone.device(exchange, &request.device)?;
            let item = SpeakerMuteItem {
                auditory_apparatus,
                speaker_mute_on: exchange.apparatus(line).speaker_mute,
            };
            Ok(GetSpeakerMuteResponse {
                speaker_mute_list: Some(vec![item]),
            }
            .into())
        }
        Request::SetSpeakerMute(request) => {
            let line = phone.device(exchange, &request.device)?;
            exchange.set_apparatus(line, |apparatus| {
                apparatus.speaker_mute = request.speaker_mute_on;
            });
            Ok(SetSpeakerMuteResponse {}.into())
        }
        Request::GetSpeakerVolume(request) => {
            let line = phone.device(exchange, &request.device)?;
            let item = SpeakerVolumeItem {
                auditory_apparatus,
                speaker_vol_abs: Some(exchange.apparatus(line).volume),
            };
            Ok(GetSpeakerVolumeResponse {
                speaker_volume_list: Some(vec![item]),
            }
            .into())
        }
        Request::SetSpeakerVolume(request) => {
            let line = phone.device(exchange, &request.device)?;
            let volume = request.speaker_volume;
            let volume = volume.ok_or(Failure::INVALID_PARAMETER_VALUE)?;
            exchange.set_apparatus(line, |apparatus| apparatus.set_volume(&volume));
            Ok(SetSpeakerVolumeResponse {}.into())
        }
        _ => Err(Failure::SERVICE_NOT_SUPPORTED),
    }
}

/// The lines of one phone.
struct Lines<'a> {
    lines: &'a [LineId],
}

impl Lines<'_> {
    fn find(&self, exchange: &Exchange, device: &DeviceId) -> Option<LineId> {
        exchange
            .line(device)
            .filter(|line| self.lines.contains(line))
    }

    fn device(&self, exchange: &Exchange, device: &DeviceId) -> Result<LineId, Failure> {
        self.find(exchange, device)
            .ok_or(Failure::INVALID_DEVICE_ID)
    }

    /// The line that has a connection, and its name for the call.
    fn own(
        &self,
        exchange: &Exchange,
        connection: &ConnectionId,
    ) -> Result<(LineId, CallId), Failure> {
        let call = connection.call_id.as_ref();
        let call = call.ok_or(Failure::INVALID_CONNECTION_ID)?;
        let has = |line: &LineId| exchange.calls(*line).iter().any(|view| view.id == *call);
        let line = match &connection.device_id {
            Some(device) => self.find(exchange, device).filter(has),
            None => self.lines.iter().copied().find(has),
        };
        line.map(|line| (line, call.clone()))
            .ok_or(Failure::INVALID_CONNECTION_ID)
    }

    fn snapshot_call(
        &self,
        exchange: &Exchange,
        connection: &ConnectionId,
    ) -> Result<Response, Failure> {
        let (line, call) = self
            .own(exchange, connection)
            .map_err(|_| Failure::INVALID_CALL_ID)?;
        let view = exchange
            .calls(line)
            .into_iter()
            .find(|view| view.id == call);
        let view = view.ok_or(Failure::INVALID_CALL_ID)?;
        let own = (exchange.device(line).clone(), view.state);
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

fn connection(exchange: &Exchange, line: LineId, call: CallId) -> ConnectionId {
    ConnectionId::new(call, exchange.device(line).as_str())
}

fn state(exchange: &Exchange, line: LineId, call: &CallId) -> Option<LocalConnectionState> {
    let mut calls = exchange.calls(line).into_iter();
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

fn listed(forwarding: Forwarding) -> ForwardListItem {
    ForwardListItem {
        forwarding_type: Some(forwarding.kind),
        forward_status: forwarding.on,
        forward_dn: forwarding.to,
        forward_default: None,
        ring_count: forwarding.ring_count,
        ring_duration: forwarding.ring_duration,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn connections_are_found_or_refused() {
        let mut exchange = Exchange::default();
        let line = exchange.add("sip:215@pbx".into(), "-{serial}");
        let other = exchange.add("sip:216@pbx".into(), "{serial}");
        exchange.set_in_service(line, true);
        exchange.set_in_service(other, true);
        let mut ask = |lines: &[LineId], request: Request| serve(&mut exchange, lines, request);
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
