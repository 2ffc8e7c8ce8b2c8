/*
 * The long options of iptables by who reads them, each with how many words it takes where that is not none: what
 * `getopt_long` knows, so that it can tell which option an abbreviation stands for.
 */

/** Of a rule itself. Its commands are here because they make an abbreviation ambiguous (`--in`: insert, in-interface). */
export const RULE_OPTIONS = options('append=1 delete=1 check=1 insert=1 replace=1 list list-rules flush zero new-chain=1 delete-chain=1 rename-chain=1 policy=1 source=1 src=1 destination=1 dst=1 protocol=1 in-interface=1 out-interface=1 jump=1 goto=1 match=1 table=1 numeric verbose exact fragments set-counters=2 ipv4 ipv6 wait wait-interval version help line-numbers modprobe=1');

const PORTS = 'source-port=1 sport=1 destination-port=1 dport=1';

export const MATCH_OPTIONS: Readonly<Record<string, ReadonlyMap<string, number>>> = {
  addrtype: options('src-type=1 dst-type=1 limit-iface-in limit-iface-out'),
  ah: options('ahspi=1'),
  bpf: options('bytecode=1 object-pinned=1'),
  cgroup: options('cgroup=1 path=1'),
  cluster: options('cluster-total-nodes=1 cluster-local-node=1 cluster-local-nodemask=1 cluster-hash-seed=1'),
  comment: options('comment=1'),
  connbytes: options('connbytes=1 connbytes-dir=1 connbytes-mode=1'),
  connlabel: options('label=1 set'),
  connlimit: options('connlimit-above=1 connlimit-upto=1 connlimit-mask=1 connlimit-saddr connlimit-daddr'),
  connmark: options('mark=1'),
  conntrack: options('ctstate=1 ctproto=1 ctorigsrc=1 ctorigdst=1 ctreplsrc=1 ctrepldst=1 ctorigsrcport=1 ctorigdstport=1 ctreplsrcport=1 ctrepldstport=1 ctstatus=1 ctexpire=1 ctdir=1'),
  cpu: options('cpu=1'),
  dccp: options(`${PORTS} dccp-types=1 dccp-option=1`),
  devgroup: options('src-group=1 dst-group=1'),
  dscp: options('dscp=1 dscp-class=1'),
  ecn: options('ecn-tcp-cwr ecn-tcp-ece ecn-ip-ect=1'),
  esp: options('espspi=1'),
  hashlimit: options('hashlimit=1 hashlimit-upto=1 hashlimit-above=1 hashlimit-burst=1 hashlimit-name=1 hashlimit-mode=1 hashlimit-srcmask=1 hashlimit-dstmask=1 hashlimit-htable-size=1 hashlimit-htable-max=1 hashlimit-htable-expire=1 hashlimit-htable-gcinterval=1 hashlimit-rate-match hashlimit-rate-interval=1'),
  helper: options('helper=1'),
  icmp: options('icmp-type=1'),
  ipcomp: options('ipcompspi=1 compres'),
  iprange: options('src-range=1 dst-range=1'),
  ipvs: options('ipvs vproto=1 vaddr=1 vport=1 vdir=1 vmethod=1 vportctl=1'),
  length: options('length=1'),
  limit: options('limit=1 limit-burst=1'),
  mac: options('mac-source=1'),
  mark: options('mark=1'),
  multiport: options('source-ports=1 sports=1 destination-ports=1 dports=1 ports=1'),
  nfacct: options('nfacct-name=1'),
  osf: options('genre=1 ttl=1 log=1'),
  owner: options('uid-owner=1 gid-owner=1 socket-exists suppl-groups'),
  physdev: options('physdev-in=1 physdev-out=1 physdev-is-in physdev-is-out physdev-is-bridged'),
  pkttype: options('pkt-type=1'),
  policy: options('dir=1 pol=1 strict reqid=1 spi=1 tunnel-src=1 tunnel-dst=1 proto=1 mode=1 next'),
  quota: options('quota=1'),
  realm: options('realm=1'),
  recent: options('set rcheck update seconds=1 hitcount=1 remove rttl name=1 rsource rdest reap mask=1'),
  rpfilter: options('loose validmark accept-local invert'),
  sctp: options(`${PORTS} chunk-types=2`),
  set: options('match-set=2 set=2 return-nomatch update-counters update-subcounters packets-eq=1 packets-lt=1 packets-gt=1 bytes-eq=1 bytes-lt=1 bytes-gt=1'),
  socket: options('transparent nowildcard restore-skmark'),
  state: options('state=1'),
  statistic: options('mode=1 probability=1 every=1 packet=1'),
  string: options('from=1 to=1 algo=1 icase string=1 hex-string=1'),
  tcp: options(`${PORTS} syn tcp-flags=2 tcp-option=1`),
  tcpmss: options('mss=1'),
  time: options('timestart=1 timestop=1 weekdays=1 monthdays=1 datestart=1 datestop=1 utc localtz kerneltz contiguous'),
  tos: options('tos=1'),
  ttl: options('ttl=1 ttl-eq=1 ttl-lt=1 ttl-gt=1'),
  u32: options('u32=1'),
  udp: options(PORTS),
  udplite: options(PORTS),
};

export const TARGET_OPTIONS: Readonly<Record<string, ReadonlyMap<string, number>>> = {
  AUDIT: options('type=1'),
  CHECKSUM: options('checksum-fill'),
  CLASSIFY: options('set-class=1'),
  CONNMARK: options('set-xmark=1 set-mark=1 save-mark restore-mark and-mark=1 or-mark=1 xor-mark=1 left-shift-mark=1 right-shift-mark=1 ctmask=1 nfmask=1 mask=1'),
  CONNSECMARK: options('save restore'),
  CT: options('notrack helper=1 timeout=1 ctevents=1 expevents=1 zone=1 zone-orig=1 zone-reply=1'),
  DNAT: options('to-destination=1 random persistent'),
  DSCP: options('set-dscp=1 set-dscp-class=1'),
  ECN: options('ecn-tcp-remove'),
  IDLETIMER: options('timeout=1 label=1 alarm'),
  LED: options('led-trigger-id=1 led-delay=1 led-always-blink'),
  LOG: options('log-level=1 log-prefix=1 log-tcp-sequence log-tcp-options log-ip-options log-uid log-macdecode'),
  MARK: options('set-xmark=1 set-mark=1 and-mark=1 or-mark=1 xor-mark=1'),
  MASQUERADE: options('to-ports=1 random random-fully'),
  NETMAP: options('to=1'),
  NFLOG: options('nflog-group=1 nflog-prefix=1 nflog-range=1 nflog-size=1 nflog-threshold=1'),
  NFQUEUE: options('queue-num=1 queue-balance=1 queue-bypass queue-cpu-fanout'),
  RATEEST: options('rateest-name=1 rateest-interval=1 rateest-ewmalog=1'),
  REDIRECT: options('to-ports=1 random'),
  REJECT: options('reject-with=1'),
  SECMARK: options('selctx=1'),
  SET: options('add-set=2 del-set=2 map-set=2 exist timeout=1 map-mark map-prio map-queue'),
  SNAT: options('to-source=1 random random-fully persistent'),
  SYNPROXY: options('mss=1 wscale=1 sack-perm timestamp ecn'),
  TCPMSS: options('set-mss=1 clamp-mss-to-pmtu'),
  TCPOPTSTRIP: options('strip-options=1'),
  TEE: options('gateway=1 oif=1'),
  TOS: options('set-tos=1 and-tos=1 or-tos=1 xor-tos=1'),
  TPROXY: options('on-port=1 on-ip=1 tproxy-mark=1'),
  TTL: options('ttl-set=1 ttl-inc=1 ttl-dec=1'),
  ULOG: options('ulog-nlgroup=1 ulog-prefix=1 ulog-cprange=1 ulog-qthreshold=1'),
};

function options(text: string): ReadonlyMap<string, number> {
  return new Map(text.split(' ').map((word) => {
    const [name = '', takes = '0'] = word.split('=');
    return [name, Number(takes)] as const;
  }));
}
