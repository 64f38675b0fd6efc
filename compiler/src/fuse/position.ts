/**
 * Where in a tensor a fused expression is evaluated: a token, and an element of that token's row, known as one flat
 * row-major index or as one coordinate per dimension. The other form is derived when asked for, once, and kept in a
 * local, so that a chain of element-wise ops over the same dimensions never divides.
 */
import type { Dim } from '../graph/types.js';
import { hasTime } from '../graph/types.js';
import type { TensorType } from '../graph/types.js';
import type { KernelBuilder } from '../kernel/build.js';
import * as e from '../kernel/expressions.js';
import type { Expression } from '../kernel/ir.js';

/** Dimensions of a tensor's row: all but `time`. */
export function rowDims(type: TensorType): readonly SizedDim[] {
  return type.dims.filter((d): d is SizedDim => d.extent !== 'time');
}
export type SizedDim = Dim & { readonly extent: number };

const sameDims = (a: readonly SizedDim[], b: readonly SizedDim[]): boolean =>
  a.length === b.length && a.every((d, i) => d.name === b[i]!.name && d.extent === b[i]!.extent);

/** A value kept in a local as long as the block that declared it is open. */
class Kept {
  #kept?: { value: Expression; block: object };
  constructor(readonly builder: KernelBuilder) {}
  get(hint: string, make: () => Expression): Expression {
    if (this.#kept && this.builder.isOpen(this.#kept.block)) return this.#kept.value;
    const made = make();
    const value = isSimple(made) ? made : this.builder.let(hint, made);
    this.#kept = { value, block: this.builder.currentBlock() };
    return value;
  }
}

function isSimple(x: Expression): boolean {
  return (
    x.kind === 'literal' || x.kind === 'local' || x.kind === 'builtin' || x.kind === 'uniform' || x.kind === 'constant'
  );
}

export class Position {
  readonly #builder: KernelBuilder;
  readonly dims: readonly SizedDim[];
  readonly time: Expression | undefined;
  readonly #flat: Kept;
  readonly #makeFlat: () => Expression;
  readonly #coordinates = new Map<string, Kept>();
  readonly #makeCoordinate: (name: string) => Expression;
  readonly #derived = new Map<string, Position>();

  private constructor(
    builder: KernelBuilder,
    dims: readonly SizedDim[],
    time: Expression | undefined,
    flat: (self: Position) => Expression,
    coordinate: (self: Position, name: string) => Expression,
  ) {
    this.#builder = builder;
    this.dims = dims;
    this.time = time;
    this.#flat = new Kept(builder);
    this.#makeFlat = () => flat(this);
    this.#makeCoordinate = (name) => coordinate(this, name);
  }

  static readonly #rows = new WeakMap<KernelBuilder, { time: Expression | undefined; position: Position }[]>();

  /** The place of a value without dimensions but `time`. */
  static ofRow(builder: KernelBuilder, time: Expression | undefined): Position {
    let known = Position.#rows.get(builder);
    if (!known) Position.#rows.set(builder, (known = []));
    let entry = known.find((r) => r.time === time || JSON.stringify(r.time) === JSON.stringify(time));
    if (!entry) {
      entry = { time, position: new Position(builder, [], time, () => e.u32(0), coordinateFromFlat) };
      known.push(entry);
    }
    return entry.position;
  }

  static fromFlat(
    builder: KernelBuilder,
    dims: readonly SizedDim[],
    time: Expression | undefined,
    flat: Expression,
  ): Position {
    return new Position(builder, dims, time, () => flat, coordinateFromFlat);
  }

  static fromCoordinates(
    builder: KernelBuilder,
    dims: readonly SizedDim[],
    time: Expression | undefined,
    coordinates: Readonly<Record<string, Expression>>,
  ): Position {
    for (const d of dims) {
      if (d.extent !== 1 && !coordinates[d.name]) throw new Error(`no coordinate for dimension ${d.name}`);
    }
    return new Position(builder, dims, time, flatFromCoordinates, (_, name) => coordinates[name] ?? e.u32(0));
  }

  /** Row-major index within the token's row. */
  flat(): Expression {
    return this.#flat.get('i', this.#makeFlat);
  }

  at(name: string): Expression {
    if (this.dims.find((d) => d.name === name)?.extent === 1) return e.u32(0);
    let kept = this.#coordinates.get(name);
    if (!kept) this.#coordinates.set(name, (kept = new Kept(this.#builder)));
    return kept.get(name, () => this.#makeCoordinate(name));
  }

  /** The same place in a tensor with a subset of the dimensions (broadcasting), or in another order. */
  project(dims: readonly SizedDim[], withTime: boolean): Position {
    const time = withTime ? this.time : undefined;
    // One value a token, or one at all: every position of the token gives the same place, so that what is computed
    // there before a loop is found again inside it.
    if (dims.length === 0) return Position.ofRow(this.#builder, time);
    if (sameDims(dims, this.dims) && time === this.time) return this;
    return this.#derive(`project ${dims.map((d) => d.name).join()} ${withTime}`, () =>
      sameDims(dims, this.dims)
        ? new Position(
            this.#builder,
            dims,
            time,
            () => this.flat(),
            (_, n) => this.at(n),
          )
        : new Position(this.#builder, dims, time, flatFromCoordinates, (_, n) => this.at(n)),
    );
  }

  /** Other dimensions over the same row-major elements. */
  reshape(dims: readonly SizedDim[]): Position {
    if (sameDims(dims, this.dims)) return this;
    return this.#derive(`reshape ${dims.map((d) => `${d.name}:${d.extent}`).join()}`, () => {
      const shared = sharedNames(this.dims, dims);
      return new Position(
        this.#builder,
        dims,
        this.time,
        () => this.flat(),
        (self, n) => (shared.has(n) ? this.at(n) : coordinateFromFlat(self, n)),
      );
    });
  }

  /** Same place under other names: `names` maps this position's names to new ones. */
  rename(dims: readonly SizedDim[], names: Readonly<Record<string, string>>): Position {
    const back = new Map(this.dims.map((d) => [names[d.name] ?? d.name, d.name]));
    return this.#derive(
      `rename ${dims.map((d) => d.name).join()}`,
      () =>
        new Position(
          this.#builder,
          dims,
          this.time,
          () => this.flat(),
          (_, n) => this.at(back.get(n) ?? n),
        ),
    );
  }

  /** Another coordinate along one dimension, which may have another name and extent in `dims`. */
  replace(dims: readonly SizedDim[], name: string, newName: string, coordinate: Expression): Position {
    return new Position(this.#builder, dims, this.time, flatFromCoordinates, (_, n) =>
      n === newName ? coordinate : this.at(n),
    );
  }

  withTime(time: Expression): Position {
    return new Position(
      this.#builder,
      this.dims,
      time,
      () => this.flat(),
      (_, n) => this.at(n),
    );
  }

  #derive(key: string, make: () => Position): Position {
    let derived = this.#derived.get(key);
    if (!derived) this.#derived.set(key, (derived = make()));
    return derived;
  }
}

/** Dimensions that a reshape leaves alone: equal, with equal products of all dimensions after them. */
function sharedNames(a: readonly SizedDim[], b: readonly SizedDim[]): Set<string> {
  const strides = (dims: readonly SizedDim[]): Map<string, string> => {
    let stride = 1;
    const map = new Map<string, string>();
    for (const d of [...dims].reverse()) {
      map.set(d.name, `${d.extent}/${stride}`);
      stride *= d.extent;
    }
    return map;
  };
  const [sa, sb] = [strides(a), strides(b)];
  return new Set([...sa].filter(([name, s]) => sb.get(name) === s).map(([name]) => name));
}

function flatFromCoordinates(self: Position): Expression {
  let flat: Expression = e.u32(0);
  for (const d of self.dims) flat = e.add(e.mul(flat, d.extent), self.at(d.name));
  return flat;
}

function coordinateFromFlat(self: Position, name: string): Expression {
  const i = self.dims.findIndex((d) => d.name === name);
  if (i < 0) throw new Error(`no dimension ${name} in [${self.dims.map((d) => d.name).join(', ')}]`);
  const stride = self.dims.slice(i + 1).reduce((n, d) => n * d.extent, 1);
  const quotient = e.div(self.flat(), stride);
  return i === 0 ? quotient : e.mod(quotient, self.dims[i]!.extent);
}

export function positionIn(
  builder: KernelBuilder,
  type: TensorType,
  coordinates: Readonly<Record<string, Expression>>,
): Position {
  return Position.fromCoordinates(builder, rowDims(type), hasTime(type) ? coordinates['time'] : undefined, coordinates);
}
