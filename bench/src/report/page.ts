/** `docs/benchmarks.md`: a section is replaced when it has been measured anew, and stays otherwise. */
import { formatBytes } from '@hyb/compiler/inspect/units';
import type { Conditions } from './conditions.js';
import type { Measurement, Section } from './section.js';

const ADAPTERS = [
  { kind: 'software', title: 'On the software adapter' },
  { kind: 'hardware', title: 'On a GPU' },
] as const;

const NOT_MEASURED = 'Not measured.';

const INTRODUCTION = `# Benchmarks

Written by \`npm run bench\`, which measures on the machine and adapter at hand and replaces the parts that it has measured;
\`npm run bench -- --help\` lists its options. Contenders run in processes of their own and take turns, round after round, so
that whatever else the machine does falls on all of them. Ratios are taken within a round; times are medians, with the least
and the most in parentheses. Where a machine was shared with other work its load says so: then times are longer than they
need be, ratios of CPU time are the steadiest numbers, and single times mean little.`;

/** A place in the page: between comments of its name. */
interface Slot {
  readonly name: string;
  readonly section: Section;
  readonly kind?: Conditions['adapter']['kind'];
}

function slotsOf(section: Section): readonly Slot[] {
  if (!section.onAdapter) return [{ name: section.name, section }];
  return ADAPTERS.map(({ kind }) => ({ name: `${section.name}, ${kind}`, section, kind }));
}

/** @param before the page as it was, if there was one */
export function updatePage(
  before: string,
  sections: readonly Section[],
  measured: readonly Measurement[],
  conditions: Conditions,
): string {
  const text = (slot: Slot): string => {
    const found = measured.find(
      ({ section }) =>
        section.name === slot.section.name && (slot.kind ?? conditions.adapter.kind) === conditions.adapter.kind,
    );
    const body = found
      ? `${circumstances(conditions, found)}\n\n${found.section.report(found.result, conditions)}`
      : (between(before, slot.name) ?? NOT_MEASURED);
    return `<!-- ${slot.name} -->\n\n${body.trim()}\n\n<!-- end of ${slot.name} -->`;
  };
  const parts = sections.map((section) => {
    const slots = slotsOf(section);
    const head = `## ${section.title}\n\n${section.about}`;
    const bodies = slots.map((slot) => {
      const title = ADAPTERS.find(({ kind }) => kind === slot.kind)?.title;
      return title === undefined ? text(slot) : `### ${title}\n\n${text(slot)}`;
    });
    return [head, ...bodies].join('\n\n');
  });
  return `${[INTRODUCTION, ...parts].join('\n\n')}\n`;
}

function between(page: string, name: string): string | undefined {
  const start = `<!-- ${name} -->`;
  const from = page.indexOf(start);
  const to = page.indexOf(`<!-- end of ${name} -->`);
  return from < 0 || to < from ? undefined : page.slice(from + start.length, to).trim();
}

/** One paragraph: when, what, where. */
export function circumstances(c: Conditions, { section, effort, load }: Measurement): string {
  const parts = [
    `${c.date}, commit ${c.commit}, Hyb ${c.hyb}, Node ${c.node}, ${c.system}`,
    `${c.cpu}, ${c.cores} cores, ${formatBytes(c.memory)}`,
    ...(section.onAdapter ? [`${c.adapter.name} (${c.adapter.kind === 'software' ? 'software' : 'GPU'})`] : []),
    `${effort.rounds} rounds`,
    `load ${load.before.toFixed(1)} before, ${load.after.toFixed(1)} after`,
  ];
  return `_${parts.join('; ')}._`;
}
