export const lowerScan = (): never => {
  throw new Error('stub');
};
