import { reporter } from '@hyb/grammar';

test('a reporter fills in its placeholders', () => {
  const report = reporter({ HYB1001: { title: 'Unknown name', message: "There is no '{name}' here." } } as const);
  const span = { file: 'a.hyb', start: 0, end: 1 } as never;
  expect(report('HYB1001', span, { name: 'Mamba3' }).message).toBe("There is no 'Mamba3' here.");
});
