/** The parameters of the call that is being written. */
import { declarationEntity } from '@hyb/compiler/query/names/entity';
import { choiceEntity, findBuiltin, initializers, moduleKinds } from '@hyb/compiler/query/names/fixed';
import type { Position, SignatureHelp } from 'vscode-languageserver-types';
import type { Place } from '../workspace/workspace.js';
import { contextAt } from './completion/context.js';
import { choiceNamed } from './completion/recipe.js';
import { bodyEntities } from './completion/scope.js';
import { calleeParameters } from './completion/values.js';
import { codeOf } from './signatures.js';

export function signatureHelp(place: Place, position: Position): SignatureHelp | undefined {
  const offset = place.offsetAt(position);
  const context = contextAt(place.file.text, offset);
  const frame = context?.frames.findLast(({ kind }) => kind === 'call');
  if (context === undefined || frame?.kind !== 'call') return undefined;
  const { callee } = frame;
  const local = bodyEntities(place, context).find(({ name }) => name === callee);
  const declared = place.file.scope.find(callee);
  const entity = local ?? (declared && declarationEntity(declared));
  const choice = context.declaration?.keyword === 'train' ? choiceNamed(callee) : undefined;
  const table =
    choice === undefined
      ? ([...moduleKinds, ...initializers].find(({ name }) => name === callee) ?? findBuiltin(callee))
      : choiceEntity(choice);
  const parameters = calleeParameters(place, context, callee);
  if (entity === undefined && table === undefined) return undefined;
  const label = entity === undefined ? (table!.signature ?? callee) : codeOf(entity, place.project);
  const doc = entity?.doc ?? table?.doc;
  const current = context.frames.at(-1) === frame ? context.part : [];
  const name = current[1]?.image === '=' ? current[0]!.image : undefined;
  const named = parameters.findIndex((each) => each.entity.name === name);
  const shown = parameters.map(({ entity: parameter }, index) => ({
    label: parameterPlace(label, parameter.name) ?? (index === 0 ? firstPlace(label) : parameter.name),
    ...(parameter.doc !== undefined && { documentation: { kind: 'markdown' as const, value: parameter.doc } }),
  }));
  const active = name === undefined ? frame.position : named;
  return {
    signatures: [
      {
        label,
        ...(doc !== undefined && { documentation: { kind: 'markdown', value: doc } }),
        parameters: shown,
      },
    ],
    activeSignature: 0,
    ...(active >= 0 && active < shown.length && { activeParameter: active }),
  };
}

/** Where a parameter stands in the signature's text. */
function parameterPlace(label: string, name: string): [number, number] | undefined {
  const match = new RegExp(`(?<=[(,] *)${name}(?:: *\\w+)?(?: *= *[^,()]*(?:\\([^)]*\\))?)?(?= *[,)])`).exec(label);
  return match === null ? undefined : [match.index, match.index + match[0].length];
}

/** The first argument where it has no name: `from -> to` of a map. */
function firstPlace(label: string): [number, number] {
  const start = label.indexOf('(') + 1;
  return [start, start + /^[^,)]*/.exec(label.slice(start))![0].length];
}
