import { adapterKind, listAdapters } from '@hyb/adapter';
import type { AdapterDescription } from '@hyb/adapter';
import { formatBytes, formatCount } from '@hyb/compiler/inspect/units';
import { EXIT } from '../terminal/errors.js';
import type { Io } from '../terminal/io.js';
import { withProgress } from '../terminal/progress.js';

export interface DevicesOptions {
  readonly json?: boolean;
}

const FEATURES = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'];

export async function devices(io: Io, { json }: DevicesOptions): Promise<number> {
  const problems: string[] = [];
  const { adapters, kind } = await withProgress(io, async (progress) => {
    progress.show('Looking for adapters');
    const found = await listAdapters({ onProblem: (message) => problems.push(message) });
    return { adapters: found, kind: await adapterKind() };
  });
  const used = adapters.find((adapter) => adapter.software === (kind === 'software'));
  if (json) {
    const list = adapters.map((adapter) => ({ ...adapter, used: adapter === used }));
    io.out(`${JSON.stringify({ adapters: list, problems }, null, 2)}\n`);
  } else {
    for (const problem of problems) io.err(io.paintErr.dim(`${firstLine(problem)}\n`));
    if (adapters.length === 0) io.out('There is no adapter.\n');
    for (const adapter of adapters) printAdapter(io, adapter, adapter === used);
  }
  return adapters.length > 0 ? EXIT.ok : EXIT.failed;
}

/** What a driver says of itself goes on for lines. */
function firstLine(problem: string): string {
  return problem.split('\n', 1)[0]!;
}

function printAdapter({ out, paint }: Io, adapter: AdapterDescription, used: boolean): void {
  const { limits, features } = adapter;
  const name = adapter.description || adapter.device || adapter.vendor || 'adapter';
  out(`${used ? paint.green('*') : ' '} ${paint.bold(name)}${adapter.software ? ' (software)' : ''}\n`);
  const memory = formatBytes(limits['maxComputeWorkgroupStorageSize'] ?? 0);
  const facts = [
    `bindings up to ${formatBytes(limits['maxStorageBufferBindingSize'] ?? 0)}`,
    `workgroups of ${formatCount(limits['maxComputeInvocationsPerWorkgroup'] ?? 0)} with ${memory}`,
    FEATURES.filter((feature) => features.includes(feature)).join(', ') || 'core features only',
  ];
  out(`  ${paint.dim(facts.join('; '))}\n`);
}
