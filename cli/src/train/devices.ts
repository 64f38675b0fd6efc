/** Where training can run. Help is printed with it, so that nothing is loaded here. */
export const TRAINING_DEVICES = ['node', 'reference'] as const;
export type TrainingDevice = (typeof TRAINING_DEVICES)[number];

/** Where a checkpoint's loss can be computed. */
export const EVALUATION_DEVICES = ['node', 'reference'] as const;
