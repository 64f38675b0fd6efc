/** The kernels of all other models: see `testModelKernels`. A file of its own, so that two workers share them. */
import { isMethods, testModelKernels } from '../support/test-model-kernels.js';

await testModelKernels((file) => !isMethods(file), isMethods, 230);
