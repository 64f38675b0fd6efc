import type { ModelType } from '../config.js';
import type { Architecture } from './architecture.js';
import { llama, qwen2 } from './llama.js';
import { mamba2 } from './mamba2.js';
import { nemotronH } from './nemotron-h.js';

export const ARCHITECTURES: Readonly<Record<ModelType, Architecture>> = { nemotron_h: nemotronH, llama, qwen2, mamba2 };
