// Runs kube-proxy's own iptables code over cases, with only the machine faked. One case a line on standard input, as
// tests/conformance/kube-proxy/draw-case.ts draws them; one line {"name","payloads"} back: the first sync's payload and one
// for each step, null where no sync was queued.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"

	v1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	kubeproxyconfig "k8s.io/kubernetes/pkg/proxy/apis/config"
	proxyutil "k8s.io/kubernetes/pkg/proxy/util"
	utiliptables "k8s.io/kubernetes/pkg/util/iptables"
	fake "k8s.io/kubernetes/pkg/util/iptables/testing"
	utilnode "k8s.io/kubernetes/pkg/util/node"

	"oracle/iptables"
)

type change struct {
	Op     string          `json:"op"`
	Object json.RawMessage `json:"object"`
}

type config struct {
	Node                string   `json:"node"`
	ClusterCIDR         string   `json:"clusterCIDR"`
	MasqueradeAll       bool     `json:"masqueradeAll"`
	MasqueradeBit       int32    `json:"masqueradeBit"`
	LocalhostNodePorts  bool     `json:"localhostNodePorts"`
	Nfacct              bool     `json:"nfacct"`
	ConntrackTCPLiberal bool     `json:"conntrackTCPLiberal"`
	NodePortAddresses   []string `json:"nodePortAddresses"`
	SyncPeriod          string   `json:"syncPeriod"`
}

type testCase struct {
	Name   string            `json:"name"`
	Config config            `json:"config"`
	Items  []json.RawMessage `json:"items"`
	Steps  [][]change        `json:"steps"`
	// How often everything is written anew and timed after the steps: answered as "renderMs".
	Timed int `json:"timed"`
}

type sysctl struct{ liberal int }

func (s sysctl) GetSysctl(name string) (int, error) {
	if name == "net/netfilter/nf_conntrack_tcp_be_liberal" {
		return s.liberal, nil
	}
	return 1, nil
}

func (s sysctl) SetSysctl(string, int) error { return nil }

// What iptables-restore was handed last.
type recorder struct {
	*fake.FakeIPTables
	last   []byte
	handed time.Time
	// The faked tables stay as they are: what the fake does with a text is not kube-proxy's work.
	timing bool
}

func (r *recorder) RestoreAll(data []byte, flush utiliptables.FlushFlag, counters utiliptables.RestoreCountersFlag) error {
	r.handed = time.Now()
	if r.timing {
		return nil
	}
	r.last = append([]byte{}, data...)
	return r.FakeIPTables.RestoreAll(data, flush, counters)
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for {
		line, end := in.ReadBytes('\n')
		if len(line) > 1 {
			var c testCase
			must(json.Unmarshal(line, &c))
			must(out.Encode(run(c)))
		}
		if end != nil {
			return
		}
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// What kube-proxy's informers hand on to it.
type handler struct {
	proxier  *iptables.Proxier
	node     string
	zone     string
	services map[types.NamespacedName]*v1.Service
	slices   map[types.NamespacedName]*discovery.EndpointSlice
}

func run(c testCase) map[string]any {
	period, err := time.ParseDuration(c.Config.SyncPeriod)
	must(err)
	tables := &recorder{FakeIPTables: fake.NewFake()}
	settings := &kubeproxyconfig.KubeProxyConfiguration{NodePortAddresses: c.Config.NodePortAddresses, SyncPeriod: metav1.Duration{Duration: period}}
	settings.IPTables.LocalhostNodePorts = &c.Config.LocalhostNodePorts
	settings.IPTables.MasqueradeBit = &c.Config.MasqueradeBit
	settings.Linux.MasqueradeAll = c.Config.MasqueradeAll
	liberal := 0
	if c.Config.ConntrackTCPLiberal {
		liberal = 1
	}
	local := proxyutil.NewNoOpLocalDetector()
	if c.Config.ClusterCIDR != "" {
		local = proxyutil.NewDetectLocalByCIDR(c.Config.ClusterCIDR)
	}
	labels, nodeIP := nodeOf(c)
	proxier, err := iptables.NewProxier(context.Background(), settings, v1.IPv4Protocol, tables, sysctl{liberal}, local, c.Config.Node, nodeIP, events.NewFakeRecorder(1000), nil, false)
	must(err)
	proxier.SetCounters(c.Config.Nfacct)
	proxier.SetNetwork(nodeIP)
	h := &handler{proxier, c.Config.Node, labels[v1.LabelTopologyZone], map[types.NamespacedName]*v1.Service{}, map[types.NamespacedName]*discovery.EndpointSlice{}}
	for _, item := range c.Items {
		h.hear("add", item)
	}
	proxier.Start(labels)
	payloads := []any{string(tables.last)}
	for _, step := range c.Steps {
		for _, one := range step {
			h.hear(one.Op, one.Object)
		}
		if !proxier.QueuedSync() {
			payloads = append(payloads, nil)
			continue
		}
		proxier.SyncNow()
		payloads = append(payloads, string(tables.last))
	}
	tables.timing = true
	renderMs := []float64{}
	for range c.Timed {
		start := time.Now()
		proxier.WriteEverything()
		renderMs = append(renderMs, float64(tables.handed.Sub(start).Nanoseconds())/1e6)
	}
	return map[string]any{"name": c.Name, "payloads": payloads, "renderMs": renderMs}
}

// The node's labels and its IPv4 address; without one kube-proxy assumes loopback (detectNodeIPs, cmd/kube-proxy/app).
func nodeOf(c testCase) (map[string]string, net.IP) {
	loopback := net.IPv4(127, 0, 0, 1)
	for _, item := range c.Items {
		var node v1.Node
		if json.Unmarshal(item, &node) != nil || node.Kind != "Node" || node.Name != c.Config.Node {
			continue
		}
		ips, err := utilnode.GetNodeHostIPs(&node)
		if err != nil {
			return node.Labels, loopback
		}
		for _, ip := range ips {
			if ip.To4() != nil {
				return node.Labels, ip
			}
		}
		return node.Labels, loopback
	}
	return nil, loopback
}

// What the informers' selectors leave out (cmd/kube-proxy/app/server.go) is deleted to kube-proxy where it was there before.
func (h *handler) hear(op string, raw json.RawMessage) {
	var meta metav1.TypeMeta
	must(json.Unmarshal(raw, &meta))
	switch meta.Kind {
	case "Service":
		service := &v1.Service{}
		must(json.Unmarshal(raw, service))
		key := types.NamespacedName{Namespace: service.Namespace, Name: service.Name}
		old := h.services[key]
		_, others := service.Labels["service.kubernetes.io/service-proxy-name"]
		switch {
		case op == "delete" || others || service.Spec.ClusterIP == v1.ClusterIPNone:
			if old != nil {
				h.proxier.OnServiceDelete(old)
				delete(h.services, key)
			}
			return
		case old == nil:
			h.proxier.OnServiceAdd(service)
		default:
			h.proxier.OnServiceUpdate(old, service)
		}
		h.services[key] = service
	case "EndpointSlice":
		slice := &discovery.EndpointSlice{}
		must(json.Unmarshal(raw, slice))
		key := types.NamespacedName{Namespace: slice.Namespace, Name: slice.Name}
		old := h.slices[key]
		_, headless := slice.Labels[v1.IsHeadlessService]
		_, others := slice.Labels["service.kubernetes.io/service-proxy-name"]
		switch {
		case op == "delete" || headless || others:
			if old != nil {
				h.proxier.OnEndpointSliceDelete(old)
				delete(h.slices, key)
			}
			return
		case old == nil:
			h.proxier.OnEndpointSliceAdd(slice)
		default:
			h.proxier.OnEndpointSliceUpdate(old, slice)
		}
		h.slices[key] = slice
	case "Node":
		var node v1.Node
		must(json.Unmarshal(raw, &node))
		// Only labels of topology matter to it (pkg/proxy/node.go).
		if zone := node.Labels[v1.LabelTopologyZone]; node.Name == h.node && op != "delete" && zone != h.zone {
			h.zone = zone
			h.proxier.OnTopologyChange(node.Labels)
		}
	}
}
