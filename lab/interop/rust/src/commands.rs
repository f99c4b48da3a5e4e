//! What the lab asks for: one JSON object a line, answered by one with the same `id`, at once or when it is known.

use std::{collections::HashMap, error::Error};

use libp2p::{
    Multiaddr, PeerId, Swarm, core::PeerRecord, core::transport::ListenerId, gossipsub,
    identity::Keypair, kad, multiaddr::Protocol, swarm::ConnectionId, swarm::dial_opts::DialOpts,
};
use serde_json::{Value, json};

use crate::{node::Behaviour, say};

type Id = u64;

/// Commands that wait for the network.
#[derive(Default)]
pub struct Waiting {
    pub dials: HashMap<ConnectionId, Id>,
    pub listeners: HashMap<ListenerId, (PeerId, Id)>,
    pub queries: HashMap<kad::QueryId, (Id, String)>,
    pub pings: Vec<(PeerId, Id)>,
}

pub fn answer(id: Id, result: Result<Value, String>) {
    say(match result {
        Ok(result) => json!({"id": id, "ok": true, "result": result}),
        Err(error) => json!({"id": id, "ok": false, "error": error}),
    });
}

pub fn run(line: &str, key: &Keypair, swarm: &mut Swarm<Behaviour>, waiting: &mut Waiting) {
    let command: Value = serde_json::from_str(line).unwrap_or_default();
    let id = command["id"].as_u64().unwrap_or_default();
    match start(id, &command, key, swarm, waiting) {
        Ok(Some(result)) => answer(id, Ok(result)),
        Ok(None) => {}
        Err(error) => answer(id, Err(error.to_string())),
    }
}

/// In the DHT a peer's signed address record is kept under this and its id.
fn record_key(peer: &str) -> kad::RecordKey {
    kad::RecordKey::new(&format!("/p2pmsg/{peer}"))
}

/// `None`: the answer comes later.
fn start(
    id: Id,
    command: &Value,
    key: &Keypair,
    swarm: &mut Swarm<Behaviour>,
    waiting: &mut Waiting,
) -> Result<Option<Value>, Box<dyn Error>> {
    let text = |name: &str| command[name].as_str().ok_or(format!("no {name}"));
    let behaviour = swarm.behaviour_mut();
    match text("cmd")? {
        "dial" => {
            let options = DialOpts::from(text("address")?.parse::<Multiaddr>()?);
            let connection = options.connection_id();
            swarm.dial(options)?;
            waiting.dials.insert(connection, id);
            Ok(None)
        }
        "hangup" => {
            let peer: PeerId = text("peer")?.parse()?;
            Ok(Some(json!(swarm.disconnect_peer_id(peer).is_ok())))
        }
        "reserve" => {
            let relay: Multiaddr = text("address")?.parse()?;
            let Some(Protocol::P2p(peer)) = relay.iter().last() else {
                return Err("the address of a relay ends in its PeerId".into());
            };
            let listener = swarm.listen_on(relay.with(Protocol::P2pCircuit))?;
            waiting.listeners.insert(listener, (peer, id));
            Ok(None)
        }
        "ping" => {
            waiting.pings.push((text("peer")?.parse()?, id));
            Ok(None)
        }
        "subscribe" => {
            let topic = gossipsub::IdentTopic::new(text("topic")?);
            Ok(Some(json!(behaviour.gossipsub.subscribe(&topic)?)))
        }
        "publish" => {
            let topic = gossipsub::IdentTopic::new(text("topic")?);
            behaviour
                .gossipsub
                .publish(topic, text("text")?.as_bytes())?;
            Ok(Some(json!(true)))
        }
        "record-put" => {
            let own: Vec<Multiaddr> = swarm.listeners().cloned().collect();
            let envelope = PeerRecord::new_interop(key, own)?.into_signed_envelope();
            let name = record_key(&swarm.local_peer_id().to_string());
            let record = kad::Record::new(name, envelope.into_protobuf_encoding());
            let query = swarm
                .behaviour_mut()
                .kad
                .put_record(record, kad::Quorum::One)?;
            waiting.queries.insert(query, (id, String::new()));
            Ok(None)
        }
        "record-get" => {
            let peer = text("peer")?;
            let query = behaviour.kad.get_record(record_key(peer));
            waiting.queries.insert(query, (id, peer.to_owned()));
            Ok(None)
        }
        "kad-find" => {
            let peer: PeerId = text("peer")?.parse()?;
            let query = behaviour.kad.get_closest_peers(peer);
            waiting.queries.insert(query, (id, peer.to_string()));
            Ok(None)
        }
        other => Err(format!("no command {other}").into()),
    }
}
