package main

import (
	"context"
	"encoding/binary"
	"strconv"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	agent      = "p2pmsg-interop-go/1"
	identifyID = "/p2p_msg/id/1.0.0"
	kadPrefix  = "/p2p_msg"
)

type node struct {
	host   host.Host
	kad    *dht.IpfsDHT
	gossip *pubsub.PubSub
	topics topics
}

func newNode(ctx context.Context, o options) (*node, error) {
	external := []ma.Multiaddr{}
	for _, text := range o.external {
		address, err := ma.NewMultiaddr(text)
		if err != nil {
			return nil, err
		}
		external = append(external, address)
	}
	listen := libp2p.NoListenAddrs
	if len(o.listen) > 0 {
		listen = libp2p.ListenAddrStrings(o.listen...)
	}
	h, err := libp2p.New(
		listen,
		libp2p.EnableRelay(),
		libp2p.UserAgent(agent),
		libp2p.ProtocolVersion(identifyID),
		libp2p.EnableHolePunching(holepunch.WithTracer(punchTracer{})),
		libp2p.AddrsFactory(func(own []ma.Multiaddr) []ma.Multiaddr { return append(external, own...) }),
		libp2p.DisableMetrics(),
	)
	if err != nil {
		return nil, err
	}
	n := &node{host: h, topics: topics{joined: map[string]*pubsub.Topic{}}}
	if err := n.listenToEvents(ctx); err != nil {
		return nil, err
	}
	pings := ping.NewPingService(h)
	h.SetStreamHandler(ping.ID, func(stream network.Stream) {
		say(line{"event": "pinged", "peer": stream.Conn().RemotePeer().String()})
		pings.PingHandler(stream)
	})
	if o.relayServer {
		if _, err := relay.New(h); err != nil {
			return nil, err
		}
	}
	n.kad, err = dht.New(ctx, h, dht.Mode(dht.ModeServer), dht.ProtocolPrefix(kadPrefix), dht.Validator(anyRecord{}))
	if err != nil {
		return nil, err
	}
	n.gossip, err = pubsub.NewGossipSub(ctx, h,
		pubsub.WithMessageSignaturePolicy(pubsub.StrictSign), pubsub.WithMessageIdFn(sourceAndNumber))
	if err != nil {
		return nil, err
	}
	if o.mdns {
		if err := mdns.NewMdnsService(h, "", found{}).Start(); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// As rust-libp2p makes message ids by default.
func sourceAndNumber(message *pb.Message) string {
	return peer.ID(message.GetFrom()).String() + strconv.FormatUint(binary.BigEndian.Uint64(message.GetSeqno()), 10)
}

type anyRecord struct{}

func (anyRecord) Validate(string, []byte) error        { return nil }
func (anyRecord) Select(string, [][]byte) (int, error) { return 0, nil }
