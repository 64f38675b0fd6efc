import { reporter } from '@hyb/grammar';
import type { DocumentedCatalogue } from '../diagnostics/entry.js';

/** Files, imports and the names that files declare. */
export const sourceMessages = {
  HYB1001: {
    title: 'File not found',
    message: "There is no file '{path}' in the project.",
    explanation:
      'A `use` names a file relative to the file in which it stands. Nothing was found there. The project is the folder that holds the file being compiled (or the folder given as its root), and only files in it can be used.',
    example: 'use "./block.hyb".{Leaky}\n// file: blocks.hyb\nblock Leaky(x: [time, width]) { return x }',
    fixed: 'use "./blocks.hyb".{Leaky}\n// file: blocks.hyb\nblock Leaky(x: [time, width]) { return x }',
  },
  HYB1002: {
    title: 'Outside the project',
    message: "'{path}' leads out of the project's root.",
    explanation:
      'A `.hyb` file can use files of its own project only, so that a file from elsewhere cannot read what lies beside the project. Copy the file into the project, or take a folder further up as the root.',
    example: 'use "../secret.hyb".{Leaky}',
    fixed: 'use "./blocks.hyb".{Leaky}\n// file: blocks.hyb\nblock Leaky(x: [time, width]) { return x }',
  },
  HYB1003: {
    title: 'Circular use',
    message: 'These files use each other in a circle: {chain}.',
    explanation:
      'Files form a tree of uses without circles, so that every name has one meaning before it is used. Move what both files need into a third file.',
    example:
      'use "./a.hyb".{F}\n// file: a.hyb\nuse "./b.hyb".{G}\nfn F(x) = x\n// file: b.hyb\nuse "./a.hyb".{F}\nfn G(x) = x',
    fixed: 'use "./a.hyb".{F}\n// file: a.hyb\nuse "./b.hyb".{G}\nfn F(x) = x\n// file: b.hyb\nfn G(x) = x',
  },
  HYB1004: {
    title: 'Unknown library',
    message: "There is no library '{library}'.",
    explanation:
      'Names without quotes after `use` are the standard library, `std`, or one of its files, such as `std.norms`. Files of the project stand in quotes: `use "./blocks.hyb".{Leaky}`.',
    example: 'use stdlib.{MLP}',
    fixed: 'use std.{MLP}',
  },
  HYB1005: {
    title: 'Name not in the file',
    message: "'{file}' declares no '{name}'.",
    explanation:
      'The file that a `use` names was found, and the name between the braces is not declared in it. Only what a file declares itself can be imported from it; what it imports cannot.',
    example: 'use std.{Mamba}',
    fixed: 'use std.{Mamba2}',
  },
  HYB1006: {
    title: 'Declared twice',
    message: "'{name}' is declared twice in this file.",
    explanation:
      'Every name of a file, declared or imported, means one thing. Rename one of the two; an imported name can be renamed with `as`.',
    example: 'fn twice(x) = 2 * x\nfn twice(x) = x + x',
    fixed: 'fn twice(x) = 2 * x\nfn also_twice(x) = x + x',
  },
  HYB1007: {
    title: 'Imported twice',
    message: "'{name}' is imported twice.",
    explanation: 'Every name of a file means one thing. Remove one of the imports, or rename one with `as`.',
    example: 'use std.{MLP}\nuse std.{GatedMLP as MLP}',
    fixed: 'use std.{MLP}\nuse std.{GatedMLP}',
  },
  HYB1008: {
    title: 'Not a path of a project file',
    message: "The path '{path}' {reason}.",
    explanation:
      'A path in `use` is relative to the file in which it stands, has `/` between its parts and ends in `.hyb`. Absolute paths and addresses are refused: a model means the same on every machine.',
    example: 'use "https://example.org/blocks.hyb".{Leaky}',
    fixed: 'use "./blocks.hyb".{Leaky}\n// file: blocks.hyb\nblock Leaky(x: [time, width]) { return x }',
  },
} as const satisfies DocumentedCatalogue;

export const reportSource: ReturnType<typeof reporter<typeof sourceMessages>> = reporter(sourceMessages);
