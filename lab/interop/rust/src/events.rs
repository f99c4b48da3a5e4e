//! What the node notices, as JSON lines for the lab.

use std::error::Error;

use libp2p::{
    Multiaddr, Swarm,
    core::{PeerRecord, SignedEnvelope},
    dcutr, gossipsub, identify, kad, mdns, ping, relay,
    swarm::SwarmEvent,
};
use serde_json::{Value, json};

use crate::{
    commands::{Waiting, answer},
    node::{Behaviour, BehaviourEvent, KAD},
    say,
};

pub fn texts<'a>(addresses: impl IntoIterator<Item = &'a Multiaddr>) -> Vec<String> {
    addresses.into_iter().map(Multiaddr::to_string).collect()
}

pub fn tell(
    event: SwarmEvent<BehaviourEvent>,
    swarm: &mut Swarm<Behaviour>,
    waiting: &mut Waiting,
) {
    match event {
        SwarmEvent::ConnectionEstablished {
            peer_id,
            connection_id,
            endpoint,
            ..
        } => {
            // As P2PMsg does with everybody it is connected to.
            swarm.behaviour_mut().gossipsub.add_explicit_peer(&peer_id);
            let address = endpoint.get_remote_address();
            say(json!({
                "event": "connected",
                "peer": peer_id.to_string(),
                "address": address.to_string(),
                "direction": if endpoint.is_dialer() { "out" } else { "in" },
                "relayed": endpoint.is_relayed(),
            }));
            if let Some(id) = waiting.dials.remove(&connection_id) {
                answer(id, Ok(json!(address.to_string())));
            }
        }
        SwarmEvent::ConnectionClosed {
            peer_id,
            endpoint,
            num_established,
            cause,
            ..
        } => say(json!({
            "event": "disconnected",
            "peer": peer_id.to_string(),
            "address": endpoint.get_remote_address().to_string(),
            "left": num_established,
            "why": cause.map(|cause| cause.to_string()),
        })),
        SwarmEvent::OutgoingConnectionError {
            connection_id,
            error,
            ..
        } => {
            if let Some(id) = waiting.dials.remove(&connection_id) {
                answer(id, Err(error.to_string()));
            } else {
                say(json!({"event": "dial-failed", "why": error.to_string()}));
            }
        }
        SwarmEvent::IncomingConnectionError { error, .. } => {
            say(json!({"event": "accept-failed", "why": error.to_string()}));
        }
        SwarmEvent::ListenerClosed {
            listener_id,
            reason,
            ..
        } => {
            if let Some((_, id)) = waiting.listeners.remove(&listener_id) {
                answer(id, Err(format!("{reason:?}")));
            }
        }
        SwarmEvent::Behaviour(event) => tell_behaviour(event, swarm, waiting),
        _ => {}
    }
}

fn tell_behaviour(event: BehaviourEvent, swarm: &mut Swarm<Behaviour>, waiting: &mut Waiting) {
    match event {
        BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
            if info.protocols.contains(&KAD) {
                for address in &info.listen_addrs {
                    swarm
                        .behaviour_mut()
                        .kad
                        .add_address(&peer_id, address.clone());
                }
            }
            say(json!({
                "event": "identified",
                "peer": peer_id.to_string(),
                "agent": info.agent_version,
                "protocolVersion": info.protocol_version,
                "protocols": info.protocols.iter().map(|one| one.as_ref()).collect::<Vec<_>>(),
                "addresses": texts(&info.listen_addrs),
                "observed": info.observed_addr.to_string(),
            }));
        }
        BehaviourEvent::Identify(identify::Event::Error { peer_id, error, .. }) => {
            say(
                json!({"event": "identify-failed", "peer": peer_id.to_string(), "why": error.to_string()}),
            );
        }
        BehaviourEvent::Ping(ping::Event { peer, result, .. }) => {
            let rtt = result
                .map(|rtt| json!(rtt.as_secs_f64() * 1e3))
                .map_err(|error| error.to_string());
            for (_, id) in waiting.pings.extract_if(.., |(asked, _)| *asked == peer) {
                answer(id, rtt.clone());
            }
        }
        BehaviourEvent::RelayClient(relay::client::Event::ReservationReqAccepted {
            relay_peer_id,
            ..
        }) => {
            for (_, (_, id)) in waiting
                .listeners
                .extract_if(|_, (relay, _)| *relay == relay_peer_id)
            {
                answer(id, Ok(json!(relay_peer_id.to_string())));
            }
        }
        BehaviourEvent::RelayClient(event) => {
            say(json!({"event": "relay-client", "what": format!("{event:?}")}))
        }
        BehaviourEvent::RelayServer(event) => {
            say(json!({"event": "relay-server", "what": format!("{event:?}")}))
        }
        BehaviourEvent::Dcutr(dcutr::Event {
            remote_peer_id,
            result,
        }) => say(json!({
            "event": "punch",
            "peer": remote_peer_id.to_string(),
            "ok": result.is_ok(),
            "why": result.err().map(|error| error.to_string()),
        })),
        BehaviourEvent::Gossipsub(gossipsub::Event::Message { message, .. }) => say(json!({
            "event": "message",
            "from": message.source.map(|peer| peer.to_string()),
            "topic": message.topic.as_str(),
            "text": String::from_utf8_lossy(&message.data),
        })),
        BehaviourEvent::Gossipsub(gossipsub::Event::Subscribed { peer_id, topic }) => {
            say(
                json!({"event": "subscribed", "peer": peer_id.to_string(), "topic": topic.as_str()}),
            );
        }
        BehaviourEvent::Kad(kad::Event::OutboundQueryProgressed {
            id, result, step, ..
        }) => {
            query_progressed(id, result, step.last, waiting);
        }
        BehaviourEvent::Mdns(mdns::Event::Discovered(found)) => {
            for (peer, address) in found {
                say(
                    json!({"event": "discovered", "peer": peer.to_string(), "addresses": [address.to_string()]}),
                );
            }
        }
        _ => {}
    }
}

fn query_progressed(
    query: kad::QueryId,
    result: kad::QueryResult,
    last: bool,
    waiting: &mut Waiting,
) {
    let Some((id, about)) = waiting.queries.get(&query).cloned() else {
        return;
    };
    let found: Option<Result<Value, String>> = match result {
        kad::QueryResult::PutRecord(done) => {
            Some(done.map(|_| json!(true)).map_err(|error| error.to_string()))
        }
        kad::QueryResult::GetRecord(Ok(kad::GetRecordOk::FoundRecord(found))) => {
            Some(addresses_in(&found.record.value, &about).map_err(|error| error.to_string()))
        }
        kad::QueryResult::GetRecord(Err(error)) => Some(Err(error.to_string())),
        kad::QueryResult::GetClosestPeers(Ok(done)) => Some(
            done.peers
                .iter()
                .find(|info| info.peer_id.to_string() == about)
                .map(|info| json!(texts(&info.addrs)))
                .ok_or("not found".to_owned()),
        ),
        kad::QueryResult::GetClosestPeers(Err(error)) => Some(Err(error.to_string())),
        _ => None,
    };
    match found {
        Some(result) => answer(id, result),
        None if last => answer(id, Err("not found".to_owned())),
        None => return,
    }
    waiting.queries.remove(&query);
}

fn addresses_in(record: &[u8], about: &str) -> Result<Value, Box<dyn Error>> {
    let record =
        PeerRecord::from_signed_envelope_interop(SignedEnvelope::from_protobuf_encoding(record)?)?;
    if record.peer_id().to_string() != about {
        return Err(format!("a record of {}", record.peer_id()).into());
    }
    Ok(json!(texts(record.addresses())))
}
