import { TrainingError } from '../../errors.js';

/** The parts of a path inside of a folder. @throws TrainingError `storage-failed` for one that leads out of it */
export function pathParts(path: string): readonly string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (path.startsWith('/') || parts.some((part) => part === '..' || /[\\\0]/.test(part))) {
    throw new TrainingError('storage-failed', `The path ${JSON.stringify(path)} leads out of its folder.`);
  }
  return parts;
}
