import { childrenOf, nodesAt, parse, walk } from '@hyb/grammar';

const text = 'model A { x = f(1, y = 2) + -z }';
const { file } = parse(text, 'a.hyb');

test('a walk visits every node, parents first and in source order', () => {
  const kinds: string[] = [];
  walk(file, { enter: ({ kind }) => void kinds.push(kind) });
  expect(kinds).toEqual([
    ...['SourceFile', 'ModelDeclaration', 'Name', 'Field', 'Path', 'Name', 'Binary', 'Call', 'Name'],
    ...['Argument', 'NumberLiteral', 'Argument', 'Name', 'NumberLiteral', 'Unary', 'Name'],
  ]);
});

test('a visitor of one kind gets its nodes with their ancestors, and may leave out what is below', () => {
  const seen: string[] = [];
  walk(file, {
    Argument: () => false,
    Name: (node, ancestors) => void seen.push(`${ancestors.at(-1)!.kind} ${node.text}`),
  });
  expect(seen).toEqual(['ModelDeclaration A', 'Path x', 'Call f', 'Unary z']);
});

test('children are single nodes and members of lists alike', () => {
  const [model] = file.declarations;
  expect(childrenOf(model!).map(({ kind }) => kind)).toEqual(['Name', 'Field']);
});

test('the nodes around an offset', () => {
  expect(nodesAt(file, text.indexOf('2')).map(({ kind }) => kind)).toEqual([
    ...['SourceFile', 'ModelDeclaration', 'Field', 'Binary', 'Call', 'Argument', 'NumberLiteral'],
  ]);
});
