import { reporter } from '@hyb/grammar';
import { argumentMessages } from './arguments.js';
import { modelMessages } from './models.js';
import { nameMessages } from './names.js';
import { precisionMessages } from './precision.js';

/** Everything that turning a syntax tree into a model can find. */
export const resolveMessages = {
  ...nameMessages,
  ...argumentMessages,
  ...modelMessages,
  ...precisionMessages,
} as const;

export const report: ReturnType<typeof reporter<typeof resolveMessages>> = reporter(resolveMessages);
