/** The kernels of the 830M baseline and its methods: see `testModelKernels`. */
import { isMethods, testModelKernels } from '../support/test-model-kernels.js';

await testModelKernels(isMethods, () => false, 290);
