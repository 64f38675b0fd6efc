/** Compiles one model, stage by stage, in a process that has done nothing before; prints milliseconds as JSON. */
import { check, hasErrors, loadProject, planModel, printWgsl, resolve, trace, version } from '@hyb/compiler';
import { emit } from '@hyb/compiler/emit/emit';
import { sourcesIn } from '../source-host.js';

/** Milliseconds, in the order of the compiler's arrows. */
export interface StageTimes {
  /** Files to syntax trees, `use` followed. */
  readonly parse: number;
  readonly resolve: number;
  readonly trace: number;
  /** Fusion, kernels, plan. */
  readonly plan: number;
  readonly wgsl: number;
  /** TypeScript, its declarations, and the files' texts. */
  readonly emit: number;
}

const [root, source] = process.argv.slice(2) as [string, string];
const host = sourcesIn(root);
const times: Partial<Record<keyof StageTimes, number>> = {};
function timed<T>(stage: keyof StageTimes, work: () => T): T {
  const start = performance.now();
  const result = work();
  times[stage] = performance.now() - start;
  return result;
}

const project = timed('parse', () => loadProject(host, source));
const { models, diagnostics } = timed('resolve', () => resolve(project));
const [model] = models;
if (!model || hasErrors(diagnostics)) throw new Error(`${source} has errors`);
timed('trace', () => trace(model));
// What stands between the stages (precision, weight maps) is little; all of it is made once more here.
const [checked] = check(host, source).models;
const plan = timed('plan', () => planModel(checked!));
timed('wgsl', () => [...plan.kernels.values()].map((kernel) => printWgsl(kernel)));
const start = performance.now();
await emit(plan, { runtimeVersion: version });
// It prints the kernels too.
times.emit = Math.max(0, performance.now() - start - times.wgsl!);
process.stdout.write(JSON.stringify(times));
