package main

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
)

// In the DHT a peer's signed address record is kept under this and its id.
const recordPrefix = "/p2pmsg/"

func (n *node) putRecord(ctx context.Context) error {
	own := peer.AddrInfo{ID: n.host.ID(), Addrs: n.host.Addrs()}
	envelope, err := record.Seal(peer.PeerRecordFromAddrInfo(own), n.host.Peerstore().PrivKey(own.ID))
	if err != nil {
		return err
	}
	bytes, err := envelope.Marshal()
	if err != nil {
		return err
	}
	return n.kad.PutValue(ctx, recordPrefix+own.ID.String(), bytes)
}

func (n *node) getRecord(ctx context.Context, id string) ([]string, error) {
	bytes, err := n.kad.GetValue(ctx, recordPrefix+id)
	if err != nil {
		return nil, err
	}
	_, opened, err := record.ConsumeEnvelope(bytes, peer.PeerRecordEnvelopeDomain)
	if err != nil {
		return nil, err
	}
	found, ok := opened.(*peer.PeerRecord)
	if !ok || found.PeerID.String() != id {
		return nil, fmt.Errorf("a record of %v", opened)
	}
	return texts(found.Addrs), nil
}
