/** Proposals in blocks, norms and functions. */
import {
  constants,
  attributes,
  initializers,
  moduleKinds,
  parts,
  timeAndWidth,
  types,
} from '@hyb/compiler/query/names/fixed';
import type { Entity } from '@hyb/compiler/query/names/entity';
import { tokenTable } from '@hyb/grammar/tokens/token-table';
import type { Place } from '../../workspace/workspace.js';
import type { CursorContext, Frame } from './context.js';
import { entityProposal, valueProposal, wordProposal } from './items.js';
import type { Proposal } from './items.js';
import { bodyEntities, builtinEntities, usable } from './scope.js';
import { argumentProposals } from './values.js';

const STATEMENTS: Readonly<Record<string, string>> = {
  param: 'param ${1:name} = $0',
  dim: 'dim ${1:name} = $0',
  slot: 'slot ${1:name}',
  let: 'let ${1:name} = $0',
  require: 'require ${1:condition}, "$0"',
  return: 'return $0',
  yield: 'yield $0',
};

const statementRows = tokenTable.filter(({ category }) => category === 'statement');

export function statement(place: Place, context: CursorContext, inScan: boolean): readonly Proposal[] {
  const { part, owner } = context;
  const [first] = part;
  if (first === undefined) {
    const function_ = context.declaration?.keyword === 'fn';
    const fitting = statementRows.filter(({ pattern }) => {
      const word = String(pattern);
      if (inScan) return word === 'yield' || word === 'let' || word === 'dim' || word === 'require';
      return word !== 'yield' && !(function_ && (word === 'param' || word === 'slot'));
    });
    const states = inScan ? bodyEntities(place, context).filter(({ kind }) => kind === 'state') : [];
    return [
      ...fitting.map(({ pattern, doc }) => wordProposal(String(pattern), doc, STATEMENTS[String(pattern)], 1)),
      ...states.map((each) => entityProposal(each, place, { snippet: `${each.name} = $0`, rank: 1 })),
    ];
  }
  if (part.at(-1)?.image === '@') return attributes.map((each) => entityProposal(each, place, { snippet: 'init($0)' }));
  if (owner !== undefined) return parts.map((each) => entityProposal(each, place));
  if (first.image === 'param') return paramValue(place, context);
  if (first.image === 'slot' && part.at(-1)?.image === '=') {
    return usable(place, ['norm']).map(({ entity, edits }) => entityProposal(entity, place, { more: edits }));
  }
  if (part.length === 1 && ['dim', 'let', 'slot'].includes(first.image)) return [];
  return bodyValues(place, context);
}

/** After `param name`: a map or block, a condition, an attribute. */
function paramValue(place: Place, context: CursorContext): readonly Proposal[] {
  const { part } = context;
  if (part.at(-1)?.image === 'when') return bodyValues(place, context);
  const sign = part.findIndex(({ image }) => image === '=');
  if (sign < 0) return part.length < 2 ? [] : [wordProposal('when', 'Only where this holds.', 'when $0')];
  if (part.some(({ image }) => image === ':')) {
    return [...initializers.map((each) => entityProposal(each, place)), ...bodyValues(place, context)];
  }
  if (part.length > sign + 1) return [];
  return [
    ...moduleKinds.map((each) =>
      entityProposal(each, place, {
        rank: 1,
        snippet: each.name === 'linear' ? 'linear(${1:width} -> ${2:width})' : 'conv1d($0)',
      }),
    ),
    ...usable(place, ['block', 'norm']).map(({ entity, edits }) =>
      entityProposal(entity, place, { snippet: `${entity.name}($0)`, rank: edits.length === 0 ? 2 : 4, more: edits }),
    ),
  ];
}

/** Whatever an expression may name. */
export function bodyValues(place: Place, context: CursorContext): readonly Proposal[] {
  const own = bodyEntities(place, context);
  const names = new Set(own.map(({ name }) => name));
  return [
    ...own.map((each) => entityProposal(each, place, { rank: isTensor(each) ? 1 : 2, ...applied(each) })),
    ...usable(place, ['function']).flatMap(({ entity, edits }) =>
      names.has(entity.name)
        ? []
        : [
            entityProposal(entity, place, {
              snippet: `${entity.name}($0)`,
              rank: edits.length === 0 ? 3 : 5,
              more: edits,
            }),
          ],
    ),
    ...builtinEntities().flatMap((each) =>
      names.has(each.name) ? [] : [entityProposal(each, place, { snippet: `${each.name}($0)`, rank: 4 })],
    ),
    wordProposal(
      'scan',
      'A recurrence over time.',
      'scan (t in time, state ${1:h}: [${2:width}] = 0) {\n  $1 = $0\n  yield $1\n}',
      6,
    ),
    wordProposal('if', 'A choice by a condition known at compile time.', 'if $1 then $2 else $0', 6),
    ...constants.map((each) => entityProposal(each, place, { rank: 7 })),
    ...['true', 'false', 'none'].map((each) => ({ ...valueProposal(each), rank: 7 })),
  ];
}

const isTensor = ({ kind }: Entity): boolean => kind === 'input' || kind === 'value' || kind === 'state';

/** Maps and slots are applied. */
function applied({ kind, name, node }: Entity): Partial<Proposal> {
  const isMap = kind === 'slot' || (kind === 'param' && node?.kind === 'ParamStatement' && node.shape === undefined);
  return isMap ? { snippet: `${name}($0)` } : {};
}

/** Names of dimensions: `[time, heads, …]`. */
export function dimensions(place: Place, context: CursorContext): readonly Proposal[] {
  const own = bodyEntities(place, context).filter((each) => each.kind === 'dimension' || isSize(each));
  return [...timeAndWidth, ...own].map((each, rank) => entityProposal(each, place, { rank: Math.min(rank, 8) }));
}

/** The shape that inputs and results of most blocks, or norms, have. */
export function wholeShape({ declaration }: CursorContext): readonly Proposal[] {
  const tokens = wordProposal('[time, width]', 'A vector of the residual stream for each token.', '[time, width]', 1);
  const rows = wordProposal('[..., features]', 'Whatever the axes before the last.', '[..., features]', 1);
  const other = wordProposal('[ … ]', 'Names of dimensions.', '[$0]', 2);
  return [declaration?.keyword === 'norm' ? rows : tokens, other];
}

/** `scan (t in time, state h: [width] = 0)` */
export function scanHeader(place: Place, context: CursorContext): readonly Proposal[] {
  const { part, frames } = context;
  const frame = frames.at(-1);
  if (part.at(-1)?.image === 'in') return timeAndWidth.slice(0, 1).map((each) => entityProposal(each, place));
  if (part.at(-1)?.image === '=') return bodyValues(place, context);
  if (part.length > 0 || frame?.kind !== 'call') return [];
  if (frame.position === 0) return [wordProposal('t in time', 'Each position in turn.', '${1:t} in time', 1)];
  return [wordProposal('state', 'What is carried from one position to the next.', 'state ${1:h}: [${2:width}] = 0', 1)];
}

/** A parameter that may be a whole number. */
function isSize({ kind, node }: Entity): boolean {
  if (kind !== 'parameter' || node?.kind !== 'Parameter') return false;
  return node.type === undefined ? node.default?.kind !== 'BooleanLiteral' : node.type.text === 'int';
}

/** In the head of a block: types of parameters, defaults, shapes. */
export function parameter(place: Place, context: CursorContext): readonly Proposal[] {
  const { part } = context;
  if (part.at(-1)?.image === ':') return types.map((each) => entityProposal(each, place));
  if (part.at(-1)?.image === '=') {
    return [...dimensions(place, context), ...['true', 'false', 'none'].map((each) => valueProposal(each))];
  }
  return [];
}

export function bodyArgument(
  place: Place,
  context: CursorContext,
  frame: Extract<Frame, { kind: 'call' }>,
): readonly Proposal[] {
  if (frame.callee === 'init') return initializers.map((each) => entityProposal(each, place));
  const isMap = frame.callee === 'linear' || frame.callee === 'conv1d';
  const others = (): readonly Proposal[] =>
    isMap || context.part.at(-1)?.image === '->' ? dimensions(place, context) : bodyValues(place, context);
  return argumentProposals(place, context, frame, undefined, others);
}
