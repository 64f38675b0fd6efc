/** What the numbers depend on, beside the code. */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, totalmem, release, type } from 'node:os';
import { adapterKind, listAdapters } from '@hyb/adapter';
import type { AdapterDescription, AdapterKind } from '@hyb/adapter';
import { version } from '@hyb/compiler';
import type { Basis } from '../rounds/rounds.js';

export interface Conditions {
  /** ISO, to the minute, UTC. */
  readonly date: string;
  /** Short hash; `+` behind it: with changes that are not committed. */
  readonly commit: string;
  readonly hyb: string;
  readonly node: string;
  readonly system: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memory: number;
  readonly adapter: { readonly kind: AdapterKind; readonly name: string; readonly features: readonly string[] };
}

/** A software adapter's time is that of the CPU, which other work takes part of: there shares are of CPU time. */
export function basisOf({ kind }: Conditions['adapter']): Basis {
  return kind === 'software' ? 'cpu' : 'milliseconds';
}

export async function conditions(root: string): Promise<Conditions> {
  const kind = await adapterKind();
  const used = (await listAdapters()).find((each) => each.software === (kind === 'software'));
  return {
    date: `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    commit: commitOf(root),
    hyb: version,
    node: process.version,
    system: `${type()} ${release().split('-')[0]}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory: totalmem(),
    adapter: { kind, name: used ? nameOf(used) : 'none', features: used?.features ?? [] },
  };
}

function nameOf({ description, device, vendor, architecture }: AdapterDescription): string {
  return description || device || `${vendor} ${architecture}`.trim();
}

function commitOf(root: string): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', '--untracked-files=no') ? '+' : ''}`;
  } catch {
    return 'unknown';
  }
}

/** Processes that wanted to run in the last minute: above the number of cores, others took part of the machine. */
export function load(): number {
  return loadavg()[0]!;
}
