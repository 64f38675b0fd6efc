// The methods of "Methods of Improving LLM Training Stability" (arXiv:2410.16682), with what the paper saw of each.

/**
 * `recipe` stands in stability.hyb. `converges` and `diverges` are the paper's: the largest learning rate that converged and
 * the next one of its list, of one run each.
 */
export const METHODS = [
  { name: 'baseline', recipe: 'BaselineRun', paper: { converges: 6e-3, diverges: 8e-3 } },
  { name: 'soft_temp', recipe: 'SoftTempRun', paper: { converges: 8e-3, diverges: 20e-3 } },
  { name: 'soft_clip', recipe: 'SoftClipRun', paper: { converges: 8e-3, diverges: 20e-3 } },
  { name: 'σReparam', recipe: 'SigmaReparamRun', paper: { converges: 20e-3, diverges: 40e-3 } },
  { name: 'LayerScale', recipe: 'ScaledLayersRun', paper: { converges: 20e-3, diverges: 40e-3 } },
  { name: 'soft_cap', recipe: 'SoftCapRun', paper: { converges: 40e-3, diverges: 60e-3 } },
  { name: 'QK_norm', recipe: 'QKNormRun', paper: { converges: 40e-3, diverges: 60e-3 } },
  { name: 'QK_FC_norm', recipe: 'QKFCNormRun', paper: { converges: 40e-3, diverges: 60e-3 } },
  { name: 'QKV_norm', recipe: 'QKVNormRun', paper: { converges: 60e-3, diverges: 80e-3 } },
  // Whether it diverged at 80e-3 cannot be told from what was at hand.
  { name: 'QK_norm_cap', recipe: 'QKNormCapRun', paper: { converges: 60e-3, diverges: null } },
];

/** Of `--quick`. */
export const QUICK = ['baseline', 'QK_norm', 'QKV_norm'];

export const SEEDS = [1, 2, 3];
