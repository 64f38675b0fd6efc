export * from './program/program.js';
export * from './program/size.js';
export * from './program/sampler-scratch.js';
export * from './errors.js';
export { Device, openDevice, type DeviceOptions } from './device/device.js';
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
export { weightsPrelude, WEIGHT_FORMATS } from './shaders/weights.js';
export { createModel, type CreateOptions } from './model/create.js';
export { openCheckpoint, type Checkpoint } from './weights/checkpoint.js';
export { readSafetensors, type SafetensorsFile, type TensorEntry } from './weights/safetensors.js';
export { readTensor } from './weights/read-tensor.js';
export { urlSource } from './weights/sources/url.js';
export { openFile } from './weights/sources/open.js';
export { Tokenizer, type TokenizerFiles } from './text/tokenizer.js';
export { loadTokenizer, type TokenizerSource } from './text/load.js';
export type {
  EngineTensor,
  ProbeValue,
  StepResult,
  StepSettings,
  TrainingEngine,
  TrainingPart,
  TrainingSequence,
} from './train/engine.js';
