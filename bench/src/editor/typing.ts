/**
 * A process that types into a project and prints what it measured, as JSON: `node typing.js CASE EDITS`. Each keystroke is a
 * change of the document and all findings after it, as the language server gives them.
 */
import { pathToFileURL } from 'node:url';
import { allDiagnostics, MemoryFiles, Workspace } from '@hyb/server';
import { generateProject, singleFile } from './project.js';
import type { Texts } from './project.js';

export interface TypingTimes {
  /** Milliseconds a keystroke. */
  readonly median: number;
  readonly p99: number;
  readonly cpuMedian: number;
  readonly lines: number;
  /** Bytes of the heap after garbage collection: after a tenth of the edits, and at the end. */
  readonly heap: readonly [early: number, late: number];
}

export const LINES = 2000;
const ROOT = 'file:///project/';

interface Case {
  readonly texts: Texts;
  /** Files that are open; the first is typed into. */
  readonly open: readonly string[];
  /** What the line that is typed comes after. */
  readonly after: string;
  readonly typed: string;
}

export const CASES = {
  model: (): Case => ({
    texts: generateProject(LINES),
    open: ['models-0.hyb'],
    after: 'H = Block0x1(inner = width)\n',
    typed: '  K = Attention(heads = 8, cap = 50)\n',
  }),
  block: (): Case => ({
    texts: generateProject(LINES),
    open: ['blocks-0.hyb', 'models-0.hyb', 'models-1.hyb'],
    after: 'let u = up(x) * scale\n',
    typed: '  let extra = softmax(u, inner) * u\n',
  }),
  long: (): Case => ({
    texts: generateProject(1),
    open: ['models-0.hyb'],
    after: 'model Variant0x0 = Base0 with {\n',
    typed: '  F.bias = true\n  M.state = 32, A.window = 512\n',
  }),
  single: (): Case => ({
    texts: { 'all.hyb': singleFile(LINES) },
    open: ['all.hyb'],
    after: 'H = Block0x1(inner = width)\n',
    typed: '  K = Attention(heads = 8, cap = 50)\n',
  }),
} as const;
export type CaseName = keyof typeof CASES;

export function type(name: CaseName, edits: number, collect: () => void): TypingTimes {
  const { texts, open, after, typed } = CASES[name]();
  const files = Object.fromEntries(Object.entries(texts).map(([file, text]) => [ROOT + file, text]));
  const workspace = new Workspace(new MemoryFiles(files, [ROOT]));
  let version = 0;
  const set = (file: string, text: string): void =>
    workspace.set({ uri: ROOT + file, version: version++, getText: () => text });
  for (const file of open) set(file, texts[file]!);
  const [file] = open as readonly [string];
  const text = texts[file]!;
  const at = text.indexOf(after) + after.length;
  if (at < after.length) throw new Error(`${file} has no ${after}`);
  const before = allDiagnostics(workspace);
  const clean = [...before.values()].flat().filter(({ severity }) => severity === 1);
  if (clean.length > 0) throw new Error(`the project has errors: ${clean[0]!.message}`);
  const times: number[] = [];
  const cpu: number[] = [];
  const heap: number[] = [];
  for (let edit = 0; edit < edits; edit++) {
    // The line is typed letter by letter, and taken away the same way.
    const step = edit % (2 * typed.length);
    const length = step < typed.length ? step + 1 : 2 * typed.length - step - 1;
    // Every pass is a little different, so that nothing is found again.
    const mark = edit < 2 * typed.length ? '' : `// ${Math.floor(edit / (2 * typed.length))}\n`;
    const changed = `${text.slice(0, at)}${typed.slice(0, length)}${text.slice(at)}${mark}`;
    const start = performance.now();
    const used = process.cpuUsage();
    set(file, changed);
    allDiagnostics(workspace);
    const { user, system } = process.cpuUsage(used);
    times.push(performance.now() - start);
    cpu.push((user + system) / 1e3);
    if (edit + 1 === Math.floor(edits / 10) || edit + 1 === edits) {
      collect();
      heap.push(process.memoryUsage().heapUsed);
    }
  }
  const sorted = (values: readonly number[]): readonly number[] => [...values].sort((a, b) => a - b);
  const share = (values: readonly number[], part: number): number =>
    values[Math.min(values.length - 1, Math.floor(values.length * part))]!;
  return {
    median: share(sorted(times), 0.5),
    p99: share(sorted(times), 0.99),
    cpuMedian: share(sorted(cpu), 0.5),
    lines: Object.values(texts).reduce((sum, each) => sum + each.split('\n').length, 0),
    heap: [heap[0]!, heap.at(-1)!],
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [name, edits] = process.argv.slice(2) as [CaseName, string];
  const { gc } = globalThis as { gc?: () => void };
  process.stdout.write(JSON.stringify(type(name, Number(edits), () => gc?.())));
}
