import type { Dtype } from '../graph/types.js';
import { linearBounds } from './precision.js';
import type { Model, PrecisionRule, PrecisionSelector, Role } from '../model/model.js';

/** A place in a model at which a value is rounded. */
export interface PrecisionPlace {
  readonly part: 'embedding' | 'layer' | 'head';
  /** Of a layer: its index and the block's name. */
  readonly layer?: number;
  readonly alias?: string;
  /**
   * Path inside the layer, as parameters have it: `in_z.weight`, `A_log`, `pre.weight`, `qk.queries.weight`. For the
   * output of a linear map, its name (`in_z`); for values inside a norm, its slot (`pre`, `qk.queries`).
   */
  readonly member?: string;
  /** Inside a norm, be it in a slot or the head's. */
  readonly norm?: boolean;
  /**
   * The value belongs to a matrix product of a layer: its index among all of them in order of execution, and their
   * number. Linear maps that read the same value (q, k and v; the parts of an in-projection) are one product. The head's
   * is not counted.
   */
  readonly linear?: { readonly index: number; readonly count: number };
}

export interface PrecisionChoice {
  readonly type: Dtype;
  /** The rule that decides; undefined: no rule fits and the default f32 stands. */
  readonly rule?: PrecisionRule;
  /** Rules of the same rank that say otherwise. A well-formed model has none. */
  readonly ties: readonly PrecisionRule[];
}

/**
 * The number format of a role at a place. Of the rules that fit, the most specific decides, from least to most specific:
 *
 * 0. a rule without a selector;
 * 1. kinds of things: `norms`, `linears`;
 * 2. a block by name (`M`), `embedding`, `head`;
 * 3. a parameter wherever it occurs (`A_log`);
 * 4. a parameter or slot of a block (`M.A_log`, `A.norm.qk`); the longer path first (`A.q.bias` over `A.q`);
 * 5. layers (`layers[7]`), the shorter range first;
 * 6. a parameter or slot of layers (`layers[7].q`);
 * 7. a range of matrix products (`linears[..4]`), the shorter one first.
 *
 * Without any, f32.
 */
export function precisionOf(model: Pick<Model, 'precision'>, role: Role, place: PrecisionPlace): Dtype {
  return explainPrecision(model, role, place).type;
}

/** As `precisionOf`, with the reason. */
export function explainPrecision(model: Pick<Model, 'precision'>, role: Role, place: PrecisionPlace): PrecisionChoice {
  let best: { readonly rule: PrecisionRule; readonly rank: readonly number[] } | undefined;
  let ties: PrecisionRule[] = [];
  for (const rule of model.precision) {
    if (rule.role !== role) continue;
    const rank = rankAt(rule.selector, place);
    if (rank === undefined) continue;
    const order = best === undefined ? 1 : compareRanks(rank, best.rank);
    if (order > 0) {
      best = { rule, rank };
      ties = [];
    } else if (order === 0 && rule.type !== best?.rule.type) {
      ties.push(rule);
    }
  }
  return best === undefined ? { type: 'f32', ties } : { type: best.rule.type, rule: best.rule, ties };
}

/** How specific a selector is at a place; undefined where it does not fit. `compareRanks` compares. */
export function rankAt(selector: PrecisionSelector | undefined, place: PrecisionPlace): readonly number[] | undefined {
  if (selector === undefined) return [0];
  switch (selector.kind) {
    case 'norms':
      return place.norm === true ? [1] : undefined;
    case 'linears':
      return place.linear === undefined ? undefined : [1];
    case 'head':
    case 'embedding':
      return place.part === selector.kind ? [2] : undefined;
    case 'alias': {
      if (place.part !== 'layer' || place.alias !== selector.alias) return undefined;
      if (selector.member === undefined) return [2];
      return memberFits(selector.member, place) ? [4, memberLength(selector.member)] : undefined;
    }
    case 'parameter':
      return memberFits(selector.name, place) ? [3, memberLength(selector.name)] : undefined;
    case 'layer': {
      const { layer } = place;
      if (layer === undefined || layer < selector.start || layer >= selector.end) return undefined;
      const length = selector.end - selector.start;
      if (selector.member === undefined) return [5, -length];
      return memberFits(selector.member, place) ? [6, -length, memberLength(selector.member)] : undefined;
    }
    case 'linear_range': {
      if (place.linear === undefined) return undefined;
      const { index, count } = place.linear;
      const { start, end } = linearBounds(selector, count);
      return index >= start && index < end ? [7, start - end] : undefined;
    }
  }
}

function memberFits(member: string, place: PrecisionPlace): boolean {
  if (place.part !== 'layer') return false;
  if (member === 'norm') return place.norm === true;
  return place.member === member || place.member?.startsWith(`${member}.`) === true;
}

/** Number of steps of the path; `norm`, every slot, is less than any of them. */
function memberLength(member: string): number {
  return member === 'norm' ? 0 : member.split('.').length;
}

/** Positive if the first is the more specific one. */
export function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
