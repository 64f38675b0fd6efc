/** Tensors of checkpoints and the parameters that they are made of. */
import type { HuggingFaceConfig, LayerKind } from './config.js';

/** One line of a weight map: `"backbone.layers.{layer}.mixer.D" = M.D`. */
export interface TensorRule {
  /** `{layer}` is the index among all layers, `{nth}` among the layers of the same block. */
  readonly tensor: string;
  /** What the map has of the file's shape where it is not the parameters' own. */
  readonly shape?: string;
  /**
   * Parameters whose rows follow one another in the tensor. They begin with the block's name (`M.in_z.weight`), with
   * `layers` for what every layer has, or stand outside of the layers (`head.weight`).
   */
  readonly parts: readonly string[];
}

/** A tensor of a checkpoint. */
export interface HuggingFaceTensor {
  readonly name: string;
  /** Full paths of parameters, such as `layers.3.in_z.weight`. */
  readonly parts: readonly string[];
  /** The tensor has a dimension of size 1 after its first, which the parameter has not. */
  readonly unsqueezed: boolean;
}

/** The tensors that rules stand for, layer by layer between those of the embedding and the head. */
export function expandRules(rules: readonly TensorRule[], config: HuggingFaceConfig): readonly HuggingFaceTensor[] {
  const outside = (before: boolean): HuggingFaceTensor[] =>
    rules.flatMap((rule) => {
      const owner = ownerOf(rule);
      if (owner !== (before ? 'embedding' : 'head')) return [];
      return [{ name: rule.tensor, parts: rule.parts, unsqueezed: rule.shape !== undefined }];
    });
  const seen: Record<LayerKind, number> = { M: 0, A: 0, F: 0 };
  const layers = config.layers.flatMap((kind, layer) => {
    const nth = seen[kind]++;
    return rules.flatMap((rule) => {
      const owner = ownerOf(rule);
      if (owner !== kind && owner !== 'layers') return [];
      const name = rule.tensor.replace('{layer}', String(layer)).replace('{nth}', String(nth));
      const parts = rule.parts.map((part) => `layers.${layer}.${part.slice(part.indexOf('.') + 1)}`);
      return [{ name, parts, unsqueezed: rule.shape !== undefined }];
    });
  });
  return [...outside(true), ...layers, ...outside(false)];
}

function ownerOf({ parts }: TensorRule): string {
  return parts[0]!.split('.', 1)[0]!;
}
