import { catalogue } from '@hyb/compiler';

/** Of a finding's code: `Unknown slot`. */
export function titleOf(code: string): string | undefined {
  return catalogue.get(code)?.title;
}
