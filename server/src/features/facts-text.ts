/** Facts about values and models in words. */
import type { CheckedModel } from '@hyb/compiler';
import { decodeState, parameterCount, parameters } from '@hyb/compiler/trace/facts';
import { layerTable } from '@hyb/compiler/inspect/layers';
import { formatBytes, formatCount } from '@hyb/compiler/inspect/units';
import type { UsedFact, ValueFact } from '@hyb/compiler/query/values';

const BYTES: Readonly<Record<string, number>> = { f32: 4, f16: 2, bf16: 2, e4m3: 1, e5m2: 1 };

/** One line for each way in which a value is used: `[time, width: 64] bf16 · 128 bytes a token (A of Tiny)`. */
export function factLines(facts: readonly UsedFact[]): readonly string[] {
  const uses = new Map<string, string[]>();
  for (const { fact, use } of facts) {
    const text = factText(fact);
    const all = uses.get(text) ?? [];
    uses.set(text, all);
    if (use !== undefined) all.push(`\`${use.alias}\` of \`${use.model}\``);
  }
  return [...uses].map(([text, all]) => {
    const shown = all.length > 4 ? [...all.slice(0, 4), '…'] : all;
    return shown.length === 0 ? text : `${text} in ${shown.join(', ')}`;
  });
}

export function factText(fact: ValueFact): string {
  switch (fact.kind) {
    case 'tensor': {
      const { shape, dtype, elements } = fact;
      if (dtype === undefined || elements === undefined) return `\`${shape}\``;
      const bytes = formatBytes(elements.count * (BYTES[dtype] ?? 4));
      return `\`${shape} ${dtype}\`, ${bytes}${elements.perToken ? ' a token' : ''}`;
    }
    case 'constant':
      return `\`${fact.text}\``;
    case 'slot':
      return fact.norm === null ? 'empty' : `\`${fact.norm}\``;
    case 'module': {
      const counted = fact.parameters.flatMap(({ count }) => (count === undefined ? [] : [count]));
      const total = counted.reduce((sum, each) => sum + each, 0);
      const tensors = fact.parameters.map(({ path, shape }) => `\`${path} ${shape}\``).join(', ');
      const text = fact.text === 'parameter' ? tensors : `\`${fact.text}\`${tensors === '' ? '' : `: ${tensors}`}`;
      return counted.length === 0 ? text : `${text}, ${formatCount(total)} parameters`;
    }
  }
}

/** Bytes of all weights as `precision` stores them. */
export function weightBytes({ graph, storage }: CheckedModel): number {
  return parameters(graph).reduce((sum, { path, count }) => sum + count * (BYTES[storage.get(path) ?? 'f32'] ?? 4), 0);
}

/** Bytes of decode state: of constant size for a sequence, and for each token of its context. */
export function stateBytes(
  { graph }: CheckedModel,
  alias?: string,
): { readonly sequence: number; readonly token: number } {
  const sum = { sequence: 0, token: 0 };
  for (const { instance, kind, elements, dtype } of decodeState(graph)) {
    if (alias === undefined || instance.alias === alias) sum[kind] += elements * (BYTES[dtype] ?? 4);
  }
  return sum;
}

export function stateText({ sequence, token }: { readonly sequence: number; readonly token: number }): string {
  const parts = [
    ...(sequence > 0 ? [formatBytes(sequence)] : []),
    ...(token > 0 ? [`${formatBytes(token)} a token`] : []),
  ];
  return parts.length === 0 ? 'no state' : `state ${parts.join(' + ')}`;
}

/** `8,100,852,736 parameters, weights 15.1 GiB, state …` */
export function modelText(checked: CheckedModel): string {
  const count = formatCount(parameterCount(checked.graph));
  return `${count} parameters, weights ${formatBytes(weightBytes(checked))}, ${stateText(stateBytes(checked))}`;
}

/** Parameters of the layers that go by a name: `24 × 109,641,088`. */
export function aliasText(checked: CheckedModel, alias: string): string | undefined {
  const rows = layerTable(checked.graph).rows.filter((row) => row.index !== null && row.alias === alias);
  if (rows.length === 0) return undefined;
  const counts = new Map<number, number>();
  for (const row of rows) counts.set(row.parameters, (counts.get(row.parameters) ?? 0) + 1);
  const sum = [...counts].map(([each, n]) => (n === 1 ? formatCount(each) : `${n} × ${formatCount(each)}`)).join(' + ');
  return `${sum} parameters`;
}
