/** Where a run keeps its checkpoints, unless its recipe says otherwise. */
export const CHECKPOINTS = 'checkpoints';

/** The file of a checkpoint that says of the others how long they are, and where the run was. */
export const STATE = 'training.json';
