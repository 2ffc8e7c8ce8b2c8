// Stands in the same package as kube-proxy's own proxier.go, which build-oracle.ts puts beside it.

package iptables

import "net"

// QueuedSync tells whether a sync was asked for since the last one.
func (proxier *Proxier) QueuedSync() bool { return proxier.queued }

// SyncNow runs the sync that was asked for.
func (proxier *Proxier) SyncNow() {
	proxier.queued = false
	proxier.syncProxyRules()
}

// WriteEverything syncs as kube-proxy does when it finds its canary chain gone.
func (proxier *Proxier) WriteEverything() {
	proxier.mu.Lock()
	proxier.needFullSync = true
	proxier.mu.Unlock()
	proxier.SyncNow()
}

// Start is the first sync, after everything was heard of once.
func (proxier *Proxier) Start(labels map[string]string) {
	if labels != nil {
		proxier.topologyLabels = labels
	}
	proxier.servicesSynced = true
	proxier.endpointSlicesSynced = true
	proxier.setInitialized(true)
	proxier.SyncNow()
}

// SetCounters says whether the kernel has nfacct counters.
func (proxier *Proxier) SetCounters(on bool) {
	proxier.nfacct = nil
	for name := range proxier.nfAcctCounters {
		proxier.nfAcctCounters[name] = on
	}
}

// SetNetwork gives the node lo and one more address.
func (proxier *Proxier) SetNetwork(nodeIP net.IP) {
	proxier.networkInterfacer = network{nodeIP}
}

type network struct{ nodeIP net.IP }

func (n network) InterfaceAddrs() ([]net.Addr, error) {
	return []net.Addr{
		&net.IPNet{IP: net.IPv4(127, 0, 0, 1), Mask: net.CIDRMask(8, 32)},
		&net.IPNet{IP: n.nodeIP, Mask: net.CIDRMask(24, 32)},
	}, nil
}
