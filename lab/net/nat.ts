/** How a box between its LAN and the public network translates. */
export type NatKind =
  /** No translation: the site is one public host. */
  | 'none'
  /** One mapping a port for everybody, open to everybody once it is there. */
  | 'full-cone'
  /** Keeps the port, so one mapping for everybody; lets in only whom the port has sent to. Most home routers. */
  | 'port-preserving'
  /** Another public port for each destination; lets in only whom it has sent to. Many mobile and company networks. */
  | 'randomising';

export interface NatOptions {
  readonly kind: Exclude<NatKind, 'none'>;
  readonly publicIp: string;
  /** What a SYN gets that nobody has asked for. */
  readonly unsolicited: 'drop' | 'reset';
  /** Whether hosts behind it reach each other by the public address. */
  readonly hairpin: boolean;
}

/** nftables rules of a box with the interfaces `wan` and `lan`. IPv6 is not translated, but filtered alike. */
export function natRules({ kind, publicIp, unsolicited, hairpin }: NatOptions): string {
  const refuse = unsolicited === 'reset' ? 'meta l4proto tcp reject with tcp reset' : 'drop';
  const cone = kind === 'full-cone';
  // Who has used a source port last: kernel NAT has no mapping without a destination.
  const toOwner = (on: string): string => `
    ${on} ip daddr ${publicIp} dnat ip to tcp dport map @tcpOwner
    ${on} ip daddr ${publicIp} dnat ip to udp dport map @udpOwner`;
  return `
table ip nat {
  map tcpOwner { type inet_service : ipv4_addr; size 65535; flags dynamic,timeout; timeout 5m; }
  map udpOwner { type inet_service : ipv4_addr; size 65535; flags dynamic,timeout; timeout 5m; }
  chain remember {
    type filter hook forward priority -10;
    iifname "lan" update @tcpOwner { tcp sport : ip saddr }
    iifname "lan" update @udpOwner { udp sport : ip saddr }
  }
  chain in {
    type nat hook prerouting priority dstnat;${cone ? toOwner('iifname "wan"') : ''}${hairpin ? toOwner('iifname "lan"') : ''}
  }
  chain out {
    type nat hook postrouting priority srcnat;
    oifname "wan" masquerade${kind === 'randomising' ? ' fully-random' : ''}
    oifname "lan" ct status dnat iifname "lan" snat to ${publicIp}
  }
}
table inet filter {
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname "lan" accept
    ct status dnat accept
    iifname "wan" ${refuse}
  }
  chain input {
    type filter hook input priority filter; policy accept;
    ct state established,related accept
    iifname "wan" meta l4proto { tcp, udp } ${unsolicited === 'reset' ? refuse : 'drop'}
  }
}
`;
}
