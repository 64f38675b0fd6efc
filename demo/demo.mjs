// The main job before the reader's eyes: a .hyb file becomes a package, and the package generates.
import { fail, setup } from '../scripts/setup.mjs';

await setup().catch(fail);
console.log('\nThe demo comes with the compiler.');
