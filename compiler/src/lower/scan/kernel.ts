/**
 * The kernel of a scan: a workgroup walks one slice of a sequence's states through the call's tokens. Each invocation owns
 * every `threads`-th element of the states; reductions are shared out over lanes and meet in workgroup memory. Prefill
 * and decode differ in the number of tokens only.
 */
import type { NodeId } from '../../graph/graph.js';
import { hasTime } from '../../graph/types.js';
import type { Dim } from '../../graph/types.js';
import * as e from '../../kernel/expressions.js';
import type { Buffer, KernelBuilder, SharedArray } from '../../kernel/build.js';
import type { Expression } from '../../kernel/ir.js';
import type { ReductionName, ScanNode } from '../../ops/attributes.js';
import { historyName, stateName } from '../../ops/scan.js';
import { readSequence } from '../batch.js';
import type { SequenceEntry } from '../batch.js';
import type { Coordinates, KernelScope, LoweringContext } from '../scope.js';
import type { AxisClass } from './axes.js';
import { extentOf } from './axes.js';
import { BodyEvaluator, flatIndex, indicesOf, REDUCE, ZERO } from './evaluate.js';
import type { Place } from './evaluate.js';
import { Hazards } from './hazards.js';
import { reducedElements } from './plan.js';
import type { ScanPlan } from './plan.js';

/** Partial results that one invocation adds up; more are halved first. */
const FINISH = 32;

const product = (numbers: readonly number[]): number => numbers.reduce((a, b) => a * b, 1);

/** What a node's value changes with. */
type Dependence = 'none' | 'time' | 'state';

export class ScanKernel {
  readonly #builder: KernelBuilder;
  readonly #local = e.builtin('local_index');
  readonly #evaluator: BodyEvaluator;
  readonly #states: readonly Buffer[];
  /** States while the sequence is walked: workgroup memory, or the buffers themselves. */
  readonly #held: readonly (SharedArray | undefined)[];
  readonly #results = new Map<NodeId, SharedArray>();
  readonly #origins = new Map<
    AxisClass,
    { readonly first: Expression; readonly extent: number; readonly ragged: boolean }
  >();
  readonly #hazards: Hazards;
  readonly #dependences = new Map<NodeId, Dependence>();
  #partials?: SharedArray;
  #sequence!: SequenceEntry;
  #time: Expression = ZERO;

  constructor(
    readonly scope: KernelScope,
    readonly context: LoweringContext<'scan'>,
    readonly plan: ScanPlan,
  ) {
    const { builder } = scope;
    this.#builder = builder;
    const { body } = plan;
    this.#states = body.states.map((type, i) =>
      scope.bind(
        `state_${i}`,
        { kind: 'state', node: context.node.id, name: stateName(i) },
        'f32',
        'read_write',
        `state ${i} [${['slot', ...type.dims.map((d) => `${d.name}: ${extentOf(d)}`)].join(', ')}]`,
      ),
    );
    this.#held = body.states.map((_, i) =>
      plan.statesInWorkgroup ? builder.shared(`held_${i}`, 'f32', this.#stateElements(i)) : undefined,
    );
    this.#hazards = new Hazards(builder, !plan.statesInWorkgroup);
    this.#evaluator = new BodyEvaluator(plan, builder, {
      state: (index, place) => this.#readState(index, place),
      input: (node, index, offset, place) => this.#readInput(node, index, offset, place),
    });
  }

  write(): void {
    const builder = this.#builder;
    const { plan } = this;
    let rest: Expression = e.builtin('workgroup_x');
    for (const { class: c, extent, size } of [...plan.slices].reverse()) {
      const count = Math.ceil(extent / size);
      if (count === 1) continue;
      const index = c === plan.slices[0]!.class ? rest : e.mod(rest, count);
      this.#origins.set(c, { first: builder.let('slice', e.mul(index, size)), extent, ragged: extent % size !== 0 });
      rest = builder.let('rest', e.div(rest, count));
    }
    this.#sequence = readSequence(this.scope, e.builtin('workgroup_y'));
    builder.if(e.gt(this.#sequence.count, 0), () => this.#evaluator.inBlock(() => this.#walk()));
  }

  #walk(): void {
    const builder = this.#builder;
    const { plan } = this;
    this.#load();
    const outer = plan.body.nodes.filter((n) => this.#isInvariant(n, false));
    for (const node of outer) this.#evaluator.value(node.id, this.#origin(node.type.dims));
    const end = e.add(this.#sequence.first, this.#sequence.count);
    builder.for('time', this.#sequence.first, end, (time) => {
      this.#time = time;
      this.#evaluator.inBlock(() => this.#token());
    });
    if (plan.statesInWorkgroup) this.#store();
  }

  #token(): void {
    const { plan } = this;
    const { body } = plan;
    this.#hazards.assume([
      ...(plan.statesAreShared ? ['states'] : []),
      ...[...plan.shared].map((id) => `result ${id}`),
    ]);
    for (const node of body.nodes)
      if (this.#isInvariant(node, true)) this.#evaluator.value(node.id, this.#origin(node.type.dims));
    for (const id of plan.early) this.#reduce(id);
    if (!plan.yieldsLate) this.#yield();
    this.#commit();
    body.next.forEach((id, i) => {
      if (!plan.shared.has(id)) this.#evaluator.give(id, (place) => this.#readState(i, place));
    });
    for (const id of plan.late) this.#reduce(id);
    if (plan.yieldsLate) this.#yield();
    for (const id of body.next) if (!plan.shared.has(id)) this.#evaluator.takeBack(id);
  }

  #stateExtent(state: number): (d: Dim) => number {
    return (d) => this.plan.localState(state, d);
  }
  #stateElements(state: number): number {
    return product(this.plan.body.states[state]!.dims.map(this.#stateExtent(state)));
  }
  #nodeExtent(node: NodeId): (d: Dim) => number {
    return (d) => this.plan.local(node, d);
  }
  #nodeElements(node: NodeId): number {
    return product(this.plan.body.nodes[node]!.type.dims.map(this.#nodeExtent(node)));
  }
  #origin(dims: readonly Dim[]): Place {
    return Object.fromEntries(dims.map((d) => [d.name, ZERO]));
  }

  /** One element in the whole workgroup, of inputs alone: computed once, before the loop or (`timed`) once a token. */
  #isInvariant(node: ScanNode, timed: boolean): boolean {
    if (node.op === 'constant' || this.plan.shared.has(node.id) || this.#nodeElements(node.id) !== 1) return false;
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
      const { index } = node.attributes as { index: number };
      return hasTime(this.#outerType(index)) ? 'time' : 'none';
    }
    const of = node.inputs.map((i) => this.#dependence(this.plan.body.nodes[i]!));
    return of.includes('state') ? 'state' : of.includes('time') ? 'time' : 'none';
  }
  #outerType(index: number) {
    const { graph, node } = this.context;
    return graph.nodes[node.inputs[this.plan.body.states.length + index]!]!.type;
  }

  /** Index in the whole tensor of an index in the slice. Past the end of a ragged slice it stays at the last element. */
  #global(c: AxisClass, index: Expression): Expression {
    const origin = this.#origins.get(c);
    if (!origin) return index;
    const global = e.add(origin.first, index);
    return origin.ragged ? e.min(global, origin.extent - 1) : global;
  }
  #globalPlace(dims: readonly Dim[], classOf: (d: Dim) => AxisClass, place: Place): Place {
    return Object.fromEntries(
      dims.map((d) => [d.name, extentOf(d) === 1 ? ZERO : this.#global(classOf(d), place[d.name] ?? ZERO)]),
    );
  }
  /** Runs `body` unless the place is past the end of a ragged slice. */
  #ifInside(dims: readonly Dim[], classOf: (d: Dim) => AxisClass, place: Place, body: () => void): void {
    const conditions = dims.flatMap((d) => {
      const origin = extentOf(d) === 1 ? undefined : this.#origins.get(classOf(d));
      return origin?.ragged ? [e.lt(e.add(origin.first, place[d.name]!), origin.extent)] : [];
    });
    if (conditions.length === 0) body();
    else
      this.#builder.if(
        conditions.reduce((a, b) => e.and(a, b)),
        () => this.#evaluator.inBlock(body),
      );
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
    const { dims } = this.plan.body.states[state]!;
    this.#own(this.#stateElements(state), (flat, turn) => {
      body(indicesOf(this.#builder, dims, this.#stateExtent(state), flat), flat, turn);
    });
  }

  #stateAddress(state: number, place: Place): Expression {
    const { dims } = this.plan.body.states[state]!;
    const global = this.#globalPlace(dims, (d) => this.plan.axes.stateClass(state, d), place);
    const row = e.mul(this.#sequence.slot, product(dims.map(extentOf)));
    return e.add(row, flatIndex(dims, extentOf, global));
  }

  #readState(state: number, place: Place): Expression {
    const held = this.#held[state];
    if (!held) return this.#states[state]!.at(this.#stateAddress(state, place));
    return held.at(flatIndex(this.plan.body.states[state]!.dims, this.#stateExtent(state), place));
  }
  #writeState(state: number, place: Place, flat: Expression, value: Expression): void {
    const held = this.#held[state];
    if (held) {
      held.set(flat, value);
      return;
    }
    const { dims } = this.plan.body.states[state]!;
    this.#ifInside(
      dims,
      (d) => this.plan.axes.stateClass(state, d),
      place,
      () => {
        this.#states[state]!.set(this.#stateAddress(state, place), value);
      },
    );
  }

  /** The states as the last call left them; initial values where the sequence begins. */
  #load(): void {
    const builder = this.#builder;
    const { body, axes } = this.plan;
    builder.comment('states before the first token');
    body.states.forEach((type, i) => {
      this.#ownState(i, (place, flat) => {
        const initial = (): Expression => {
          const at = this.#globalPlace(type.dims, (d) => axes.stateClass(i, d), place);
          return this.scope.input(i, at as Coordinates);
        };
        if (!this.#held[i]) {
          builder.if(e.eq(this.#sequence.position, 0), () => this.#writeState(i, place, flat, initial()));
          return;
        }
        const value = builder.variable('initial', 'f32', e.f32(0));
        this.#ifInside(
          type.dims,
          (d) => axes.stateClass(i, d),
          place,
          () =>
            builder.if(
              e.eq(this.#sequence.position, 0),
              () => value.set(initial()),
              () => value.set(this.#states[i]!.at(this.#stateAddress(i, place))),
            ),
        );
        this.#held[i].set(flat, value.value);
      });
    });
  }

  #store(): void {
    this.#builder.comment('states after the last token');
    this.plan.body.states.forEach(({ dims }, i) => {
      this.#ownState(i, (place, flat) => {
        this.#ifInside(
          dims,
          (d) => this.plan.axes.stateClass(i, d),
          place,
          () => {
            this.#states[i]!.set(this.#stateAddress(i, place), this.#held[i]!.at(flat));
          },
        );
      });
    });
  }

  #readInput(node: ScanNode, index: number, offset: number, place: Place): Expression {
    const builder = this.#builder;
    const { plan } = this;
    const type = this.#outerType(index);
    const input = plan.body.states.length + index;
    const { dims } = node.type;
    const at = this.#globalPlace(dims, (d) => plan.axes.classOf(node.id, d), place);
    if (!hasTime(type)) return this.scope.input(input, at as Coordinates);
    if (offset === 0) return this.scope.input(input, { ...at, time: this.#time });
    const value = builder.variable('earlier', 'f32', e.f32(0));
    const within = e.ge(this.#time, e.add(this.#sequence.first, offset));
    builder.if(
      within,
      () => value.set(this.scope.input(input, { ...at, time: builder.let('then', e.sub(this.#time, offset)) })),
      () =>
        builder.if(e.gt(this.#sequence.position, 0), () => {
          const history = bindHistory(this.scope, this.context, index, 'read');
          const row = e.sub(e.add(e.sub(this.#time, this.#sequence.first), history.reach), offset);
          value.set(history.buffer.at(history.address(this.#sequence.slot, row, flatIndex(dims, extentOf, at))));
        }),
    );
    return builder.let('shifted', value.value);
  }

  /** What reading a node in this moment touches, besides its invocation's own elements. */
  #touch(root: NodeId, alignedWithStates: boolean): void {
    const { plan } = this;
    const seen = new Set<NodeId>();
    const visit = (id: NodeId): void => {
      if (seen.has(id)) return;
      seen.add(id);
      const node = plan.body.nodes[id]!;
      const isStateRead = node.op === 'scan_state' || plan.body.next.includes(id);
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
    const node = plan.body.nodes[id]!;
    const op = node.op as ReductionName;
    const { initial, join } = REDUCE[op];
    const rows = this.#nodeElements(id);
    const columns = reducedElements(plan.body, node);
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

  #yield(): void {
    const { plan } = this;
    const { body } = plan;
    const { dims } = body.nodes[body.yields]!.type;
    this.#builder.comment('yield');
    this.#touch(body.yields, !plan.statesAreShared);
    if (plan.shared.has(body.yields)) this.#hazards.read(`result ${body.yields}`);
    this.#own(this.#nodeElements(body.yields), (flat) => {
      const place = indicesOf(this.#builder, dims, this.#nodeExtent(body.yields), flat);
      const classOf = (d: Dim): AxisClass => plan.axes.classOf(body.yields, d);
      this.#ifInside(dims, classOf, place, () => {
        const value = this.#evaluator.value(body.yields, place);
        this.scope.output({ ...this.#globalPlace(dims, classOf, place), time: this.#time }, value);
      });
    });
  }

  /** Renews the states. */
  #commit(): void {
    const builder = this.#builder;
    const { plan } = this;
    const { body } = plan;
    builder.comment('new states');
    for (const id of body.next) {
      this.#touch(id, !plan.commitTogether);
      if (plan.shared.has(id)) this.#hazards.read(`result ${id}`);
    }
    const valueOf = (i: number, place: Place): Expression => {
      const { dims } = body.states[i]!;
      const next = body.nodes[body.next[i]!]!.type.dims;
      // Same dimensions, maybe in another order.
      return this.#evaluator.value(
        body.next[i]!,
        Object.fromEntries(next.map((d) => [d.name, place[dims.find((s) => s.name === d.name)!.name]!])),
      );
    };
    if (!plan.commitTogether) {
      this.#hazards.write('states');
      body.states.forEach((_, i) =>
        this.#ownState(i, (place, flat) => this.#writeState(i, place, flat, valueOf(i, place))),
      );
      return;
    }
    const pending = body.states.map((_, i) => {
      const array = builder.array('pending', 'f32', Math.ceil(this.#stateElements(i) / plan.threads), e.f32(0));
      this.#ownState(i, (place, _flat, turn) => array.set(turn, valueOf(i, place)));
      return array;
    });
    this.#hazards.write('states');
    body.states.forEach((_, i) =>
      this.#ownState(i, (place, flat, turn) => this.#writeState(i, place, flat, pending[i]!.at(turn))),
    );
  }
}

export function bindHistory(
  scope: KernelScope,
  { graph, node }: LoweringContext<'scan'>,
  index: number,
  access: 'read' | 'read_write',
) {
  const { body } = node.attributes;
  const { type } = graph.nodes[node.inputs[body.states.length + index]!]!;
  const dims = type.dims.filter((d) => d.extent !== 'time');
  const reach = Math.max(
    ...body.nodes.flatMap((n) => {
      if (n.op !== 'scan_input') return [];
      const leaf = n.attributes as { index: number; offset?: number };
      return leaf.index === index ? [leaf.offset ?? 0] : [];
    }),
  );
  const elements = product(dims.map(extentOf));
  const buffer = scope.bind(
    `earlier_${index}`,
    { kind: 'state', node: node.id, name: historyName(index) },
    'f32',
    access,
    `last values of input ${index} [${['slot', reach, ...dims.map((d) => `${d.name}: ${extentOf(d)}`)].join(', ')}]`,
  );
  return {
    buffer,
    reach,
    dims,
    elements,
    address: (slot: Expression, row: Expression, flat: Expression) =>
      e.add(e.mul(e.add(e.mul(slot, reach), row), elements), flat),
  };
}

const floorPower = (n: number): number => 2 ** Math.floor(Math.log2(n));
const ceilPower = (n: number): number => 2 ** Math.ceil(Math.log2(n));
