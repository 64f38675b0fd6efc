import type { TrainRecipe } from '@hyb/compiler';

export function readRecipe(name: string): TrainRecipe;
