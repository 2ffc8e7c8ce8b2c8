export { IptablesDatapath } from './iptables-datapath.ts';
export { kubeProxyRules } from './kube-proxy-rules.ts';
