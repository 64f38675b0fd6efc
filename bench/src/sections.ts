import { COMPILE } from './compile/section.js';
import { EDITOR } from './editor/section.js';
import { KERNELS } from './kernels/section.js';
import { LARGE_MODEL, WHOLE_MODEL } from './model/section.js';
import type { Section } from './report/section.js';
import { TRAINING } from './training/section.js';

/** All benchmarks, in the order of the page. */
export const SECTIONS = [COMPILE, EDITOR, WHOLE_MODEL, LARGE_MODEL, KERNELS, TRAINING] as readonly Section[];
