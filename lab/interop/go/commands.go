package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
)

// One JSON object a line, answered by one with the same id.
type command struct {
	ID                              uint64
	Cmd, Address, Peer, Topic, Text string
}

const commandTimeout = 20 * time.Second

func (n *node) answer(ctx context.Context, c command) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	result, err := n.carryOut(ctx, c)
	if err != nil {
		say(line{"id": c.ID, "ok": false, "error": err.Error()})
		return
	}
	say(line{"id": c.ID, "ok": true, "result": result})
}

func (n *node) carryOut(ctx context.Context, c command) (any, error) {
	switch c.Cmd {
	case "dial":
		info, err := peer.AddrInfoFromString(c.Address)
		if err != nil {
			return nil, err
		}
		return c.Address, n.host.Connect(ctx, *info)
	case "hangup":
		id, err := peer.Decode(c.Peer)
		if err != nil {
			return nil, err
		}
		return true, n.host.Network().ClosePeer(id)
	case "reserve":
		info, err := peer.AddrInfoFromString(c.Address)
		if err != nil {
			return nil, err
		}
		reservation, err := client.Reserve(ctx, n.host, *info)
		if err != nil {
			return nil, err
		}
		return texts(reservation.Addrs), nil
	case "ping":
		id, err := peer.Decode(c.Peer)
		if err != nil {
			return nil, err
		}
		got := <-ping.Ping(network.WithAllowLimitedConn(ctx, "ping"), n.host, id)
		return float64(got.RTT.Microseconds()) / 1e3, got.Error
	case "subscribe":
		return true, n.subscribe(c.Topic)
	case "publish":
		topic, err := n.topics.get(n.gossip, c.Topic)
		if err != nil {
			return nil, err
		}
		return true, topic.Publish(ctx, []byte(c.Text))
	case "record-put":
		return true, n.putRecord(ctx)
	case "record-get":
		return n.getRecord(ctx, c.Peer)
	case "kad-find":
		id, err := peer.Decode(c.Peer)
		if err != nil {
			return nil, err
		}
		info, err := n.kad.FindPeer(ctx, id)
		return texts(info.Addrs), err
	}
	return nil, fmt.Errorf("no command %s", c.Cmd)
}

// A topic can be joined once only.
type topics struct {
	sync.Mutex
	joined map[string]*pubsub.Topic
}

func (t *topics) get(gossip *pubsub.PubSub, name string) (*pubsub.Topic, error) {
	t.Lock()
	defer t.Unlock()
	if known := t.joined[name]; known != nil {
		return known, nil
	}
	topic, err := gossip.Join(name)
	if err == nil {
		t.joined[name] = topic
	}
	return topic, err
}

func (n *node) subscribe(name string) error {
	topic, err := n.topics.get(n.gossip, name)
	if err != nil {
		return err
	}
	subscription, err := topic.Subscribe()
	if err != nil {
		return err
	}
	subscribers, err := topic.EventHandler()
	if err != nil {
		return err
	}
	background := context.Background()
	go func() {
		for {
			e, err := subscribers.NextPeerEvent(background)
			if err != nil {
				return
			}
			if e.Type == pubsub.PeerJoin {
				say(line{"event": "subscribed", "peer": e.Peer.String(), "topic": name})
			}
		}
	}()
	go func() {
		for {
			message, err := subscription.Next(background)
			if err != nil {
				return
			}
			if message.ReceivedFrom != n.host.ID() {
				say(line{"event": "message", "from": message.GetFrom().String(), "topic": name, "text": string(message.Data)})
			}
		}
	}()
	return nil
}
