// A go-libp2p peer for the lab: options on the command line, commands on stdin, events on stdout, both as JSON lines.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync"
)

type line map[string]any

var output sync.Mutex

func say(what line) {
	bytes, err := json.Marshal(what)
	if err != nil {
		panic(err)
	}
	output.Lock()
	defer output.Unlock()
	// The lab may be gone; then stdin ends too.
	_, _ = os.Stdout.Write(append(bytes, '\n'))
}

type addresses []string

func (a *addresses) String() string { return fmt.Sprint(*a) }
func (a *addresses) Set(text string) error {
	*a = append(*a, text)
	return nil
}

type options struct {
	listen, external  addresses
	relayServer, mdns bool
}

func main() {
	var o options
	flag.Var(&o.listen, "listen", "listen address")
	flag.Var(&o.external, "external", "told to others besides the listen addresses")
	flag.BoolVar(&o.relayServer, "relay-server", false, "be a circuit relay with stock limits")
	flag.BoolVar(&o.mdns, "mdns", false, "announce and find by mDNS")
	flag.String("folder", "", "shows whose process this is")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(o options) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n, err := newNode(ctx, o)
	if err != nil {
		return err
	}
	defer n.host.Close()
	own := []string{}
	for _, address := range n.host.Addrs() {
		own = append(own, fmt.Sprintf("%s/p2p/%s", address, n.host.ID()))
	}
	say(line{"event": "ready", "pid": os.Getpid(), "peerId": n.host.ID().String(), "addresses": own})

	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		var c command
		if err := json.Unmarshal(input.Bytes(), &c); err != nil {
			return err
		}
		go n.answer(ctx, c)
	}
	return input.Err()
}
