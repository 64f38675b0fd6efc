/** The training part of a program: forward and backward steps of each stage, the head with the loss, and the update. */
import type {
  Operand,
  ProbeSpec,
  Size,
  Step,
  TrainingHead,
  TrainingLevel,
  TrainingProgram,
  TrainingStage,
} from '@hyb/runtime';
import { TOKENS } from '../fuse/axis.js';
import { linearSets } from '../fuse/linear-groups.js';
import type { LinearSet } from '../fuse/linear-groups.js';
import type { AddedTo } from '../fuse/scope.js';
import { forwardGraph, isDear, trainingGraph } from '../grad/training-graph.js';
import type { GradientTerm, TrainingGraph } from '../grad/training-graph.js';
import { probeBackward, probeForward } from '../grad/probes.js';
import type { Probe } from '../grad/probes.js';
import type { Scaling } from '../grad/scale.js';
import type { Graph, GraphNode, ModelGraph, NodeId } from '../graph/graph.js';
import { elementsPerToken, hasTime } from '../graph/types.js';
import type { CallOperand, KernelCall } from '../lower/call.js';
import { lossOf } from '../lower/cross-entropy.js';
import { lower, vectorLayout } from '../lower/lower.js';
import type { GradientTargets, LowerOptions } from '../lower/lower.js';
import type { MatrixOperand } from '../lower/linear/weight-gradient.js';
import { updateCalls } from '../lower/update/update.js';
import { ActivationPool } from './activations.js';
import type { KernelRegistry } from './kernels.js';
import { matrixKey, matrixLayout, statesOf, stepOf } from './plan.js';

export interface TrainingPlanOptions {
  readonly fused: boolean;
  /** Of the model's graphs. */
  readonly stageIds: readonly string[];
  readonly registry: KernelRegistry;
  /** Id of a rotary table. */
  readonly table: (frequencies: readonly number[]) => string;
  readonly scaled: TrainingProgram['scaled'];
  readonly moments: TrainingProgram['moments'];
  readonly scaling: Scaling;
  /** Whether steps that measure are made too. */
  readonly probes: boolean;
}

/** @throws Error where an op has no lowering for its gradient */
export function planTraining(model: ModelGraph, options: TrainingPlanOptions): TrainingProgram {
  return new TrainingPlanner(model, options).run();
}

class TrainingPlanner {
  readonly #pool = new ActivationPool();
  readonly #headPool = new ActivationPool();

  constructor(
    readonly model: ModelGraph,
    readonly options: TrainingPlanOptions,
  ) {}

  run(): TrainingProgram {
    const { model } = this;
    const head = model.graphs[model.instances.at(-1)!.graph]!;
    const stages = model.graphs.filter((graph) => graph !== head).map((graph) => this.#stage(graph));
    const headSteps = this.#head(head);
    const update = Object.fromEntries(
      Object.entries(
        updateCalls({ scaling: this.options.scaling, narrow: Object.keys(this.options.moments).length > 0 }),
      ).map(([name, call]) => [name, this.#bare(call)] as const),
    );
    return {
      stages,
      head: { ...headSteps, activations: this.#headPool.specs() },
      update,
      scaled: this.options.scaled,
      moments: this.options.moments,
      activations: this.#pool.specs(),
    };
  }

  #stage(graph: Graph): TrainingStage {
    const levels: TrainingLevel[] = [];
    for (const keep of [false, true]) {
      const level = this.#level(graph, keep);
      if (levels.at(-1)?.kept.length === level.kept.length) continue;
      levels.push(level);
    }
    return { id: this.#id(graph), levels, probes: this.options.probes ? probesOf(graph, this.options) : [] };
  }

  #id(graph: Graph): string {
    return this.options.stageIds[this.model.graphs.indexOf(graph)]!;
  }

  #level(traced: Graph, keep: boolean): TrainingLevel {
    const { scaling, fused } = this.options;
    const graph = forwardGraph(traced, scaling);
    const sets = linearSets(graph, fused);
    const training = trainingGraph(traced, { sets, keep: (node) => keep && isDear(node), scaling });
    const forward = lower(graph, { ...this.#common(graph), roots: training.kept });
    const names = keptNames(
      graph,
      training.kept.filter((id) => id !== graph.output),
    );
    const place = (node: NodeId): Operand =>
      node === graph.output ? { stream: 'result' } : { kept: names.get(node)! };
    const forwardPlaces = new Map<NodeId, Operand>(training.kept.map((id) => [id, place(id)]));
    const stream = inputNode(graph, 'x');
    if (stream !== undefined) forwardPlaces.set(stream, { stream: 'x' });
    forwardPlaces.set(graph.output, { stream: 'result' });

    const { backward } = training;
    const places = new Map<NodeId, Operand>();
    for (const node of backward.nodes) {
      if (node.op === 'kept') places.set(node.id, place((node as GraphNode<'kept'>).attributes.node));
    }
    const x = inputNode(backward, 'x');
    if (x !== undefined) places.set(x, { stream: 'x' });
    const seed = inputNode(backward, 'gradient');
    if (seed !== undefined) places.set(seed, { stream: 'gradient' });
    if (training.input !== undefined) places.set(training.input, { stream: 'input_gradient' });
    const level = {
      kept: [...names].map(([node, id]) => ({ id, elements: sizeOf(graph.nodes[node]!) })),
      forward: this.#steps(graph, forward, forwardPlaces, this.#pool),
      backward: this.#steps(backward, this.#lowerBackward(graph, training), places, this.#pool),
    };
    if (!this.options.probes) return level;
    const probed = probeForward(graph);
    const probedBack = probeBackward(backward);
    const probedForward = lower(probed.graph, {
      ...this.#common(graph),
      sets: linearSets(graph, this.options.fused),
      roots: [...training.kept, ...probed.probes.map(({ node }) => node)],
      gradients: { matrices: new Map(), added: measured(probed.probes) },
    });
    const probedBackward = this.#lowerBackward(graph, { ...training, backward: probedBack.graph }, probedBack.probes);
    return {
      ...level,
      probed: {
        forward: this.#steps(probed.graph, probedForward, forwardPlaces, this.#pool),
        backward: this.#steps(probedBack.graph, probedBackward, places, this.#pool),
      },
    };
  }

  #common(graph: Graph): LowerOptions {
    return { mode: 'train', fused: this.options.fused, axis: TOKENS, inPlace: false, layout: vectorLayout(graph) };
  }

  #lowerBackward(graph: Graph, training: TrainingGraph, probes: readonly Probe[] = []): readonly KernelCall[] {
    const { backward, terms, input } = training;
    const sets = linearSets(graph, this.options.fused);
    const { matrices, added } = targets(graph, terms, sets);
    return lower(backward, {
      ...this.#common(graph),
      sets: backwardSets(training, sets),
      roots: [...terms.map((t) => t.node), ...(input === undefined ? [] : [input]), ...probes.map(({ node }) => node)],
      gradients: { matrices, added: new Map([...added, ...measured(probes)]) },
    });
  }

  #head(traced: Graph): Omit<TrainingHead, 'activations'> {
    const { scaling, fused } = this.options;
    const graph = forwardGraph(traced, scaling);
    const sets = linearSets(graph, fused);
    const training = trainingGraph(traced, { sets, keep: () => false, loss: true, scaling });
    const { backward } = training;
    const places = new Map<NodeId, Operand>();
    const x = inputNode(backward, 'x');
    if (x !== undefined) places.set(x, { stream: 'x' });
    if (training.input !== undefined) places.set(training.input, { stream: 'input_gradient' });
    const lossPlaces = new Map<NodeId, Operand>();
    const forwardX = inputNode(graph, 'x');
    if (forwardX !== undefined) lossPlaces.set(forwardX, { stream: 'x' });
    const forward = lower(graph, this.#common(graph));
    const steps = this.#steps(backward, this.#lowerBackward(graph, training), places, this.#headPool);
    const loss = this.#steps(graph, [...forward, lossOf(graph, vectorLayout(graph))], lossPlaces, this.#headPool);
    if (!this.options.probes) return { steps, loss, probes: [] };
    // The graph of the gradients computes the logits too.
    const outputs = probeForward(backward);
    const both = probeBackward(outputs.graph);
    const probes = [...outputs.probes, ...both.probes];
    const probed = this.#lowerBackward(graph, { ...training, backward: both.graph }, probes);
    return {
      steps,
      loss,
      probes: probes.map(specOf),
      probed: this.#steps(both.graph, probed, places, this.#headPool),
    };
  }

  #steps(
    graph: Graph,
    calls: readonly KernelCall[],
    places: ReadonlyMap<NodeId, Operand>,
    pool: ActivationPool,
  ): readonly Step[] {
    const stateless = calls.map((call) => withoutStates(graph, call));
    const activations = pool.allocate(stateless, graph, 'tokens', (node) => places.has(node));
    return stateless.map((call) => {
      // Keys and values lie as the tokens do.
      const packed = Object.values(call.bindings).some((o) => o.kind === 'scratch' && o.name.startsWith(CACHE));
      const step = stepOf(packed ? withCapacityOne(call) : call, this.options.registry, (operand) =>
        this.#operand(operand, places, activations, packed),
      );
      return step;
    });
  }

  #bare(call: KernelCall): Step {
    return stepOf(call, this.options.registry, (operand) => this.#operand(operand, new Map(), new Map(), false));
  }

  #operand(
    operand: CallOperand,
    places: ReadonlyMap<NodeId, Operand>,
    activations: ReadonlyMap<string, string>,
    packed: boolean,
  ): Operand {
    switch (operand.kind) {
      case 'matrix':
        return { matrix: matrixKey(operand) };
      case 'vectors':
        return { vectors: true };
      case 'value':
        return places.get(operand.node) ?? { activation: activations.get(JSON.stringify(operand))! };
      case 'scratch':
        return { activation: activations.get(JSON.stringify(operand))! };
      case 'table':
        return { table: this.options.table(operand.frequencies) };
      case 'batch':
        if (packed && operand.table === 'tokens') return { training: 'packed_tokens' };
        if (packed && operand.table === 'sequences') return { training: 'packed_sequences' };
        return { batch: operand.table };
      case 'gradient':
        return { gradient: matrixKey(operand) };
      case 'gradient_vectors':
        return { gradientVectors: true };
      case 'training':
        return { training: operand.table };
      case 'probe':
        return { probe: operand.id };
      case 'state':
      case 'sampler':
        throw new Error(`training has no ${operand.kind}`);
    }
  }
}

/** Where what is measured goes. */
function measured(probes: readonly Probe[]): ReadonlyMap<NodeId, readonly AddedTo[]> {
  return new Map(
    probes.map(
      ({ node, id, kind }) => [node, [{ kind: 'probe', id, join: kind === 'largest' ? 'max' : 'add' }]] as const,
    ),
  );
}

function probesOf(
  traced: Graph,
  { fused, scaling }: Pick<TrainingPlanOptions, 'fused' | 'scaling'>,
): readonly ProbeSpec[] {
  const graph = forwardGraph(traced, scaling);
  const { backward } = trainingGraph(traced, { sets: linearSets(graph, fused), keep: () => true, scaling });
  return [...probeForward(graph).probes, ...probeBackward(backward).probes].map(specOf);
}

function specOf({ id, probe, of, kind }: Probe): ProbeSpec {
  return { id, probe, of, kind };
}

function inputNode(graph: Graph, name: 'x' | 'gradient'): NodeId | undefined {
  return graph.nodes.find((n) => n.op === 'input' && (n as GraphNode<'input'>).attributes.name === name)?.id;
}

function sizeOf({ type }: GraphNode): Size {
  return hasTime(type) ? ['mul', 'tokens', elementsPerToken(type)] : elementsPerToken(type);
}

/** Names for kept values: their labels, told apart where they are alike. */
function keptNames(graph: Graph, kept: readonly NodeId[]): ReadonlyMap<NodeId, string> {
  const names = new Map<NodeId, string>();
  for (const id of kept) {
    const label = graph.nodes[id]!.label ?? graph.nodes[id]!.op;
    names.set(id, [...names.values()].includes(label) ? `${label}.${id}` : label);
  }
  return names;
}

/** The forward graph's sets in the numbering of the backward graph, as far as that computes them again. */
function backwardSets(
  { backward, forward }: Pick<TrainingGraph, 'backward' | 'forward'>,
  sets: readonly LinearSet[],
): readonly LinearSet[] {
  return sets.flatMap(({ anchors, interleave }) => {
    const again = anchors.flatMap((id) => {
      const at = forward.get(id);
      return at !== undefined && backward.nodes[at]!.op === 'linear' ? [at] : [];
    });
    return again.length === anchors.length ? [{ anchors: again, interleave }] : [];
  });
}

/** Where the terms of a graph's gradients belong. */
function targets(graph: Graph, terms: readonly GradientTerm[], sets: readonly LinearSet[]): GradientTargets {
  const { offsets } = vectorLayout(graph);
  const matrices = new Map<NodeId, MatrixOperand>();
  const added = new Map<NodeId, AddedTo[]>();
  for (const term of terms) {
    if (term.kind === 'matrix') {
      matrices.set(term.node, { parameters: term.parameters, interleaved: term.interleaved });
    } else if (term.kind === 'embed') matrices.set(term.node, { parameters: [term.parameter], interleaved: false });
    else added.set(term.node, [...(added.get(term.node) ?? []), addedTo(graph, term.parameter, offsets, sets)]);
  }
  return { matrices, added };
}

function addedTo(
  graph: Graph,
  path: string,
  offsets: Readonly<Record<string, number>>,
  sets: readonly LinearSet[],
): AddedTo {
  const offset = offsets[path];
  if (offset !== undefined) return { kind: 'vector', offset };
  const weight = (id: NodeId): string =>
    (graph.nodes[graph.nodes[id]!.inputs[1]!] as GraphNode<'parameter'>).attributes.path;
  const set = sets.find(({ anchors }) => anchors.some((id) => weight(id) === path));
  const matrix: MatrixOperand = {
    parameters: set?.anchors.map(weight) ?? [path],
    interleaved: (set?.interleave ?? 1) > 1,
  };
  const layout = matrixLayout(graph, matrix);
  const { row, stride, columns } = layout.parts.find((p) => p.parameter === path)!;
  return { kind: 'matrix', ...matrix, row, stride, columns, pitch: layout.columns };
}

const CACHE = 'cache ';

/** Sequences are whole: what ops carry from call to call is scratch, since a fresh sequence reads none of it. */
function withoutStates(graph: Graph, call: KernelCall): KernelCall {
  const bindings = Object.entries(call.bindings).map(([name, operand]): [string, CallOperand] => {
    if (operand.kind !== 'state') return [name, operand];
    const state = statesOf(graph, graph.nodes[operand.node]!).find((s) => s.name === operand.name)!;
    const size = state.dims.reduce((n, d) => n * d, 1);
    const rows = state.kind === 'token' ? 'tokens' : 'sequences';
    const scratch = `${state.kind === 'token' ? CACHE : 'state '}${operand.name}`;
    return [name, { kind: 'scratch', node: operand.node, name: scratch, elements: ['mul', rows, size] }];
  });
  return { ...call, bindings: Object.fromEntries(bindings) };
}

function withCapacityOne(call: KernelCall): KernelCall {
  const uniforms = Object.entries(call.uniforms).map(([name, value]) => [name, value === 'capacity' ? 1 : value]);
  return { ...call, uniforms: Object.fromEntries(uniforms) as KernelCall['uniforms'] };
}
