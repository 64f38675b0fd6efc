export const lowerSample = (_: number): never[] => [];
