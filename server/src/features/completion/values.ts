/** Proposals for values: of parameters by their kind, of options, of whatever an expression may hold. */
import { parametersOf } from '@hyb/compiler/query/names/expressions';
import {
  constants,
  fieldEntities,
  findBuiltin,
  initializerOptions,
  initializers,
  moduleKinds,
  moduleOptions,
  optionEntity,
} from '@hyb/compiler/query/names/fixed';
import type { Entity } from '@hyb/compiler/query/names/entity';
import { declarationEntity } from '@hyb/compiler/query/names/entity';
import type { ModelFacts } from '@hyb/compiler/query/names/model-facts';
import type { Builtin, BuiltinParameter } from '@hyb/compiler/trace/builtins/builtin';
import type { Parameter } from '@hyb/grammar';
import type { Place } from '../../workspace/workspace.js';
import type { CursorContext, Frame } from './context.js';
import { assigned, entityProposal, valueProposal } from './items.js';
import type { Proposal } from './items.js';
import { choiceNamed } from './recipe.js';
import { bodyEntities, builtinEntities, usable } from './scope.js';

/** A norm for a slot, or none. */
export function normValues(place: Place): readonly Proposal[] {
  return [
    ...usable(place, ['norm']).map(({ entity, edits }) =>
      entityProposal(entity, place, { rank: edits.length === 0 ? 1 : 3, more: edits }),
    ),
    valueProposal('none', 'Empties the slot.'),
  ];
}

/** What fits a parameter of a block. */
export function kindValues(place: Place, { type, default: fallback }: Parameter): readonly Proposal[] | undefined {
  const kind = type?.text ?? (fallback?.kind === 'BooleanLiteral' ? 'bool' : undefined);
  const none = fallback?.kind === 'NoneLiteral' ? [valueProposal('none', 'Not given.')] : [];
  switch (kind) {
    case 'bool':
      return [valueProposal('true'), valueProposal('false')];
    case 'norm':
      return normValues(place);
    case 'fn':
      return [...functionValues(place), ...none];
    default:
      return none.length === 0 ? undefined : none;
  }
}

function functionValues(place: Place): readonly Proposal[] {
  const oneTensor = builtinEntities().filter(({ name }) => {
    const needed = findBuiltin(name)!.parameters.filter((each) => each.default === undefined);
    return needed.length === 1 && needed[0]!.kind === 'tensor' && needed[0]!.rest !== true;
  });
  return [
    ...usable(place, ['function']).map(({ entity, edits }) =>
      entityProposal(entity, place, { rank: edits.length === 0 ? 1 : 3, more: edits }),
    ),
    ...oneTensor.map((each) => entityProposal(each, place, { rank: 2 })),
  ];
}

/** Values of a model's fields and arguments. */
export function expressionValues(
  place: Place,
  facts: ModelFacts | undefined,
  parameter?: Parameter,
): readonly Proposal[] {
  const fitting = parameter === undefined ? undefined : kindValues(place, parameter);
  if (fitting !== undefined) return fitting;
  const sizes = ['vocab', 'width', 'context'].map((name) => ({ kind: 'field', name, owner: 'model' }) as const);
  return [
    ...[...(facts?.own.values() ?? [])].flatMap((each) =>
      each.kind === 'constant' ? [entityProposal(each, place, { rank: 1 })] : [],
    ),
    ...sizes.map((each) => entityProposal(each, place, { rank: 2 })),
    ...constants.filter(({ name }) => name === 'inf').map((each) => entityProposal(each, place, { rank: 6 })),
    ...['true', 'false', 'none'].map((each) => ({ ...valueProposal(each), rank: 7 })),
  ];
}

type CallFrame = Extract<Frame, { kind: 'call' }>;

/** Names of a call's parameters that are not given yet, and values for the one that is being written. */
export function argumentProposals(
  place: Place,
  context: CursorContext,
  frame: CallFrame,
  facts: ModelFacts | undefined,
  others: () => readonly Proposal[],
): readonly Proposal[] {
  const { part } = context;
  const name = part[1]?.image === '=' ? part[0]!.image : undefined;
  const known = calleeParameters(place, context, frame.callee);
  if (name === undefined) {
    if (part.length > 0) return others();
    // Tensors are given by place.
    const isGiven = ({ entity, option }: CalleeParameter): boolean =>
      frame.given.includes(entity.name) || (option?.default === undefined && option?.kind === 'tensor');
    const names = known.filter((each) => !isGiven(each));
    // What has to be given comes first.
    const ordered = [...names.filter(isRequired), ...names.filter((each) => !isRequired(each))];
    return [...ordered.map(({ entity }, order) => assigned(entity, place, { rank: 1, order })), ...others()];
  }
  if (part.length > 2) return others();
  const parameter = known.find(({ entity }) => entity.name === name);
  const fitting =
    parameter?.node !== undefined
      ? kindValues(place, parameter.node)
      : parameter?.option !== undefined
        ? optionValues(parameter.option, place)
        : undefined;
  return fitting ?? [...(facts === undefined ? [] : expressionValues(place, facts)), ...others()];
}

interface CalleeParameter {
  readonly entity: Entity;
  readonly node?: Parameter;
  readonly option?: BuiltinParameter;
}

function isRequired({ node, option }: CalleeParameter): boolean {
  if (node !== undefined) return node.default === undefined;
  return option !== undefined && option.default === undefined;
}

export function calleeParameters(place: Place, context: CursorContext, callee: string): readonly CalleeParameter[] {
  const local = bodyEntities(place, context).find(({ name }) => name === callee);
  const declared = place.file.scope.find(callee);
  const entity = local ?? (declared && declarationEntity(declared));
  if (entity !== undefined) {
    return parametersOf(entity).map((each) => ({
      entity: each,
      ...(each.node?.kind === 'Parameter' && { node: each.node }),
    }));
  }
  if (moduleKinds.some(({ name }) => name === callee)) return moduleOptions(callee).map((each) => ({ entity: each }));
  const builtin = findBuiltin(callee) ?? scalingOf(callee);
  if (builtin !== undefined) {
    return builtin.parameters.map((option) => ({ entity: optionEntity(option, callee), option }));
  }
  const choice = context.declaration?.keyword === 'train' ? choiceNamed(callee) : undefined;
  if (choice !== undefined) return fieldEntities(choice.parameters, callee).map((each) => ({ entity: each }));
  if (initializers.some(({ name }) => name === callee))
    return initializerOptions(callee).map((each) => ({ entity: each }));
  return [];
}

/** Functions that are known only as the value of one option. */
function scalingOf(name: string): Builtin | undefined {
  for (const { name: owner } of builtinEntities()) {
    for (const { of } of findBuiltin(owner)!.parameters) {
      const found = of?.find((each) => each.name === name);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function optionValues(
  { choices, of, default: fallback }: BuiltinParameter,
  place: Place,
): readonly Proposal[] | undefined {
  const none = fallback?.kind === 'none' ? [valueProposal('none', 'Not given.')] : [];
  if (choices !== undefined) return choices.map((each) => valueProposal(JSON.stringify(each)));
  if (of !== undefined) {
    const entities = of.map(({ name, doc, signature }): Entity => ({ kind: 'choice', name, doc, signature }));
    return [...entities.map((each) => entityProposal(each, place, { snippet: `${each.name}($0)` })), ...none];
  }
  return none.length === 0 ? undefined : none;
}
