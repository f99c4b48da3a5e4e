package main

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	ma "github.com/multiformats/go-multiaddr"
)

func (n *node) listenToEvents(ctx context.Context) error {
	n.host.Network().Notify(&network.NotifyBundle{
		ConnectedF: func(_ network.Network, c network.Conn) {
			direction := "in"
			if c.Stat().Direction == network.DirOutbound {
				direction = "out"
			}
			say(line{"event": "connected", "peer": c.RemotePeer().String(), "address": c.RemoteMultiaddr().String(),
				"direction": direction, "relayed": isCircuit(c.RemoteMultiaddr())})
		},
		DisconnectedF: func(_ network.Network, c network.Conn) {
			say(line{"event": "disconnected", "peer": c.RemotePeer().String(), "address": c.RemoteMultiaddr().String(),
				"left": len(n.host.Network().ConnsToPeer(c.RemotePeer()))})
		},
	})
	identified, err := n.host.EventBus().Subscribe(
		[]any{new(event.EvtPeerIdentificationCompleted), new(event.EvtPeerIdentificationFailed)})
	if err != nil {
		return err
	}
	go func() {
		defer identified.Close()
		for {
			select {
			case <-ctx.Done():
				return
			case raw := <-identified.Out():
				switch e := raw.(type) {
				case event.EvtPeerIdentificationCompleted:
					say(line{"event": "identified", "peer": e.Peer.String(), "agent": e.AgentVersion,
						"protocolVersion": e.ProtocolVersion, "protocols": protocol.ConvertToStrings(e.Protocols),
						"addresses": texts(e.ListenAddrs), "observed": fmt.Sprint(e.ObservedAddr)})
				case event.EvtPeerIdentificationFailed:
					say(line{"event": "identify-failed", "peer": e.Peer.String(), "why": e.Reason.Error()})
				}
			}
		}
	}()
	return nil
}

type found struct{}

func (found) HandlePeerFound(info peer.AddrInfo) {
	say(line{"event": "discovered", "peer": info.ID.String(), "addresses": texts(info.Addrs)})
}

type punchTracer struct{}

func (punchTracer) Trace(e *holepunch.Event) {
	said := line{"event": "punch-step", "peer": e.Remote.String(), "step": e.Type, "what": e.Evt}
	if end, ok := e.Evt.(*holepunch.EndHolePunchEvt); ok {
		said["event"], said["ok"], said["why"] = "punch", end.Success, end.Error
	}
	say(said)
}

func texts(addresses []ma.Multiaddr) []string {
	all := []string{}
	for _, address := range addresses {
		all = append(all, address.String())
	}
	return all
}

func isCircuit(address ma.Multiaddr) bool {
	_, err := address.ValueForProtocol(ma.P_CIRCUIT)
	return err == nil
}
