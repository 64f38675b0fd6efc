/** Hints between the lines: shapes of values, parameters of layers, memory of models. */
import type { AstNode, BlockDeclaration, ModelDeclaration } from '@hyb/grammar';
import { walk } from '@hyb/grammar';
import { isModelField } from '@hyb/compiler/resolve/fields';
import type { UsedFact } from '@hyb/compiler/query/values';
import type { InlayHint, Range } from 'vscode-languageserver-types';
import { checkedModel, valuesOf } from '../workspace/models.js';
import type { Place } from '../workspace/workspace.js';
import { aliasText, factLines, modelText } from './facts-text.js';

export function inlayHints(place: Place, range: Range): readonly InlayHint[] {
  const from = place.offsetAt(range.start);
  const to = place.offsetAt(range.end);
  const { syntax, scope } = place.file;
  return syntax.declarations.flatMap((declaration): readonly InlayHint[] => {
    if (declaration.span.end < from || declaration.span.start > to) return [];
    switch (declaration.kind) {
      case 'ModelDeclaration':
        return modelHints(place, declaration);
      case 'BlockDeclaration':
        return bodyHints(place, declaration, valuesOf(place, { declaration, scope }));
      default:
        return [];
    }
  });
}

function modelHints(place: Place, declaration: ModelDeclaration): readonly InlayHint[] {
  const checked = checkedModel(place.root, { declaration, scope: place.file.scope })?.checked;
  if (checked === undefined) return [];
  const hints = [hint(place, declaration.name.span.end, modelText(checked))];
  for (const item of declaration.items) {
    if (item.kind !== 'Field' || item.target.steps.length > 0) continue;
    const { text } = item.target.root;
    const { length } = checked.model.layers;
    if (text === 'layers') hints.push(hint(place, item.span.end, length === 1 ? '1 layer' : `${length} layers`));
    const sum = isModelField(text) ? undefined : aliasText(checked, text);
    if (sum !== undefined) hints.push(hint(place, item.span.end, sum));
  }
  return hints;
}

function hint(place: Place, offset: number, label: string, tooltip?: string): InlayHint {
  const position = place.rangeOf({ start: offset, end: offset }).start;
  return {
    position,
    label,
    paddingLeft: true,
    ...(tooltip !== undefined && { tooltip: { kind: 'markdown', value: tooltip } }),
  };
}

type Table = ReturnType<typeof valuesOf>;

/** The shape of each `let` and `return`, scans included; of several uses the first, the others under the pointer. */
function bodyHints(place: Place, { body }: BlockDeclaration, table: Table): readonly InlayHint[] {
  const hints: InlayHint[] = [];
  const note = (node: AstNode, offset: number): void => {
    const facts = table.at(node.span);
    const text = shapeText(facts);
    if (text !== undefined)
      hints.push(
        hint(
          place,
          offset,
          text,
          factLines(facts)
            .map((line) => `- ${line}`)
            .join('\n'),
        ),
      );
  };
  for (const statement of body) {
    walk(statement, {
      LetStatement: ({ names, value }) => {
        if (names.length === 1) note(value, names[0]!.span.end);
        else for (const name of names) note(name, name.span.end);
      },
      ReturnStatement: ({ value, span }) => note(value, span.start + 'return'.length),
      YieldStatement: ({ value, span }) => note(value, span.start + 'yield'.length),
    });
  }
  return hints;
}

function shapeText(facts: readonly UsedFact[]): string | undefined {
  const shapes = facts.flatMap(({ fact }) =>
    fact.kind === 'tensor' ? [`${fact.shape}${fact.dtype ? ` ${fact.dtype}` : ''}`] : [],
  );
  const [first] = shapes;
  if (first === undefined) return undefined;
  const others = new Set(shapes).size - 1;
  return others === 0 ? `: ${first}` : `: ${first} (+${others})`;
}
