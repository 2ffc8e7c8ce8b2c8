/** Keys of the messages that a `SimulationError` stands for, in `messages/*.json`. */
export type SimulationErrorKey =
  | 'client_no_worker' // the browser has no module workers
  | 'client_no_wasm' // nor WebAssembly
  | 'client_assets' // a built file could not be had: {file}
  | 'client_cancelled' // by the person; nothing is lost
  | 'client_stopped' // the worker ended of itself (out of memory…): {reason}
  | 'simulation_profile' // a scene asks for a profile that is not there: {profile}
  | 'simulation_no_services' // nothing that packets could be sent to
  | 'simulation_target' // the Service port is not in the cluster: {target}
  | 'simulation_sender' // no pod or node has that name: {sender}
  | 'simulation_nothing_added' // an update of a scene in which nothing was changed
  | 'simulation_service' // a change of a Service that is not there: {service}
  | 'simulation_rollout' // a roll-out has fewer updates: {service}, {updates}
  | 'simulation_no_address' // every address of the pods' range is taken: {range}
  | 'simulation_rules_update' // a change is to be played in rules that are a person's own
  | 'simulation_rules_place' // a Service is to be moved in them
  | 'simulation_rules_no_services' // they have no Service that packets could be sent to
  | 'simulation_interface' // no interface can have that name: {name}
  | 'simulation_attached' // the program of a link that is to stand at a hook cannot be read: {hook}
  | 'simulation_engine'; // what an engine threw: {reason}

/** English, for a terminal and for logs; a page says the message of the same key in the person's language. */
const SENTENCES: Readonly<Record<SimulationErrorKey, string>> = {
  client_no_worker: 'This browser has no module workers, which the engines run in. Update it, or open the page in another one.',
  client_no_wasm: 'This browser has no WebAssembly, which the eBPF machine is built for. Update it, or switch WebAssembly on.',
  client_assets: 'The file {file} could not be loaded. Check the connection and load the page again.',
  client_cancelled: 'Cancelled. Everything is as it was before.',
  client_stopped: 'The engines stopped: {reason}. Choose a smaller cluster, or try again.',
  simulation_profile: 'There is no cost profile {profile}. Choose one of the list.',
  simulation_no_services: 'Nothing in this cluster has a Service address that packets could be sent to. Add a Service with a ClusterIP.',
  simulation_target: 'There is no Service port {target} in this cluster. Choose another target.',
  simulation_sender: 'No pod on this node is called {sender}. Name one as NAMESPACE/POD.',
  simulation_nothing_added: 'No Service has been added yet. Add one to see what is rewritten.',
  simulation_service: 'There is no Service {service} in this cluster any more, or it never was. Choose another one.',
  simulation_rollout: 'The roll-out of {service} has {updates} updates, and the scene asks for a later one. Begin it again.',
  simulation_no_address: 'No pod address is free in {range}. Scale a Service down first.',
  simulation_rules_update: 'These rules stand as they were written: what kube-proxy would write next is not in them. Open the cluster’s objects to play a change.',
  simulation_rules_place: 'In rules of your own, a Service stands where they have it. Take the place out of the link, or choose another Service.',
  simulation_rules_no_services: 'These rules hold no Service of kube-proxy’s. Send a packet of your own through them.',
  simulation_interface: 'No interface can be called “{name}”: a name has 1 to 15 characters, without blanks and slashes.',
  simulation_attached: 'The program that this link puts at {hook} cannot be read. Attach it again in Programs.',
  simulation_engine: 'The engines could not do this: {reason}',
};

/** Whatever keeps the simulation from answering: a message's key with its values, and the sentence in English. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError';
  constructor(
    readonly key: SimulationErrorKey,
    readonly values: Readonly<Record<string, string | number>> = {},
  ) {
    super(SENTENCES[key].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? '')));
  }
}

/** The same error, whatever was thrown. */
export function asSimulationError(thrown: unknown): SimulationError {
  if (thrown instanceof SimulationError) return thrown;
  return new SimulationError('simulation_engine', { reason: thrown instanceof Error ? thrown.message : String(thrown) });
}
