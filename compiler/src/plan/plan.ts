/**
 * The last step before text: kernels of all graphs, matrices and packs of all instances, states, and buffers for what
 * lives between kernels, as the runtime's `Program`.
 */
import type {
  KernelSpec,
  MatrixSpec,
  Operand,
  ParameterSpec,
  Program,
  Stage,
  StageInstance,
  StateSpec,
  Step,
  StorageType,
  TableSpec,
  VectorPack,
  CheckpointTensor,
  TrainingProgram,
} from '@hyb/runtime';
import { ROWS, TOKENS } from '../fuse/axis.js';
import type { TimeAxis } from '../fuse/axis.js';
import type { Graph, GraphInstance, GraphNode, ModelGraph, NodeId } from '../graph/graph.js';
import { parameterPath } from '../graph/graph.js';
import type { Kernel } from '../kernel/ir.js';
import type { CallOperand, KernelCall, Mode } from '../lower/call.js';
import { lower, lowerPreparation, vectorLayout } from '../lower/lower.js';
import { lowerSample } from '../lower/sample/sample.js';
import { OPS } from '../ops/table.js';
import type { OpState } from '../ops/op.js';
import { ActivationPool } from './activations.js';
import { KernelRegistry } from './kernels.js';
import { isScaled } from '../grad/scale.js';
import type { Scaling } from '../grad/scale.js';
import type { Dtype } from '../graph/types.js';
import { planTraining } from './training.js';
import { byName } from '../model/by-name.js';

export interface PlanOptions {
  readonly fused?: boolean;
  /** Rows from which on a matrix has the kernels for high ones; default 4096. */
  readonly high?: number;
  readonly doc?: string;
  readonly checkpoint?: readonly CheckpointTensor[];
  /** Tensors that a checkpoint may hold besides. */
  readonly spare?: readonly string[];
  /** Default storage of a parameter, by full path; f32 where not said. */
  readonly storage?: (path: string) => StorageType;
  /** Format of a parameter's values in training, by full path; f32 where not said. */
  readonly format?: (path: string) => Dtype;
  /** Format of the optimizer's state of a matrix, by full path; f32 where not said. */
  readonly moments?: (path: string) => 'f32' | 'bf16';
  /** Block name of each layer, for the model's table. */
  readonly blockOf?: (layer: number) => string;
  /** Also plans what trains. Default: not. */
  readonly training?: boolean;
  /** Whether steps of training can measure. Default: not. */
  readonly probes?: boolean;
  /** How training scales what it rounds to 8 bits. Default: each tensor by its largest magnitude. */
  readonly scaling?: Scaling;
}

export interface Plan {
  readonly program: Program;
  /** By the names that `KernelVariant.source` uses. */
  readonly kernels: ReadonlyMap<string, Kernel>;
}

export function plan(model: ModelGraph, options: PlanOptions = {}): Plan {
  return new Planner(model, options).run();
}

interface StageCalls {
  readonly id: string;
  readonly graph: Graph;
  readonly axis: TimeAxis;
  readonly calls: Readonly<Record<Exclude<Mode, 'train'> | 'prepare', readonly KernelCall[]>>;
}

class Planner {
  readonly #registry = new KernelRegistry();
  readonly #pool: ActivationPool;
  readonly #tables = new Map<string, TableSpec>();
  readonly #matrices = new Map<string, MatrixSpec>();
  readonly #packs: VectorPack[] = [];
  readonly #states: StateSpec[] = [];
  readonly #parameters = new Map<string, ParameterSpec>();

  constructor(
    readonly model: ModelGraph,
    readonly options: PlanOptions,
  ) {
    this.#pool = new ActivationPool(model.width);
  }

  run(): Plan {
    const { model, options } = this;
    const stageIds = uniqueNames(model.graphs.map((g) => g.name));
    const stageCalls = model.graphs.map((graph, i) => this.#lowerGraph(graph, stageIds[i]!));
    const stages = stageCalls.map((s) => this.#stage(s));
    const schedule = model.instances.map((instance) => this.#instance(instance, stageCalls[instance.graph]!));
    const sampling = lowerSample(model.vocab);
    stages.push({ id: 'sample', prefill: [], decode: this.#steps(sampling) });
    const training = options.training === true ? this.#training(stageIds) : undefined;
    const program: Program = {
      format: 1,
      model: {
        name: model.name,
        ...(options.doc ? { doc: options.doc } : {}),
        vocab: model.vocab,
        width: model.width,
        context: model.context,
        layers: model.instances
          .filter((i) => i.layer !== undefined)
          .map((i) => ({ alias: i.alias ?? '', block: options.blockOf?.(i.layer!) ?? i.alias ?? '' })),
      },
      parameters: [...this.#parameters.values()],
      ...(options.checkpoint ? { checkpoint: options.checkpoint } : {}),
      ...(options.spare?.length ? { spare: options.spare } : {}),
      matrices: [...this.#matrices.values()],
      vectors: this.#packs,
      states: this.#states,
      tables: [...this.#tables.values()],
      kernels: this.#registry.specs(),
      stages,
      schedule,
      sample: { stage: 'sample', label: 'sample', matrices: {}, states: {} },
      activations: this.#pool.specs(),
      ...(training ? { training } : {}),
    };
    return { program, kernels: this.#registry.kernels() };
  }

  #training(stageIds: readonly string[]): TrainingProgram {
    return planTraining(this.model, {
      fused: this.options.fused ?? true,
      stageIds,
      registry: this.#registry,
      table: (frequencies) => this.#table(frequencies),
      scaled: this.#scaled(),
      moments: this.#moments(),
      scaling: this.options.scaling ?? 'current',
      probes: this.options.probes ?? false,
    });
  }

  /** Matrices whose values are 8-bit ones of one format. */
  #scaled(): TrainingProgram['scaled'] {
    const entries = [...this.#matrices.values()].flatMap(({ id, parts }) => {
      const [format, ...others] = new Set(parts.map(({ parameter }) => this.options.format?.(parameter) ?? 'f32'));
      return format !== undefined && isScaled(format) && others.length === 0 ? [[id, format] as const] : [];
    });
    return Object.fromEntries(entries);
  }

  /** Matrices whose optimizer state is in bf16. */
  #moments(): TrainingProgram['moments'] {
    const { moments } = this.options;
    const narrow = [...this.#matrices.values()].filter(({ parts }) =>
      parts.every(({ parameter }) => moments?.(parameter) === 'bf16'),
    );
    return Object.fromEntries(narrow.map(({ id }) => [id, 'bf16'] as const));
  }

  #lowerGraph(graph: Graph, id: string): StageCalls {
    const head = this.model.graphs[this.model.instances[this.model.instances.length - 1]!.graph] === graph;
    const axis = head ? ROWS : TOKENS;
    const make = (mode: Mode): readonly KernelCall[] =>
      lower(graph, {
        mode,
        fused: this.options.fused ?? true,
        ...(this.options.high === undefined ? {} : { high: this.options.high }),
        axis,
        inPlace: !head,
        ...(head ? { outputOperand: { kind: 'sampler', table: 'logits' } as const } : {}),
      });
    return {
      id,
      graph,
      axis,
      calls: {
        prepare: lowerPreparation(graph, this.options.fused ?? true),
        prefill: make('prefill'),
        decode: make('decode'),
      },
    };
  }

  #stage(stage: StageCalls): Stage {
    return {
      id: stage.id,
      ...(stage.calls.prepare.length > 0 ? { prepare: this.#steps(stage.calls.prepare, stage) } : {}),
      prefill: this.#steps(stage.calls.prefill, stage),
      decode: this.#steps(stage.calls.decode, stage),
    };
  }

  #steps(calls: readonly KernelCall[], stage?: { readonly graph: Graph; readonly axis: TimeAxis }): readonly Step[] {
    const activations = this.#pool.allocate(calls, stage?.graph, stage?.axis.size);
    return calls.map((call) =>
      stepOf(call, this.#registry, (operand) => this.#operand(operand, activations, stage?.graph)),
    );
  }

  #operand(operand: CallOperand, activations: ReadonlyMap<string, string>, graph?: Graph): Operand {
    switch (operand.kind) {
      case 'matrix':
        return { matrix: matrixKey(operand) };
      case 'vectors':
        return { vectors: true };
      case 'value':
      case 'scratch':
        return { activation: activations.get(JSON.stringify(operand))! };
      case 'state':
        return { state: stateKey(graph!, operand.node, operand.name) };
      case 'table':
        return { table: this.#table(operand.frequencies) };
      case 'batch':
        return { batch: operand.table };
      case 'sampler':
        return { sampler: operand.table };
      case 'gradient':
      case 'gradient_vectors':
      case 'training':
      case 'probe':
        throw new Error('inference has no gradients');
    }
  }

  #table(frequencies: readonly number[]): string {
    const key = frequencies.join();
    let table = this.#tables.get(key);
    if (!table) this.#tables.set(key, (table = { id: `rotary_${this.#tables.size}`, kind: 'rotary', frequencies }));
    return table.id;
  }

  #instance(instance: GraphInstance, stage: StageCalls): StageInstance {
    const { graph } = stage;
    this.#addParameters(instance, graph);
    const matrices = byName<string>();
    for (const call of [...stage.calls.prepare, ...stage.calls.prefill, ...stage.calls.decode]) {
      for (const operand of Object.values(call.bindings)) {
        if (operand.kind === 'matrix') matrices[matrixKey(operand)] ??= this.#matrix(instance, graph, operand);
      }
    }
    const states = byName<string>();
    for (const node of graph.nodes) {
      for (const state of statesOf(graph, node)) {
        const key = stateKey(graph, node.id, state.name);
        const id = `${instance.path}.${key}`;
        states[key] = id;
        this.#states.push({ id, kind: state.kind, elements: state.dims.reduce((n, d) => n * d, 1), dims: state.dims });
      }
    }
    const layout = vectorLayout(graph);
    const hasVectors = layout.elements > 0;
    const parts = graph.parameters
      .filter((p) => p.role === 'vector')
      .map((p) => ({
        parameter: parameterPath(instance, p.path),
        offset: layout.offsets[p.path]!,
        elements: p.type.dims.reduce((n, d) => n * (d.extent as number), 1),
      }));
    // Instances of a `shared` block have one pack, as they have one set of parameters.
    const shared = this.#packs.find((p) => p.parts.length > 0 && JSON.stringify(p.parts) === JSON.stringify(parts));
    const vectors = shared?.id ?? instance.path;
    if (hasVectors && shared === undefined) this.#packs.push({ id: vectors, elements: layout.elements, parts });
    return {
      stage: stage.id,
      label: instance.layer === undefined ? instance.path : `${instance.layer} ${instance.alias ?? ''}`.trim(),
      matrices,
      ...(hasVectors ? { vectors } : {}),
      states,
    };
  }

  #addParameters(instance: GraphInstance, graph: Graph): void {
    for (const parameter of graph.parameters) {
      const path = parameterPath(instance, parameter.path);
      if (this.#parameters.has(path)) continue;
      this.#parameters.set(path, {
        path,
        shape: parameter.type.dims.map((d) => d.extent as number),
        role: parameter.role,
        dtype: this.options.storage?.(path) ?? 'f32',
      });
    }
  }

  #matrix(instance: GraphInstance, graph: Graph, operand: CallOperand & { kind: 'matrix' }): string {
    const paths = operand.parameters.map((p) => parameterPath(instance, p));
    const id = paths.join('+');
    if (this.#matrices.has(id)) return id;
    const layout = matrixLayout(graph, operand);
    const parts = layout.parts.map((part, j) => ({ ...part, parameter: paths[j]! }));
    this.#matrices.set(id, { ...layout, id, parts });
    return id;
  }
}

/** A matrix of parameters of a graph: `MatrixSpec` in local paths. */
export function matrixLayout(
  graph: Graph,
  { parameters, interleaved }: { readonly parameters: readonly string[]; readonly interleaved: boolean },
): Omit<MatrixSpec, 'id'> {
  const shapes = parameters.map((p) => matrixShape(graph, p));
  const columns = Math.max(...shapes.map((s) => s.columns));
  let next = 0;
  const parts = parameters.map((parameter, j) => {
    const { rows } = shapes[j]!;
    const row = interleaved ? j : next;
    next += rows;
    return { parameter, row, rows, columns, stride: interleaved ? parameters.length : 1 };
  });
  return { rows: next, columns: Math.ceil(columns / 4) * 4, parts };
}

/** Rows and columns of a matrix parameter: outputs times inputs of the linear that reads it, or a table's two dimensions. */
export function matrixShape(graph: Graph, path: string): { rows: number; columns: number } {
  const node = graph.nodes.find((n) => n.op === 'parameter' && (n as GraphNode<'parameter'>).attributes.path === path)!;
  const extents = node.type.dims.map((d) => d.extent as number);
  const reader = graph.nodes.find((n) => n.inputs[1] === node.id && n.op === 'linear') as
    GraphNode<'linear'> | undefined;
  const outputs = reader ? reader.attributes.out.length : 1;
  const product = (n: readonly number[]): number => n.reduce((a, b) => a * b, 1);
  return { rows: product(extents.slice(0, outputs)), columns: product(extents.slice(outputs)) };
}

export function matrixKey(operand: { readonly parameters: readonly string[] }): string {
  return operand.parameters.join('+');
}

/** A call as a step of the program. */
export function stepOf(call: KernelCall, registry: KernelRegistry, operandOf: (operand: CallOperand) => Operand): Step {
  const kernel = registry.register(call);
  const names = call.variants[0]!.buffers.map((b) => b.name);
  const uniforms = call.variants[0]!.uniforms.map((u) => u.name);
  return {
    kernel,
    label: call.label,
    bind: names.map((name) => operandOf(call.bindings[name]!)),
    uniforms: uniforms.map((name) => call.uniforms[name]!),
    grid: call.grid,
    ...(call.split
      ? {
          split: {
            binding: names.indexOf(call.split.buffer),
            base: uniforms.indexOf(call.split.base),
            count: uniforms.indexOf(call.split.count),
            axis: call.split.axis,
            rowsPerWorkgroup: call.split.rowsPerWorkgroup,
            ...((call.split.partRows ?? 1) > 1 ? { partRows: call.split.partRows! } : {}),
          },
        }
      : {}),
    cost: call.cost,
  };
}

function stateKey(graph: Graph, node: NodeId, name: string): string {
  const label = graph.nodes[node]!.label ?? graph.nodes[node]!.op;
  // Two ops of one label in a graph are told apart by their order.
  const same = graph.nodes.filter((n) => (n.label ?? n.op) === label && statesOf(graph, n).length > 0);
  return same.length > 1 ? `${label}_${same.findIndex((n) => n.id === node)}.${name}` : `${label}.${name}`;
}

export function statesOf(graph: Graph, node: GraphNode): readonly OpState[] {
  const definition = OPS[node.op] as {
    state?: (inputs: readonly unknown[], attributes: unknown) => readonly OpState[];
  };
  return (
    definition.state?.(
      node.inputs.map((i) => graph.nodes[i]!.type),
      node.attributes,
    ) ?? []
  );
}

function uniqueNames(names: readonly string[]): readonly string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name}.${count}`;
  });
}

export type { KernelSpec };
