/** What each stage of the compiler makes of a model, as text: `hyb build --print STAGE`, and the playground's stages. */
import type { Checked, CheckedModel } from '../compile.js';
import { planModel } from '../compile.js';
import { printModelGraph } from '../graph/print.js';
import type { Plan } from '../plan/plan.js';
import { printModel } from '../resolve/print-model.js';
import { printWgsl } from '../wgsl/index.js';

export const STAGES = ['ast', 'model', 'graph', 'plan', 'program', 'wgsl'] as const;
export type PrintableStage = (typeof STAGES)[number];

/** @param makePlan for those who have planned the model already; called for the last three stages only */
export function printStage(
  stage: PrintableStage,
  { project }: Checked,
  checked: CheckedModel,
  makePlan: () => Plan = () => planModel(checked),
): string {
  switch (stage) {
    case 'ast':
      return `${JSON.stringify(project.entries[0]!.syntax, withoutSpans, 2)}\n`;
    case 'model':
      return printModel(checked.model);
    case 'graph':
      return `${printModelGraph(checked.graph).trimEnd()}\n`;
    case 'plan': {
      const { program } = makePlan();
      const stages = program.stages.map(({ id, prefill, decode }) => {
        const steps = (name: string, list: typeof decode): string[] =>
          list.length === 0 ? [] : [`  ${name}`, ...list.map(({ kernel, label }) => `    ${kernel}: ${label}`)];
        return [`stage ${id}`, ...steps('prefill', prefill), ...steps('decode', decode)].join('\n');
      });
      const schedule = program.schedule.map(({ label, stage: id }) => `  ${label}: ${id}`);
      return `${[...stages, ['schedule', ...schedule].join('\n')].join('\n\n')}\n`;
    }
    case 'program':
      return `${JSON.stringify(makePlan().program, null, 2)}\n`;
    case 'wgsl':
      return [...makePlan().kernels]
        .map(([name, kernel]) => `// ${name}.wgsl\n\n${printWgsl(kernel).trimEnd()}\n`)
        .join('\n\n');
  }
}

/** Places are for tools; people look for the structure. */
function withoutSpans(key: string, value: unknown): unknown {
  return key === 'span' ? undefined : value;
}
