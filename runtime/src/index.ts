export * from './program/program.js';
export * from './program/size.js';
export * from './program/training.js';
export * from './program/sampler-scratch.js';
export * from './errors.js';
export { Device, openDevice, type DeviceOptions } from './device/device.js';
export { measurePeak } from './device/peak.js';
export type { DeviceLimits } from './device/limits.js';
export type { ByteSource, FileSource, LoadProgress, WeightSource } from './weights/types.js';
export type { CallOptions, Counters, LoadOptions, MemoryUse, Model, Tokens, TraceEntry } from './model/types.js';
export type { State, StateOptions } from './state/types.js';
export type {
  FinishReason,
  GeneratedText,
  GeneratedToken,
  GenerateOptions,
  Generation,
  Prompt,
  SamplingOptions,
} from './generate/types.js';
export type { ChatMessage, ChatOptions, TextCodec, TextStream } from './text/types.js';
export { weightsEnables, weightsPrelude, WEIGHT_FORMATS } from './shaders/weights.js';
export { createModel, type CreateOptions } from './model/create.js';
export { openCheckpoint, type Checkpoint } from './weights/checkpoint.js';
export { readSafetensors, type SafetensorsFile, type TensorEntry } from './weights/safetensors.js';
export { tensorBytes, writeSafetensors, type TensorToWrite } from './weights/write-safetensors.js';
export { readTensor } from './weights/read-tensor.js';
export { urlSource } from './weights/sources/url.js';
export { openFile } from './weights/sources/open.js';
export { Tokenizer, type TokenizerFiles } from './text/tokenizer.js';
export { loadTokenizer, TOKENIZER_FILES, type TokenizerSource, type TokenizerTexts } from './text/load.js';
export type {
  EngineTensor,
  ProbeValue,
  StepResult,
  StepSettings,
  TrainingEngine,
  TrainingPart,
  TrainingSequence,
} from './train/engine.js';
export type { TrainingRecipe } from './train/recipe.js';
export { train, type TrainOptions } from './train/run/train.js';
export { runLength, type RunLength, type LengthOptions } from './train/run/length.js';
export { learningRate } from './train/run/schedule.js';
export { evaluate, type EvaluateOptions } from './train/run/evaluate.js';
export { metricsLine, type EvaluationMetrics, type FaultMetrics, type StepMetrics } from './train/run/metrics.js';
export { prepareData, type DataInput, type TrainingData } from './train/data/prepare.js';
export type { DataProgress } from './train/data/cache.js';
export { dataFile, dataText, filesAt, type DataFile, type DataFiles, type DataSource } from './train/data/files.js';
export { bytesAsTokens, dataTokenizer, loadDataTokenizer, type DataTokenizer } from './train/data/tokenizer.js';
export { digest } from './train/data/digest.js';
export type { CheckpointOptions } from './train/checkpoints/checkpoint.js';
export { lastCheckpoint, lastWeights } from './train/checkpoints/checkpoint.js';
export type { Files, FileEntry, FileWriter } from './train/files/types.js';
export { memoryFiles } from './train/files/memory.js';
export { diskFiles } from './train/files/disk.js';
export { directoryFiles, originFiles } from './train/files/origin.js';
export { folderIn } from './train/files/folder.js';
export { byteTokenizer } from './text/byte-tokenizer.js';
export { trainTokenizer, type TrainTokenizerOptions } from './text/bpe/train.js';
export { createTrainer, Trainer, type OptimizerSettings, type TrainerOptions } from './train/trainer.js';
export { loadParameters } from './train/load.js';
export { planMemory, planParts, type LayerMemory, type MemoryPlan, type MemoryRequest } from './train/memory-plan.js';
export { operationsPerToken } from './train/work.js';
export { initialValues, type Distribution } from './train/initial.js';
export { byteTokenizerFiles } from './text/bpe/tokenizer-json.js';
export { readDocuments, type DocumentPiece } from './train/data/read.js';
export { evaluationOf, type EvaluationData } from './train/data/prepare.js';
export { prepareTokens } from './train/data/cache.js';
export { windowsOf } from './train/data/windows.js';
export {
  openTrainer,
  trainModel,
  type CompiledRecipe,
  type OpenedTrainer,
  type TrainModelOptions,
} from './train/start.js';
export { trainPackage, type PackageTrainOptions, type RecipeChanges, type TrainingPackage } from './train/package.js';
