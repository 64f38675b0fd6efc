export * from './program/program.js';
export * from './program/size.js';
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
