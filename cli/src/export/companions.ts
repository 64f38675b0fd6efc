/** What stands beside a checkpoint and goes along with it: the tokenizer's files, and what config.json says of tokens. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseJson } from '@hyb/compiler/interop/json';
import type { JsonNode } from '@hyb/compiler/interop/json';
import { float } from '@hyb/compiler/interop/json-output';
import type { JsonOutput } from '@hyb/compiler/interop/json-output';

const FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'tokenizer.model',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'chat_template.jinja',
  'generation_config.json',
];
/** Fields that do not describe what the model computes. */
const FIELDS = [
  'bos_token_id',
  'eos_token_id',
  'pad_token_id',
  'chunk_size',
  'initializer_range',
  'rescale_prenorm_residual',
  'time_step_min',
  'time_step_max',
  'time_step_floor',
];
const LARGEST = 256 * 1024 * 1024;

/** Files of a folder that are copied as they are. */
export function companionFiles(folder: string): readonly string[] {
  return FILES.filter((name) => {
    const path = join(folder, name);
    return existsSync(path) && statSync(path).isFile() && statSync(path).size <= LARGEST;
  });
}

/** Fields of a folder's config.json that an export takes over; none where there is no such file, or it cannot be read. */
export function companionFields(folder: string): Readonly<Record<string, JsonOutput>> {
  const path = join(folder, 'config.json');
  if (!existsSync(path) || statSync(path).size > 16 * 1024 * 1024) return {};
  const text = readFileSync(path, 'utf8');
  const json = parseJson(text, path);
  if (!('root' in json) || json.root.kind !== 'object') return {};
  const { entries } = json.root;
  const kept = FIELDS.flatMap((name): [string, JsonOutput][] => {
    const value = entries.get(name) && plain(entries.get(name)!, text);
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(kept);
}

function plain(node: JsonNode, text: string): JsonOutput | undefined {
  switch (node.kind) {
    case 'number':
      // Python tells 0.0 from 0.
      return /[.eE]/.test(text.slice(node.span.start, node.span.end)) ? float(node.value) : node.value;
    case 'string':
    case 'boolean':
      return node.value;
    case 'array': {
      const values = node.elements.map((element) => plain(element, text));
      return values.every((value) => value !== undefined) ? values : undefined;
    }
    default:
      return undefined;
  }
}
