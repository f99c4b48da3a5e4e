//! A rust-libp2p peer for the lab: options on the command line, commands on stdin, events on stdout, both as JSON lines.

mod commands;
mod events;
mod node;

use std::{error::Error, io::Write};

use futures::StreamExt;
use libp2p::{Multiaddr, identity::Keypair, swarm::SwarmEvent};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

pub fn say(line: Value) {
    let mut out = std::io::stdout().lock();
    // The lab may be gone; then stdin ends too.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn options() -> Result<node::Options, Box<dyn Error>> {
    let mut options = node::Options {
        listen: vec![],
        external: vec![],
        relay_server: false,
        mdns: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut address = || -> Result<Multiaddr, Box<dyn Error>> {
            Ok(words.next().ok_or("no address")?.parse()?)
        };
        match word.as_str() {
            "--listen" => options.listen.push(address()?),
            "--external" => options.external.push(address()?),
            "--relay-server" => options.relay_server = true,
            "--mdns" => options.mdns = true,
            "--folder" => drop(words.next()),
            other => return Err(format!("no option {other}").into()),
        }
    }
    Ok(options)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = options()?;
    let key = Keypair::generate_ed25519();
    let mut swarm = node::build(&options, &key)?;
    while swarm.listeners().count() < options.listen.len() {
        if let SwarmEvent::ListenerClosed { reason, .. } = swarm.select_next_some().await {
            return Err(format!("cannot listen: {reason:?}").into());
        }
    }
    let peer = *swarm.local_peer_id();
    say(
        json!({"event": "ready", "pid": std::process::id(), "peerId": peer.to_string(),
        "addresses": swarm.listeners().map(|one| format!("{one}/p2p/{peer}")).collect::<Vec<_>>()}),
    );

    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut waiting = commands::Waiting::default();
    loop {
        tokio::select! {
            line = lines.next_line() => match line? {
                Some(line) => commands::run(&line, &key, &mut swarm, &mut waiting),
                None => return Ok(()),
            },
            event = swarm.select_next_some() => events::tell(event, &mut swarm, &mut waiting),
        }
    }
}
