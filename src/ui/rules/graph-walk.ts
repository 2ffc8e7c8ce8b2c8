import type { ChainGraph } from '../../simulation/rules/api.ts';
import type { PathStop } from './walk-path.ts';
import type { GraphLayout } from './graph-layout.ts';

/** The node of a name (`ChainView.node`, `PathStop.node`): a chain's own, or its family's; −1: the graph has none. */
export function nodeOf({ nodes }: ChainGraph, node: string): number {
  return nodes.findIndex(({ name }) => name === node);
}

export interface Lit {
  readonly nodes: ReadonlySet<number>;
  readonly edges: ReadonlySet<number>;
}

/** The nodes that a walk has entered and the edges that it took, among the first `stops` stops of its path. */
export function litOn(graph: ChainGraph, path: readonly PathStop[], stops: number): Lit {
  const nodes = new Set<number>();
  const edges = new Set<number>();
  const passed = path.slice(0, stops);
  passed.forEach(({ kind, table, node: name, hook }, index) => {
    if (kind !== 'chain' || table !== graph.table) return;
    const node = nodeOf(graph, name);
    if (node >= 0) nodes.add(node);
    const before = passed[index - 1];
    if (before?.kind !== 'chain' || before.table !== table || before.hook !== hook) return;
    const from = nodeOf(graph, before.node);
    const edge = graph.edges.findIndex((one) => one.from === from && one.to === node);
    if (edge >= 0) edges.add(edge);
  });
  return { nodes, edges };
}

/** The node that an arrow key leads to: along the edges to the right and left, else to the next one in the column; null: there is none. */
export function neighbour(graph: ChainGraph, layout: GraphLayout, index: number, key: string): number | null {
  const place = layout.nodes[index];
  if (!place) return null;
  const middle = (node: number) => (layout.nodes[node]?.y ?? 0) + (layout.nodes[node]?.height ?? 0) / 2;
  const nearest = (choices: readonly number[]) => choices.reduce<number | null>((best, one) => (best === null || Math.abs(middle(one) - middle(index)) < Math.abs(middle(best) - middle(index)) ? one : best), null);
  switch (key) {
    case 'ArrowRight':
      return nearest(graph.edges.filter(({ from }) => from === index).map(({ to }) => to));
    case 'ArrowLeft':
      return nearest(graph.edges.filter(({ to }) => to === index).map(({ from }) => from));
    case 'ArrowUp':
    case 'ArrowDown': {
      const sign = key === 'ArrowDown' ? 1 : -1;
      const centre = place.x + place.width / 2;
      const column = layout.nodes.flatMap((node, one) => ((middle(one) - middle(index)) * sign > 0 && Math.abs(node.x + node.width / 2 - centre) < (node.width + place.width) / 2 ? [one] : []));
      return nearest(column);
    }
    case 'Home':
      return 0;
    case 'End':
      return graph.nodes.length - 1;
    default:
      return null;
  }
}
