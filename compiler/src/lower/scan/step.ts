/**
 * One token of a walk, by a workgroup: each invocation owns every `threads`-th element of the states; reductions are shared
 * out over lanes and meet in workgroup memory. Where states and values come from and go to is up to who walks.
 */
import type { NodeId } from '../../graph/graph.js';
import { hasTime } from '../../graph/types.js';
import type { Dim, TensorType } from '../../graph/types.js';
import * as e from '../../kernel/expressions.js';
import type { KernelBuilder, SharedArray } from '../../kernel/build.js';
import type { Expression } from '../../kernel/ir.js';
import type { ReductionName, ScanNode } from '../../ops/attributes.js';
import { scanLeaf } from '../../ops/body.js';
import type { AxisClass } from './axes.js';
import { BodyEvaluator, flatIndex, indicesOf, REDUCE, ZERO } from './evaluate.js';
import type { Place } from './evaluate.js';
import { Hazards } from './hazards.js';
import { reducedElements } from './plan.js';
import type { ScanPlan } from './plan.js';
import type { ScanSlices } from './slices.js';

/** Partial results that one invocation adds up; more are halved first. */
const FINISH = 32;

const product = (numbers: readonly number[]): number => numbers.reduce((a, b) => a * b, 1);

/** What a node's value changes with. */
type Dependence = 'none' | 'time' | 'state';

/** What a step reads and writes. Places are those of whole tensors. */
export interface StepMemory {
  /** Type of an outer value, with `time` if it has that. */
  outerType(index: number): TensorType;
  /** An outer value `offset` tokens before the walk's token. */
  input(index: number, offset: number, at: Place): Expression;
  /** A state that another walk renews. */
  given(state: number, at: Place): Expression;
  /** Where a renewed state is, if it does not fit into workgroup memory. */
  kept(state: number): { at(place: Place): Expression; set(place: Place, value: Expression): void };
  /** Takes element `at` of the yielded value `index`. */
  yield(index: number, at: Place, value: Expression): void;
}

export class ScanStep {
  readonly #builder: KernelBuilder;
  readonly #local = e.builtin('local_index');
  readonly #evaluator: BodyEvaluator;
  readonly #renewed: ReadonlySet<number>;
  /** States while the sequence is walked. */
  readonly #held: ReadonlyMap<number, SharedArray>;
  readonly #results = new Map<NodeId, SharedArray>();
  readonly #hazards: Hazards;
  readonly #dependences = new Map<NodeId, Dependence>();
  #partials?: SharedArray;

  constructor(
    builder: KernelBuilder,
    readonly plan: ScanPlan,
    readonly slices: ScanSlices,
    readonly io: StepMemory,
  ) {
    this.#builder = builder;
    const renewed = plan.walk.renews.map((r) => r.state);
    this.#renewed = new Set(renewed);
    this.#held = new Map(
      plan.statesInWorkgroup
        ? renewed.map((i) => [i, builder.shared(`held_${i}`, 'f32', this.#stateElements(i))] as const)
        : [],
    );
    this.#hazards = new Hazards(builder, !plan.statesInWorkgroup);
    this.#evaluator = new BodyEvaluator(plan, builder, {
      state: (index, place) => this.#readState(index, place),
      input: (node, index, offset, place) => this.#readInput(node, index, offset, place),
    });
  }

  /** Computes what is one value in the whole workgroup of inputs without time, ahead of the tokens. */
  begin(): void {
    for (const node of this.plan.nodes)
      if (this.#isInvariant(node, false)) this.#evaluator.value(node.id, this.#origin(node.type.dims));
  }

  /** Runs `body`, which writes a block of its own. */
  inBlock(body: () => void): void {
    this.#evaluator.inBlock(body);
  }

  /** One token: yields, and renews the states. */
  token(): void {
    this.#evaluator.inBlock(() => this.#token());
  }

  #token(): void {
    const { plan } = this;
    const { renews } = plan.walk;
    this.#hazards.assume([
      ...(plan.statesAreShared ? ['states'] : []),
      ...[...plan.shared].map((id) => `result ${id}`),
    ]);
    for (const node of plan.nodes)
      if (this.#isInvariant(node, true)) this.#evaluator.value(node.id, this.#origin(node.type.dims));
    for (const id of plan.early) this.#reduce(id);
    for (const i of plan.earlyYields) this.#yield(i);
    this.#commit();
    for (const { state, node } of renews)
      if (!plan.shared.has(node)) this.#evaluator.give(node, (place) => this.#readState(state, place));
    for (const id of plan.late) this.#reduce(id);
    for (const i of plan.lateYields) this.#yield(i);
    for (const { node } of renews) if (!plan.shared.has(node)) this.#evaluator.takeBack(node);
  }

  #stateExtent(state: number): (d: Dim) => number {
    return (d) => this.plan.localState(state, d);
  }
  #stateElements(state: number): number {
    return product(this.plan.states[state]!.dims.map(this.#stateExtent(state)));
  }
  #nodeExtent(node: NodeId): (d: Dim) => number {
    return (d) => this.plan.local(node, d);
  }
  #nodeElements(node: NodeId): number {
    return product(this.plan.nodes[node]!.type.dims.map(this.#nodeExtent(node)));
  }
  #origin(dims: readonly Dim[]): Place {
    return Object.fromEntries(dims.map((d) => [d.name, ZERO]));
  }

  /** One element in the whole workgroup, of inputs alone: computed once, before the loop or (`timed`) once a token. */
  #isInvariant(node: ScanNode, timed: boolean): boolean {
    if (
      !this.plan.needed.has(node.id) ||
      node.op === 'constant' ||
      this.plan.shared.has(node.id) ||
      this.#nodeElements(node.id) !== 1
    )
      return false;
    return this.#dependence(node) === (timed ? 'time' : 'none');
  }
  #dependence(node: ScanNode): Dependence {
    let known = this.#dependences.get(node.id);
    if (!known) this.#dependences.set(node.id, (known = this.#findDependence(node)));
    return known;
  }
  #findDependence(node: ScanNode): Dependence {
    if (node.op === 'scan_state' || this.plan.shared.has(node.id)) return 'state';
    if (node.op === 'scan_input') {
      const { index } = scanLeaf(node);
      return hasTime(this.io.outerType(index)) ? 'time' : 'none';
    }
    const of = node.inputs.map((i) => this.#dependence(this.plan.nodes[i]!));
    return of.includes('state') ? 'state' : of.includes('time') ? 'time' : 'none';
  }
  /** Runs `body` for the invocation's elements: place, index in the slice, and how many came before. */
  #own(elements: number, body: (flat: Expression, turn: Expression) => void): void {
    const builder = this.#builder;
    const { threads } = this.plan;
    if (elements <= threads) {
      const once = (): void => this.#evaluator.inBlock(() => body(this.#local, ZERO));
      if (elements === threads) once();
      else builder.if(e.lt(this.#local, elements), once);
      return;
    }
    builder.for('turn', 0, Math.ceil(elements / threads), (turn) => {
      const flat = builder.let('element', e.add(this.#local, e.mul(turn, threads)));
      const inside = (): void => this.#evaluator.inBlock(() => body(flat, turn));
      if (elements % threads === 0) inside();
      else builder.if(e.lt(flat, elements), inside);
    });
  }

  #ownState(state: number, body: (place: Place, flat: Expression, turn: Expression) => void): void {
    const { dims } = this.plan.states[state]!;
    this.#own(this.#stateElements(state), (flat, turn) => {
      body(indicesOf(this.#builder, dims, this.#stateExtent(state), flat), flat, turn);
    });
  }

  /** Index in the whole tensor of a state's element in the slice. */
  #globalState(state: number, place: Place): Place {
    const { dims } = this.plan.states[state]!;
    return this.slices.globalPlace(dims, (d) => this.plan.axes.stateClass(state, d), place);
  }
  /** Runs `body`, in a block of its own, unless the place is past the end of a ragged slice. */
  #ifInside(dims: readonly Dim[], classOf: (d: Dim) => AxisClass, place: Place, body: () => void): void {
    this.slices.ifInside(dims, classOf, place, () => this.#evaluator.inBlock(body));
  }
  #ifInsideState(state: number, place: Place, body: () => void): void {
    this.#ifInside(this.plan.states[state]!.dims, (d) => this.plan.axes.stateClass(state, d), place, body);
  }

  #readState(state: number, place: Place): Expression {
    if (!this.#renewed.has(state)) return this.io.given(state, this.#globalState(state, place));
    const held = this.#held.get(state);
    if (!held) return this.io.kept(state).at(this.#globalState(state, place));
    return held.at(flatIndex(this.plan.states[state]!.dims, this.#stateExtent(state), place));
  }
  #writeState(state: number, place: Place, flat: Expression, value: Expression): void {
    const held = this.#held.get(state);
    if (held) {
      held.set(flat, value);
      return;
    }
    this.#ifInsideState(state, place, () => this.io.kept(state).set(this.#globalState(state, place), value));
  }

  /** Whether the state is in workgroup memory. */
  holds(state: number): boolean {
    return this.#held.has(state);
  }

  /** Sets the invocation's elements of a state; what `write` does not set is zero in workgroup memory, kept elsewhere. */
  fill(state: number, write: (at: Place, set: (value: Expression) => void) => void): void {
    const held = this.#held.get(state);
    this.#ownState(state, (place, flat) => {
      const at = this.#globalState(state, place);
      if (!held) {
        this.#ifInsideState(state, place, () => write(at, (value) => this.io.kept(state).set(at, value)));
        return;
      }
      const value = this.#builder.variable('initial', 'f32', e.f32(0));
      this.#ifInsideState(state, place, () => write(at, (v) => value.set(v)));
      held.set(flat, value.value);
    });
  }

  /** Visits the invocation's elements of a state. */
  drain(state: number, read: (at: Place, value: Expression) => void): void {
    this.#ownState(state, (place) => {
      this.#ifInsideState(state, place, () => read(this.#globalState(state, place), this.#readState(state, place)));
    });
  }

  /** Visits the invocation's elements of a yielded value, which are the same at every token. */
  ownYield(index: number, visit: (at: Place) => void): void {
    const id = this.plan.walk.yields[index]!;
    const { dims } = this.plan.nodes[id]!.type;
    const classOf = (d: Dim): AxisClass => this.plan.axes.classOf(id, d);
    this.#own(this.#nodeElements(id), (flat) => {
      const place = indicesOf(this.#builder, dims, this.#nodeExtent(id), flat);
      this.#ifInside(dims, classOf, place, () => visit(this.slices.globalPlace(dims, classOf, place)));
    });
  }

  #readInput(node: ScanNode, index: number, offset: number, place: Place): Expression {
    const at = this.slices.globalPlace(node.type.dims, (d) => this.plan.axes.classOf(node.id, d), place);
    return this.io.input(index, offset, at);
  }

  /** What reading a node in this moment touches, besides its invocation's own elements. */
  #touch(root: NodeId, alignedWithStates: boolean): void {
    const { plan } = this;
    const seen = new Set<NodeId>();
    const visit = (id: NodeId): void => {
      if (seen.has(id)) return;
      seen.add(id);
      const node = plan.nodes[id]!;
      const isStateRead =
        node.op === 'scan_state'
          ? this.#renewed.has(scanLeaf(node).index)
          : plan.walk.renews.some((r) => r.node === id);
      if (plan.shared.has(id) && id !== root) this.#hazards.read(`result ${id}`);
      else {
        if (isStateRead && plan.statesAreShared && !alignedWithStates) this.#hazards.read('states');
        node.inputs.forEach(visit);
      }
    };
    visit(root);
  }

  /** A reduction by the whole workgroup: its results go to workgroup memory. */
  #reduce(id: NodeId): void {
    const builder = this.#builder;
    const { plan } = this;
    const { threads } = plan;
    const node = plan.nodes[id]!;
    const op = node.op as ReductionName;
    const { initial, join } = REDUCE[op];
    const rows = this.#nodeElements(id);
    const columns = reducedElements(plan.nodes, node);
    const lanes = Math.max(1, Math.min(floorPower(threads / Math.min(rows, threads)), ceilPower(columns)));
    let results = this.#results.get(id);
    if (!results) this.#results.set(id, (results = builder.shared(`${node.label ?? op}_results`, 'f32', rows)));
    const resource = `result ${id}`;
    const finish = (total: Expression): Expression => (op === 'mean' ? e.mul(total, 1 / columns) : total);
    const sumOver = (row: Expression, from: Expression | number, step: number): Expression => {
      const accumulator = builder.variable('accumulator', 'f32', e.f32(initial));
      const place = indicesOf(builder, node.type.dims, this.#nodeExtent(id), row);
      builder.for(
        'n',
        from,
        columns,
        (n) => {
          this.#evaluator.inBlock(() =>
            accumulator.set(join(accumulator.value, this.#evaluator.reduced(node, place, n))),
          );
        },
        { step },
      );
      return accumulator.value;
    };

    builder.comment(`${op}${node.label ? ` ${node.label.replace(/[^A-Za-z0-9_.]/g, '_')}` : ''}`);
    this.#touch(id, false);
    if (lanes === 1) {
      this.#hazards.write(resource);
      this.#own(rows, (row) => results.set(row, finish(sumOver(row, 0, 1))));
    } else {
      const partials = (this.#partials ??= builder.shared('partials', 'f32', threads));
      const row = builder.let('row', e.div(this.#local, lanes));
      const lane = builder.let('lane', e.mod(this.#local, lanes));
      const accumulate = (): void =>
        this.#evaluator.inBlock(() => partials.set(this.#local, sumOver(row, lane, lanes)));
      if (rows * lanes === threads) accumulate();
      else builder.if(e.lt(row, rows), accumulate);
      this.#hazards.barrier();
      let width = lanes;
      for (; width > FINISH; width /= 2) {
        builder.if(e.and(e.lt(row, rows), e.lt(lane, width / 2)), () => {
          partials.set(this.#local, join(partials.at(this.#local), partials.at(e.add(this.#local, width / 2))));
        });
        this.#hazards.barrier();
      }
      this.#hazards.write(resource);
      this.#own(rows, (r) => {
        const first = builder.let('first', e.mul(r, lanes));
        const total = builder.variable('total', 'f32', partials.at(first));
        builder.for('n', 1, width, (n) => total.set(join(total.value, partials.at(e.add(first, n)))));
        results.set(r, finish(total.value));
      });
      // The next reduction may begin to fill the partial results.
      this.#hazards.barrier();
    }
    this.#evaluator.give(id, (place) => results.at(flatIndex(node.type.dims, this.#nodeExtent(id), place)));
  }

  #yield(index: number): void {
    const { plan } = this;
    const id = plan.walk.yields[index]!;
    this.#builder.comment('yield');
    this.#touch(id, !plan.statesAreShared);
    if (plan.shared.has(id)) this.#hazards.read(`result ${id}`);
    const { dims } = plan.nodes[id]!.type;
    const classOf = (d: Dim): AxisClass => plan.axes.classOf(id, d);
    this.#own(this.#nodeElements(id), (flat) => {
      const place = indicesOf(this.#builder, dims, this.#nodeExtent(id), flat);
      this.#ifInside(dims, classOf, place, () => {
        const value = this.#evaluator.value(id, place);
        this.io.yield(index, this.slices.globalPlace(dims, classOf, place), value);
      });
    });
  }

  /** Renews the states. */
  #commit(): void {
    const builder = this.#builder;
    const { plan } = this;
    const { renews } = plan.walk;
    if (renews.length === 0) return;
    builder.comment('new states');
    for (const { node } of renews) {
      this.#touch(node, !plan.commitTogether);
      if (plan.shared.has(node)) this.#hazards.read(`result ${node}`);
    }
    const valueOf = (state: number, node: NodeId, place: Place): Expression => {
      const { dims } = plan.states[state]!;
      const next = plan.nodes[node]!.type.dims;
      // Same dimensions, maybe in another order.
      return this.#evaluator.value(
        node,
        Object.fromEntries(next.map((d) => [d.name, place[dims.find((s) => s.name === d.name)!.name]!])),
      );
    };
    if (!plan.commitTogether) {
      this.#hazards.write('states');
      for (const { state, node } of renews) {
        this.#ownState(state, (place, flat) => this.#writeState(state, place, flat, valueOf(state, node, place)));
      }
      return;
    }
    const pending = renews.map(({ state, node }) => {
      const array = builder.array('pending', 'f32', Math.ceil(this.#stateElements(state) / plan.threads), e.f32(0));
      this.#ownState(state, (place, _flat, turn) => array.set(turn, valueOf(state, node, place)));
      return { state, array };
    });
    this.#hazards.write('states');
    for (const { state, array } of pending) {
      this.#ownState(state, (place, flat, turn) => this.#writeState(state, place, flat, array.at(turn)));
    }
  }
}

const floorPower = (n: number): number => 2 ** Math.floor(Math.log2(n));
const ceilPower = (n: number): number => 2 ** Math.ceil(Math.log2(n));
