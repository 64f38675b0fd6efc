/** Sources of the examples in the catalogues: the smallest block around some lines. */
export function blockWith(...lines: readonly string[]): string {
  return ['block Example(x: [time, width]) -> [time, width] {', ...lines.map((line) => `  ${line}`), '}'].join('\n');
}

/** A scan in a block, around some lines of its body. */
export function scanWith(...lines: readonly string[]): string {
  return blockWith('return scan (t in time, state h: [width] = 0) {', ...lines.map((line) => `  ${line}`), '}');
}

/** A model of one layer, that block, with declarations before it. */
export function modelWith(declarations: string, layer: string): string {
  return [
    declarations,
    '',
    'model Small {',
    '  vocab   = 256',
    '  width   = 64',
    '  context = 128',
    `  B = ${layer}`,
    '  layers = [B]',
    '}',
  ].join('\n');
}
