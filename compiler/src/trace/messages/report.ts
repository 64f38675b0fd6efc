import { reporter } from '@hyb/grammar';
import { bodyMessages } from './bodies.js';
import { nameMessages } from './names.js';
import { scanMessages } from './scans.js';
import { shapeMessages } from './shapes.js';

/** Everything that turning a model into graphs can find: HYB3xxx. */
export const traceMessages = { ...nameMessages, ...shapeMessages, ...bodyMessages, ...scanMessages } as const;

export const report: ReturnType<typeof reporter<typeof traceMessages>> = reporter(traceMessages);

export type TraceCode = keyof typeof traceMessages;

type Placeholders<M extends string> = M extends `${string}{${infer P}}${infer Rest}` ? P | Placeholders<Rest> : never;
export type ReportArguments<K extends TraceCode> = Readonly<
  Record<Placeholders<(typeof traceMessages)[K]['message']>, string | number>
>;
