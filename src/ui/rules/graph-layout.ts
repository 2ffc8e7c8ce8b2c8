import { Graph, layout } from '@dagrejs/dagre';
import type { ChainGraph } from '../../simulation/rules/api.ts';

export interface PlacedNode {
  /** Upper left corner, px. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PlacedEdge {
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** Where its number stands. */
  readonly x: number;
  readonly y: number;
}

/** A graph's picture: nodes and edges in the graph's order, from 0, 0. */
export interface GraphLayout {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
}

export interface GraphSizes {
  readonly nodeWidth: (node: ChainGraph['nodes'][number]) => number;
  readonly nodeHeight: number;
  /** Between neighbours of one column, and between columns. */
  readonly gap: number;
  readonly column: number;
}

const MARGIN = 10;
/** Left between a node and the edge of the view, px. */
const EDGE = 8;

/** Lays the chains out from left to right: those that a hook enters first, then what they jump to. */
export function layoutChains({ nodes, edges }: ChainGraph, { nodeWidth, nodeHeight, gap, column }: GraphSizes): GraphLayout {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: 'LR', nodesep: gap, ranksep: column, edgesep: 8, marginx: MARGIN, marginy: MARGIN });
  nodes.forEach((node, index) => graph.setNode(String(index), { width: nodeWidth(node), height: nodeHeight }));
  edges.forEach(({ from, to }, index) => graph.setEdge(String(from), String(to), { width: 0, height: 0 }, String(index)));
  layout(graph);
  const whole = graph.graph() as { readonly width?: number; readonly height?: number };
  return {
    width: whole.width ?? 0,
    height: whole.height ?? 0,
    nodes: nodes.map((_, index) => {
      const { x = 0, y = 0, width, height } = graph.node(String(index)) as { x?: number; y?: number; width: number; height: number };
      return { x: x - width / 2, y: y - height / 2, width, height };
    }),
    edges: edges.map(({ from, to }, index) => {
      const { points = [] } = graph.edge(String(from), String(to), String(index)) as { points?: { x: number; y: number }[] };
      const middle = points[Math.floor(points.length / 2)] ?? { x: 0, y: 0 };
      return { points, x: middle.x, y: middle.y };
    }),
  };
}

/** How far to scroll so that all the spans, from near to far, stand in the middle; where they need more room than there is, as many as the first one leaves. */
export function viewed(spans: readonly (readonly [near: number, far: number])[], room: number): number {
  const [first] = spans;
  if (!first) return 0;
  const [near, far] = [Math.min(...spans.map(([one]) => one)), Math.max(...spans.map(([, one]) => one))];
  const middle = (near + far - room) / 2;
  return Math.max(0, Math.min(Math.max(middle, first[1] + EDGE - room), first[0] - EDGE));
}

/** A smooth line through an edge's points. */
export function edgePath({ points }: PlacedEdge): string {
  const [first, ...rest] = points;
  if (!first) return '';
  let path = `M${round(first.x)} ${round(first.y)}`;
  let before = first;
  for (const point of rest) {
    const half = (before.x + point.x) / 2;
    path += `C${round(half)} ${round(before.y)} ${round(half)} ${round(point.y)} ${round(point.x)} ${round(point.y)}`;
    before = point;
  }
  return path;
}

const round = (value: number) => Math.round(value * 10) / 10;
