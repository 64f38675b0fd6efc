import type { BlockDeclaration, Comment, Declaration } from '../ast/ast.js';
import type { Findings } from './findings.js';
import { replacing } from './findings.js';
import { report } from './messages.js';

/** Doc comments that do not describe what their place suggests. `stray` are those that describe nothing. */
export function reportDocs(
  comments: readonly Comment[],
  stray: readonly Comment[],
  text: string,
  findings: Findings,
): void {
  for (const comment of comments) {
    const { doc, span } = comment;
    const slashes = { ...span, end: span.start + 3 };
    const fixes = [replacing('Write `//`', slashes, '//')];
    if (doc && stray.includes(comment)) findings.add(report('HYB0008', slashes, {}, { fixes }));
    else if (doc && isAfterCode(text, span.start)) findings.add(report('HYB0014', slashes, {}, { fixes }));
  }
}

function isAfterCode(text: string, offset: number): boolean {
  let start = offset;
  while (start > 0 && !/[\r\n]/.test(text.charAt(start - 1))) start--;
  return text.slice(start, offset).trim() !== '';
}

/** `dim size = width // heads` is a comment where other languages divide. */
export function reportSlashes(
  declarations: readonly Declaration[],
  comments: readonly Comment[],
  text: string,
  findings: Findings,
): void {
  for (const declaration of declarations) {
    if (declaration.kind === 'BlockDeclaration') reportSlashesOf(declaration, comments, text, findings);
  }
}

function reportSlashesOf(
  block: BlockDeclaration,
  comments: readonly Comment[],
  text: string,
  findings: Findings,
): void {
  const dims = block.body.filter((each) => each.kind === 'DimStatement');
  const known = new Set([
    'width',
    'time',
    ...block.parameters.map(({ name }) => name.text),
    ...dims.map(({ name }) => name.text),
  ]);
  for (const { value } of dims) {
    const comment = comments.find(({ span }) => span.start >= value.span.end);
    if (comment === undefined || comment.doc) continue;
    const between = text.slice(value.span.end, comment.span.start);
    const operand = comment.text.trim();
    if (!/^[\s)]*$/.test(between) || /[\r\n]/.test(between) || !(known.has(operand) || /^\d+$/.test(operand))) continue;
    const slashes = { ...comment.span, end: comment.span.start + 2 };
    const fix = replacing('Write `div`', slashes, 'div');
    findings.add(report('HYB0012', slashes, { operand }, { fixes: [fix] }));
  }
}
