import { checkModel, compressPattern, planModel, trainingModel } from '@hyb/compiler';
import type { Checked, CheckedModel, Plan } from '@hyb/compiler';
import {
  DEVICES,
  findDevice,
  kernelTable,
  layerTable,
  memoryNeeds,
  parameterSum,
  printKernelTable,
  printLayerTable,
  printMemory,
  printParameterSum,
  printRoofline,
  printTensorTable,
  printTrainingMemory,
  roofline,
  tensorTable,
  trainingMemory,
} from '@hyb/compiler/inspect/index';
import type { RooflineOptions, TrainingMemory } from '@hyb/compiler/inspect/index';
import { formatCount, formatScaled } from '@hyb/compiler/inspect/units';
import { runLength } from '@hyb/runtime';
import type { StorageType } from '@hyb/runtime';
import { checkSource, firstModel, mentionOthers, openSource } from '../project/source.js';
import { CliError, EXIT } from '../terminal/errors.js';
import type { Io } from '../terminal/io.js';
import { withProgress } from '../terminal/progress.js';
import type { Progress } from '../terminal/progress.js';

export interface InspectOptions {
  readonly model?: string;
  readonly context?: number;
  readonly sequences?: number;
  readonly storage?: StorageType;
  readonly parameters?: boolean;
  readonly tensors?: boolean;
  readonly memory?: boolean;
  readonly kernels?: boolean;
  readonly mode: 'decode' | 'prefill';
  readonly roofline?: boolean;
  readonly device: string;
  readonly bandwidth?: number;
  readonly peak?: number;
  readonly fuse: boolean;
  readonly root?: string;
  readonly json?: boolean;
}

interface Inspected {
  readonly checked: CheckedModel;
  readonly plan: Plan;
  readonly context: number;
  readonly sequences: number;
  readonly options: InspectOptions;
  /** Of the file's recipes for this model, where memory is asked for. */
  readonly training: readonly TrainingMemory[];
}

export async function inspect(io: Io, source: string, options: InspectOptions): Promise<number> {
  if (options.device === 'list') return listDevices(io, options);
  const opened = await openSource(io, source, options);
  const all = await checkSource(io, opened, options);
  const checked = firstModel(all, opened);
  if (!options.json && options.model === undefined) mentionOthers(io, all);
  const plan = await withProgress(io, (progress) => {
    progress.show('Making kernels');
    return Promise.resolve(planModel(checked, { fused: options.fuse }));
  });
  const { context = checked.model.context, sequences = 1 } = options;
  const training = options.memory ? await withProgress(io, (progress) => recipes(all, checked, progress)) : [];
  const inspected: Inspected = { checked, plan, context, sequences, options, training };
  io.out(options.json ? `${JSON.stringify(asJson(inspected), null, 2)}\n` : asText(inspected, io));
  return EXIT.ok;
}

/** What each recipe of the file for this model takes. */
function recipes({ trains }: Checked, { model }: CheckedModel, progress: Progress): Promise<readonly TrainingMemory[]> {
  const found: TrainingMemory[] = [];
  for (const recipe of trains) {
    if (recipe.model?.name !== model.name) continue;
    progress.show(`Planning ${recipe.name}`);
    const { checked } = checkModel(trainingModel({ ...recipe, model: recipe.model }));
    if (checked === undefined) continue;
    found.push(trainingMemory(recipe, checked, runLength(recipe, { context: model.context })));
  }
  return Promise.resolve(found);
}

function blockNames({ model }: CheckedModel): (layer: number) => string {
  return (layer) => model.layers[layer]!.block.declaration.name.text;
}

function asText(inspected: Inspected, { paint }: Io): string {
  const { checked, plan, context, sequences, options, training } = inspected;
  const { model, graph } = checked;
  const { program } = plan;
  const storage = options.storage === undefined ? {} : { storage: options.storage };
  const table = layerTable(graph, blockNames(checked));
  const aliases = model.layers.map(({ alias }) => alias);
  const title = `${paint.bold(model.name)}: ${formatCount(table.parameters)} parameters, ${model.layers.length} layers`;
  const pattern = `${title}\n${paint.dim(compressPattern(aliases))}`;
  const special = [options.parameters, options.tensors, options.kernels, options.roofline, options.memory].some(
    Boolean,
  );
  const sections = [
    pattern,
    ...(special ? [] : [printLayerTable(table)]),
    ...(options.parameters ? [printParameterSum(parameterSum(graph, blockNames(checked)))] : []),
    ...(options.tensors ? [printTensorTable(tensorTable(graph, program))] : []),
    ...(options.memory || !special ? [printMemory(memoryNeeds(program, { context, sequences, ...storage }))] : []),
    ...training.map(printTrainingMemory),
    ...(options.kernels ? [printKernelTable(kernels(inspected))] : []),
    ...(options.roofline ? [printRoofline(limits(inspected))] : []),
  ];
  return `${sections.join('\n\n')}\n`;
}

function kernels({ checked, plan, context, sequences, options }: Inspected) {
  const { mode, storage } = options;
  return kernelTable(checked.graph, plan.program, {
    mode,
    sequences,
    tokensPerSequence: mode === 'decode' ? 1 : context,
    context,
    ...(storage === undefined ? {} : { storage }),
  });
}

function limits({ checked, plan, context, sequences, options }: Inspected) {
  return roofline(checked.graph, plan.program, {
    context,
    batch: sequences,
    device: deviceOf(options),
    ...(options.storage === undefined ? {} : { storage: options.storage }),
  });
}

/** A known device, or one that is described by its bandwidth and peak. */
function deviceOf({ device, bandwidth, peak }: InspectOptions): RooflineOptions['device'] {
  if (bandwidth !== undefined && peak !== undefined) return { name: 'this device', bandwidth, peak };
  const known = findDevice(device);
  if (known === undefined) {
    const names = DEVICES.map(({ id }) => id).join(', ');
    throw new CliError(`There are no figures for ${device}.`, `Known are ${names}; or say --bandwidth and --peak.`);
  }
  if (bandwidth === undefined && peak === undefined) return known;
  return { name: known.name, bandwidth: bandwidth ?? known.bandwidth, peak: peak ?? known.peak };
}

function listDevices(io: Io, { json }: InspectOptions): number {
  if (json) io.out(`${JSON.stringify(DEVICES, null, 2)}\n`);
  for (const { id, name, bandwidth, peak } of json ? [] : DEVICES) {
    io.out(`${id.padEnd(12)}${name}: ${formatScaled(bandwidth, 'B/s')}, ${formatScaled(peak, 'op/s')}\n`);
  }
  return EXIT.ok;
}

function asJson(inspected: Inspected) {
  const { checked, plan, context, sequences, options } = inspected;
  const { model, graph, weightMap, storage } = checked;
  const { program } = plan;
  const table = layerTable(graph, blockNames(checked));
  const tensors = tensorTable(graph, program);
  const elements: Record<string, number> = {};
  for (const { shape, dtype } of tensors.parameters) {
    elements[dtype] = (elements[dtype] ?? 0) + shape.reduce((n, size) => n * size, 1);
  }
  return {
    model: model.name,
    doc: model.doc ?? null,
    vocab: model.vocab,
    width: model.width,
    context: model.context,
    parameters: table.parameters,
    pattern: compressPattern(model.layers.map(({ alias }) => alias)),
    layers: table.rows.filter(({ index }) => index !== null),
    /** Names and shapes in checkpoints where the model has a weight map, otherwise of its own parameters. */
    tensors:
      weightMap === undefined
        ? tensors.parameters.map(({ path, shape, dtype }) => ({ name: path, shape, dtype, parameters: [path] }))
        : weightMap.entries.map(({ tensor, shape, parts }) => ({
            name: tensor,
            shape,
            dtype: storage.get(parts[0]!) ?? 'f32',
            parameters: parts,
          })),
    /** Elements by their type in storage. */
    dtypes: elements,
    memory: memoryNeeds(program, {
      context,
      sequences,
      ...(options.storage === undefined ? {} : { storage: options.storage }),
    }),
    ...(inspected.training.length > 0 ? { training: inspected.training } : {}),
    kernels: program.kernels === undefined ? 0 : Object.keys(program.kernels).length,
    ...(options.parameters ? { parameterSum: parameterSum(graph, blockNames(checked)) } : {}),
    ...(options.tensors ? { values: tensors } : {}),
    ...(options.kernels ? { kernelTable: kernels(inspected) } : {}),
    ...(options.roofline ? { roofline: limits(inspected) } : {}),
  };
}
