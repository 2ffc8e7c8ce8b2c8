export { agentWrites, serviceEntries } from './agent-writes.ts';
export { EbpfDatapath, macOf } from './ebpf-datapath.ts';
export { keyText, valueText } from './map-text.ts';
export { START_NS } from './start-ns.ts';
export { createVm } from './rbpf-vm.ts';
export { BpfError, type CheckResult, type Collection, type CollectionSpec, type MapSpec, type ProgramSpec, type RunAccess, type RunOutput, type Vm } from './vm.ts';
