/** Pieces of Hyb in pages for people. */
import { readdirSync, readFileSync } from 'node:fs';
import { root } from './bundle.js';

export interface Snippet {
  /** Page and line. */
  readonly place: string;
  readonly text: string;
  /** Of the info string, such as `fragment=model`. */
  readonly marks: Readonly<Record<string, string>>;
}

export function readPage(path: string): string {
  return readFileSync(`${root}/${path}`, 'utf8');
}

export function snippetsOf(path: string): readonly Snippet[] {
  const page = readPage(path);
  return [...page.matchAll(/^```hyb *(.*)\n([^]*?)^```$/gm)].map((match) => {
    const line = page.slice(0, match.index).split('\n').length;
    const marks = match[1]!.split(' ').flatMap((mark) => (mark === '' ? [] : [mark.split('=') as [string, string]]));
    return { place: `${path}:${line}`, text: match[2]!, marks: Object.fromEntries(marks) };
  });
}

/** The pages that have some; those of errors have a test of their own. */
export const PAGES_WITH_SNIPPETS: readonly string[] = ['docs', 'vscode/walkthrough']
  .flatMap((folder) =>
    (readdirSync(`${root}/${folder}`, { recursive: true }) as string[]).map(
      (path) => `${folder}/${path.replaceAll('\\', '/')}`,
    ),
  )
  .concat('README.md')
  .filter((path) => path.endsWith('.md') && !path.startsWith('docs/errors/'))
  .filter((path) => snippetsOf(path).length > 0);
