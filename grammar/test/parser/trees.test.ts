import { type AstNode, childrenOf, parse, walk } from '@hyb/grammar';
import { outline } from '../support/outline.js';
import { design, standardLibrary } from '../support/sources.js';

const sources = [
  ...standardLibrary(),
  ...Object.entries(design).map(([name, text]) => ({ path: `design: ${name}`, text })),
];

test.each(sources)('the tree of $path', ({ path, text }) => {
  const { file, diagnostics } = parse(text, path);
  expect(diagnostics).toEqual([]);
  expect(outline(file)).toMatchSnapshot();
});

test.each(sources)('spans of $path lie in each other and cover what they name', ({ path, text }) => {
  const { file } = parse(text, path);
  const check = (node: AstNode) => {
    const { start, end } = node.span;
    const covered = text.slice(start, end);
    expect(covered).toBe(covered.trim() === '' ? covered : node.kind === 'SourceFile' ? covered : covered.trim());
    if (node.kind === 'Name') expect(covered).toBe(node.text);
    if (node.kind === 'NumberLiteral') expect(covered.startsWith(node.raw)).toBe(true);
    let last = start;
    for (const child of childrenOf(node)) {
      expect(child.span.start).toBeGreaterThanOrEqual(last);
      expect(child.span.end).toBeLessThanOrEqual(end);
      last = child.span.end;
    }
  };
  walk(file, { enter: check });
});
