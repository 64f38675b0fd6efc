/** Device memory that a model takes. */
import type { Program, StorageType } from '@hyb/runtime';
import { evaluateSize } from '@hyb/runtime/program/size';
import { callSizes } from './call-sizes.js';
import { total } from './instances.js';
import { MatrixStorage } from './storage.js';
import { printTable } from './text-table.js';
import { formatBytes, formatCount } from './units.js';

export interface MemoryOptions {
  /** Positions that the state can hold for each sequence. */
  readonly context: number;
  /** Default 1. */
  readonly sequences?: number;
  /** How loading stores all matrices; absent: as the program says. */
  readonly storage?: StorageType;
  /** Tokens of a prompt that are computed at once; default 1,024. */
  readonly pieceTokens?: number;
}

/** Bytes. */
export interface MemoryNeeds {
  readonly context: number;
  readonly sequences: number;
  readonly pieceTokens: number;
  readonly weights: { readonly matrices: number; readonly vectors: number; readonly total: number };
  readonly state: {
    readonly perSequence: number;
    readonly perToken: number;
    /** For all sequences at the context. */
    readonly total: number;
  };
  readonly activations: { readonly buffers: Readonly<Record<string, number>>; readonly total: number };
  /** Rotary tables and the logits of one row a sequence. */
  readonly other: number;
  readonly total: number;
}

export function memoryNeeds(program: Program, options: MemoryOptions): MemoryNeeds {
  const { context, sequences = 1, pieceTokens = 1024 } = options;
  const storage = new MatrixStorage(program, options.storage);
  const matrices = total(program.matrices, (m) => storage.bytesOf(m));
  const vectors = 4 * total(program.vectors, (v) => v.elements);
  const perSequence = 4 * total(program.states, (s) => (s.kind === 'sequence' ? s.elements : 0));
  const perToken = 4 * total(program.states, (s) => (s.kind === 'token' ? s.elements : 0));
  const state = sequences * (perSequence + context * perToken);
  // A piece is shared by the sequences; the longest activations belong to one sequence that fills it.
  const sizes = {
    ...callSizes({ mode: 'prefill', sequences: 1, tokensPerSequence: pieceTokens, context }),
    rows: sequences,
  };
  const buffers = Object.fromEntries(program.activations.map((a) => [a.id, 4 * evaluateSize(a.elements, sizes)]));
  const activations = total(Object.values(buffers), (b) => b);
  const rotary = total(program.tables, (t) => 8 * t.frequencies.length * (256 + Math.ceil(context / 256)));
  const other = rotary + 4 * sequences * program.model.vocab;
  return {
    context,
    sequences,
    pieceTokens,
    weights: { matrices, vectors, total: matrices + vectors },
    state: { perSequence, perToken, total: state },
    activations: { buffers, total: activations },
    other,
    total: matrices + vectors + state + activations + other,
  };
}

export function printMemory(needs: MemoryNeeds): string {
  const { context, sequences, weights, state, activations, pieceTokens } = needs;
  const many = sequences === 1 ? '1 sequence' : `${formatCount(sequences)} sequences`;
  const rows = [
    [
      'weights',
      formatBytes(weights.total),
      `matrices ${formatBytes(weights.matrices)}, vectors ${formatBytes(weights.vectors)}`,
    ],
    [
      'state',
      formatBytes(state.total),
      `${many} of ${formatCount(context)} tokens: ${formatBytes(state.perSequence)} each and ${formatBytes(state.perToken)} a token`,
    ],
    ['activations', formatBytes(activations.total), `prompts in pieces of ${formatCount(pieceTokens)} tokens`],
    ['other', formatBytes(needs.other), 'logits, rotary tables'],
    ['total', formatBytes(needs.total), ''],
  ] as const;
  return printTable(rows, [
    { heading: 'memory', text: (r) => r[0] },
    { heading: '', text: (r) => r[1], align: 'right' },
    { heading: '', text: (r) => r[2] },
  ]);
}
