/** What nemotron_h and mamba2 have in common: transformers' Mamba-2 mixer. */
import type { MambaConfig } from '../config.js';
import { float } from '../json-output.js';
import type { JsonOutput } from '../json-output.js';
import type { ConfigReader, FieldName } from '../reader.js';
import type { TensorRule } from '../tensors.js';
import { when } from './architecture.js';

/** The rows of the in-projection, in their order. */
const IN = ['M.in_z', 'M.in_xbc', 'M.in_dt'] as const;

/** The mixer's tensors; `mixer` is what their names begin with. */
export function mambaRules(mixer: string, { bias, convBias }: MambaConfig): readonly TensorRule[] {
  return [
    { tensor: `${mixer}.in_proj.weight`, parts: IN.map((name) => `${name}.weight`) },
    ...when(bias, { tensor: `${mixer}.in_proj.bias`, parts: IN.map((name) => `${name}.bias`) }),
    { tensor: `${mixer}.conv1d.weight`, shape: '[_, 1, _]', parts: ['M.mix.weight'] },
    ...when(convBias, { tensor: `${mixer}.conv1d.bias`, parts: ['M.mix.bias'] }),
    { tensor: `${mixer}.dt_bias`, parts: ['M.dt_bias'] },
    { tensor: `${mixer}.A_log`, parts: ['M.A_log'] },
    { tensor: `${mixer}.D`, parts: ['M.D'] },
    { tensor: `${mixer}.norm.weight`, parts: ['M.gated.weight'] },
    { tensor: `${mixer}.out_proj.weight`, parts: ['M.out.weight'] },
    ...when(bias, { tensor: `${mixer}.out_proj.bias`, parts: ['M.out.bias'] }),
  ];
}

export function readDtLimits(reader: ConfigReader, name: FieldName): MambaConfig['dtLimits'] {
  const found = reader.field(name);
  if (found === undefined) return [0, Infinity];
  const { node } = found;
  const values =
    node.kind === 'array' && node.elements.length === 2
      ? node.elements.flatMap((element) => (element.kind === 'number' ? [element.value] : []))
      : [];
  const [low, high] = values;
  if (low === undefined || high === undefined || !(low >= 0 && low < high)) {
    reader.wrongKind(found.name, node, 'a lower and an upper limit');
    return [0, Infinity];
  }
  return [low, high];
}

/** Nothing where dt has no limits: that is the default, and not every reader of JSON knows infinity. */
export function writeDtLimits({ dtLimits: [low, high] }: MambaConfig): Readonly<Record<string, JsonOutput>> {
  return low === 0 && high === Infinity ? {} : { time_step_limit: [float(low), float(high)] };
}
