/** Makes the kernel track connections with a rule that no forwarded packet meets: INPUT is for the node's own. */
export const CONNTRACK_ONLY = ['*filter', ':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', '-A INPUT -m conntrack --ctstate INVALID -j DROP', 'COMMIT', ''].join('\n');
