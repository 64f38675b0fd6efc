/**
 * Runs the training part of a program in the checking interpreter, the way the engine does on a device: loss and gradients of
 * one part, and every fault that the interpreter finds.
 */
import type { KernelFeature, Operand, SizeValues, StageInstance, Step, TrainingPart } from '@hyb/runtime';
import { evaluateSize } from '@hyb/runtime';
import { rotaryRows, rotaryTable } from '@hyb/runtime/program/rotary';
import { sizesOf, tableOf, type BatchTable } from '@hyb/runtime/program/batch';
import { chunkSizes } from '@hyb/runtime/train/memory-plan';
import { countLabels, embedTables, entriesOf, labelsOf, packedEntries } from '@hyb/runtime/train/tables';
import { describeFault, run as interpret } from '../../src/kernel/check/index.js';
import type { BufferData } from '../../src/kernel/check/index.js';
import type { Plan } from '../../src/plan/plan.js';
import { parameterImages } from './parameter-images.js';
import { settingsOf } from './update-buffers.js';

type Words = Float32Array | Uint32Array;

export class InterpretedTraining {
  readonly faults: string[] = [];
  loss = 0;
  /** By path. */
  readonly gradients = new Map<string, Float32Array>();
  readonly #matrices: ReadonlyMap<string, Float32Array>;
  readonly #matrixGradients = new Map<string, Float32Array>();
  readonly #packs: ReadonlyMap<string, Float32Array>;
  readonly #packGradients = new Map<string, Float32Array>();
  readonly #buffers = new Map<string, Words>();
  readonly #fresh = new Set<string>();
  readonly #level: number;

  constructor(
    readonly plan: Plan,
    parameters: (path: string) => ArrayLike<number>,
    part: TrainingPart,
    level: number,
    /** That kernels may use: of their variants the first is taken that needs no others. */
    readonly features: readonly KernelFeature[] = [],
  ) {
    this.#level = level;
    const { program } = plan;
    const images = parameterImages(program, parameters);
    this.#matrices = images.matrices;
    this.#packs = images.packs;
    for (const [id, { length }] of images.matrices) this.#matrixGradients.set(id, new Float32Array(length));
    for (const [id, { length }] of images.packs) this.#packGradients.set(id, new Float32Array(length));
    this.#run(part);
    this.#collect();
  }

  #run(part: TrainingPart): void {
    const { program } = this.plan;
    const training = program.training!;
    const entries = entriesOf(part);
    const values = sizesOf(entries, {
      slots: part.length,
      capacity: Math.max(...part.map(({ tokens }) => tokens.length)),
    });
    const set = (name: string, words: Words): void => void this.#buffers.set(name, words);
    for (const table of ['tokens', 'sequences', 'rows', 'tiles16', 'tiles32', 'tiles64', 'tiles128'] as BatchTable[])
      set(table, tableOf(table, entries));
    set('packed_tokens', tableOf('tokens', packedEntries(part)));
    set('packed_sequences', tableOf('sequences', packedEntries(part)));
    const labels = labelsOf(part, program.model.vocab);
    set('labels', labels);
    const { rows, order } = embedTables(part);
    set('embed_rows', rows);
    set('embed_order', order);
    set('losses', new Float32Array(values.tokens));
    set('settings', settingsOf({ weight: 1 / countLabels(labels), lossLimit: 3.4e38 }));

    for (const instance of program.schedule) {
      const steps = program.stages.find(({ id }) => id === instance.stage)!.prepare ?? [];
      this.#steps(instance, 0, steps, values);
    }
    const layers = program.schedule.slice(0, -1);
    const level = (instance: StageInstance) => {
      const { levels } = training.stages.find(({ id }) => id === instance.stage)!;
      return levels[Math.min(this.#level, levels.length - 1)]!;
    };
    layers.forEach((instance, i) => this.#steps(instance, i, level(instance).forward, values));
    const head = program.schedule.at(-1)!;
    this.#steps(head, layers.length, training.head.steps, chunkSizes(values.tokens));
    this.loss = (this.#buffers.get('losses') as Float32Array).reduce((a, b) => a + b, 0) / countLabels(labels);
    for (let i = layers.length - 1; i >= 0; i--) this.#steps(layers[i]!, i, level(layers[i]!).backward, values);
  }

  #steps(instance: StageInstance, index: number, steps: readonly Step[], values: SizeValues): void {
    // What one instance leaves in shared buffers means nothing to the next.
    for (const name of [...this.#buffers.keys()]) if (name.startsWith('activation ')) this.#buffers.delete(name);
    for (const step of steps) {
      const spec = this.plan.program.kernels[step.kernel]!;
      const variant = spec.variants.find(({ requires }) => requires.every((f) => this.features.includes(f)))!;
      const kernel = this.plan.kernels.get(variant.source)!;
      const buffers: Record<string, BufferData> = {};
      const uninitialised: string[] = [];
      kernel.buffers.forEach(({ name, element }, i) => {
        const key = this.#key(step.bind[i]!, instance, index);
        const data = this.#buffer(key, step.bind[i]!, instance, index, values);
        if (this.#fresh.delete(key)) uninitialised.push(name);
        if (element === 'weights') buffers[name] = { storage: 'f32', data: data as Float32Array };
        else buffers[name] = asElement(element, data);
      });
      const uniforms = Object.fromEntries(
        step.uniforms.map((value, i) => [
          spec.uniforms[i]!.name,
          typeof value === 'object' && 'f32' in value ? value.f32 : evaluateSize(value, values),
        ]),
      );
      const grid = step.grid.map((size) => evaluateSize(size, values)) as [number, number, number];
      const { faults } = interpret(kernel, { buffers, uniforms, grid, uninitialised });
      this.faults.push(...faults.map((f) => `${instance.label} ${kernel.name}: ${describeFault(f)}`));
    }
  }

  #key(operand: Operand, instance: StageInstance, index: number): string {
    if ('activation' in operand) return `activation ${operand.activation}`;
    if ('kept' in operand) return `kept ${index} ${operand.kept}`;
    if ('stream' in operand) {
      const back = this.plan.program.schedule.length - 1 - index;
      return {
        x: `stream ${index - 1}`,
        result: `stream ${index}`,
        gradient: `gradient ${(back + 1) % 2}`,
        input_gradient: `gradient ${back % 2}`,
      }[operand.stream];
    }
    if ('batch' in operand) return operand.batch;
    if ('training' in operand) return operand.training;
    if ('table' in operand) return `rotary ${operand.table}`;
    if ('matrix' in operand) return `matrix ${instance.matrices[operand.matrix]}`;
    if ('gradient' in operand) return `matrix gradient ${instance.matrices[operand.gradient]}`;
    return `${JSON.stringify(operand)} ${instance.vectors}`;
  }

  #buffer(key: string, operand: Operand, instance: StageInstance, index: number, values: SizeValues): Words {
    if ('matrix' in operand) return this.#matrices.get(instance.matrices[operand.matrix]!)!;
    if ('gradient' in operand) return this.#matrixGradients.get(instance.matrices[operand.gradient]!)!;
    if ('vectors' in operand) return this.#packs.get(instance.vectors!)!;
    if ('gradientVectors' in operand) return this.#packGradients.get(instance.vectors!)!;
    const known = this.#buffers.get(key);
    if (known) return known;
    const made = this.#make(operand, instance, index, values);
    this.#buffers.set(key, made);
    if (!('table' in operand)) this.#fresh.add(key);
    return made;
  }

  #make(operand: Operand, instance: StageInstance, index: number, values: SizeValues): Float32Array {
    const { program } = this.plan;
    const training = program.training!;
    if ('table' in operand) {
      const spec = program.tables.find(({ id }) => id === operand.table)!;
      return rotaryTable(spec, 0, rotaryRows(values.capacity));
    }
    if ('stream' in operand) return new Float32Array(values.tokens * program.model.width);
    const head = index === program.schedule.length - 1;
    const stage = training.stages.find(({ id }) => id === instance.stage);
    const specs = head ? training.head.activations : training.activations;
    const kept = stage?.levels.flatMap((level) => level.kept) ?? [];
    const id = 'activation' in operand ? operand.activation : 'kept' in operand ? operand.kept : '';
    const spec = [...specs, ...kept, ...program.activations].find((s) => s.id === id);
    if (!spec) throw new Error(`the interpreter has no ${JSON.stringify(operand)}`);
    return new Float32Array(Math.max(1, evaluateSize(spec.elements, values)));
  }

  #collect(): void {
    for (const m of this.plan.program.matrices) {
      const data = this.#matrixGradients.get(m.id)!;
      for (const p of m.parts) {
        const own = new Float32Array(p.rows * p.columns);
        for (let r = 0; r < p.rows; r++) {
          const start = (p.row + r * p.stride) * m.columns;
          own.set(data.subarray(start, start + p.columns), r * p.columns);
        }
        this.gradients.set(p.parameter, own);
      }
    }
    for (const v of this.plan.program.vectors) {
      const data = this.#packGradients.get(v.id)!;
      for (const p of v.parts) this.gradients.set(p.parameter, data.slice(p.offset, p.offset + p.elements));
    }
  }
}

/** Tables of words, and values whose bits a kernel reads. */
function asElement(element: string, data: Words): Words {
  const words = element === 'u32' || element === 'vec2u' || element === 'vec4u';
  if (words === data instanceof Uint32Array) return data;
  return words
    ? new Uint32Array(data.buffer, data.byteOffset, data.length)
    : new Float32Array(data.buffer, data.byteOffset, data.length);
}
