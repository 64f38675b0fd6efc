import type { DocumentedEntry } from './entry.js';

/** The page of a code in docs/errors, as Markdown. */
export function errorPage(code: string, entry: DocumentedEntry): string {
  const kind = entry.severity === 'warning' ? 'Warning' : 'Error';
  return `# ${code}: ${entry.title}

${kind}. \`${entry.message.replaceAll('`', "'")}\`

${entry.explanation}

## Example

${fenced(code, entry.example)}

## Repaired

${fenced(code, entry.fixed)}
`;
}

/** The list of all codes, as Markdown. */
export function errorIndex(catalogue: ReadonlyMap<string, DocumentedEntry>): string {
  const rows = [...catalogue].map(([code, { title }]) => `| [${code}](${code}.md) | ${title} |`);
  return `# Errors and warnings

Made from the tables of messages by \`node compiler/scripts/error-pages.mjs\`. \`hyb explain CODE\` prints the same pages.

| code | |
|---|---|
${rows.join('\n')}
`;
}

/** Findings about imported models have a `config.json` as their example. */
function fenced(code: string, source: string): string {
  const language = code.startsWith('HYB7') ? 'json' : 'hyb';
  return `\`\`\`${language}\n${source.replace(/\n$/, '')}\n\`\`\``;
}

/** The files of an example: the first is `main.hyb`, others follow lines of the form `// file: name.hyb`. */
export function exampleFiles(source: string): Readonly<Record<string, string>> {
  const [main, ...others] = source.split(/^\/\/ file: /m);
  const files: Record<string, string> = { 'main.hyb': main! };
  for (const other of others) {
    const end = other.indexOf('\n');
    files[other.slice(0, end)] = other.slice(end + 1);
  }
  return files;
}

/** The model that an example asks for by a first line `// model: Name`. */
export function exampleModel(source: string): string | undefined {
  return /^\/\/ model: (\w+)$/m.exec(source)?.[1];
}
