//! The libp2p node, put together as P2PMsg puts its own together.

use std::{error::Error, time::Duration};

use libp2p::{
    Multiaddr, StreamProtocol, Swarm, SwarmBuilder, dcutr, gossipsub, identify, identity::Keypair,
    kad, mdns, noise, ping, relay, swarm::NetworkBehaviour, swarm::behaviour::toggle::Toggle, tcp,
    yamux,
};

pub const KAD: StreamProtocol = StreamProtocol::new("/p2p_msg/kad/1.0.0");
const AGENT: &str = "p2pmsg-interop-rust/1";
const IDENTIFY: &str = "/p2p_msg/id/1.0.0";

#[derive(NetworkBehaviour)]
pub struct Behaviour {
    pub identify: identify::Behaviour,
    pub ping: ping::Behaviour,
    pub relay_client: relay::client::Behaviour,
    pub relay_server: Toggle<relay::Behaviour>,
    pub dcutr: dcutr::Behaviour,
    pub gossipsub: gossipsub::Behaviour,
    pub kad: kad::Behaviour<kad::store::MemoryStore>,
    pub mdns: Toggle<mdns::tokio::Behaviour>,
}

pub struct Options {
    pub listen: Vec<Multiaddr>,
    /// Told to others as reachable; a relay names these in its reservations.
    pub external: Vec<Multiaddr>,
    pub relay_server: bool,
    pub mdns: bool,
}

pub fn build(options: &Options, key: &Keypair) -> Result<Swarm<Behaviour>, Box<dyn Error>> {
    let mut swarm = SwarmBuilder::with_existing_identity(key.clone())
        .with_tokio()
        .with_tcp(
            tcp::Config::default(),
            noise::Config::new,
            yamux::Config::default,
        )?
        .with_relay_client(noise::Config::new, yamux::Config::default)?
        .with_behaviour(|key, relay_client| {
            let peer = key.public().to_peer_id();
            let gossip = gossipsub::ConfigBuilder::default()
                .heartbeat_interval(Duration::from_secs(1))
                .validation_mode(gossipsub::ValidationMode::Strict)
                .build()?;
            let mut kad = kad::Behaviour::with_config(
                peer,
                kad::store::MemoryStore::new(peer),
                kad::Config::new(KAD),
            );
            kad.set_mode(Some(kad::Mode::Server));
            let identify = identify::Config::new(IDENTIFY.into(), key.public());
            Ok(Behaviour {
                identify: identify::Behaviour::new(identify.with_agent_version(AGENT.into())),
                ping: ping::Behaviour::new(
                    ping::Config::new().with_interval(Duration::from_secs(2)),
                ),
                relay_client,
                relay_server: options
                    .relay_server
                    .then(|| relay::Behaviour::new(peer, relay::Config::default()))
                    .into(),
                dcutr: dcutr::Behaviour::new(peer),
                gossipsub: gossipsub::Behaviour::new(
                    gossipsub::MessageAuthenticity::Signed(key.clone()),
                    gossip,
                )?,
                kad,
                mdns: match options.mdns {
                    true => Some(mdns::tokio::Behaviour::new(mdns::Config::default(), peer)?),
                    false => None,
                }
                .into(),
            })
        })?
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(60)))
        .build();
    for address in &options.listen {
        swarm.listen_on(address.clone())?;
    }
    for address in &options.external {
        swarm.add_external_address(address.clone());
    }
    Ok(swarm)
}
