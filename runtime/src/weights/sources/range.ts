import { WeightsError } from '../../errors.js';

/** @throws WeightsError `source-failed` if the range is not inside the source */
export function checkRange(name: string, size: number, offset: number, length: number): void {
  if (Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0) {
    if (offset + length <= size) return;
  }
  throw new WeightsError('source-failed', `${name} has ${size} bytes; ${length} from ${offset} were asked for.`);
}
