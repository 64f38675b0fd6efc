// Writes the standard library's texts into src/std/library.generated.ts, so that the compiler needs no file system.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The generated module's text, from the files of compiler/std. */
export function libraryModule() {
  const folder = join(root, 'std');
  const entries = readdirSync(folder)
    .filter((name) => name.endsWith('.hyb'))
    .sort()
    .map((name) => {
      const text = readFileSync(join(folder, name), 'utf8');
      const names = [...text.matchAll(/^(?:block|norm|fn|model|train|weights) +([A-Za-z_]\w*)/gm)].map(
        (match) => match[1],
      );
      return `  ${JSON.stringify(name)}: {\n    names: ${JSON.stringify(names).replaceAll(',', ', ')},\n    text: ${JSON.stringify(text)},\n  },\n`;
    });
  return `// Made from compiler/std by compiler/scripts/embed-library.mjs; change the .hyb files and run it again.

/** A file of the standard library: its text and the names that it declares. */
export interface LibraryFile {
  readonly names: readonly string[];
  readonly text: string;
}

export const library: Readonly<Record<string, LibraryFile>> = {
${entries.join('')}};
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(join(root, 'src/std/library.generated.ts'), libraryModule());
}
