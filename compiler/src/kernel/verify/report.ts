/** Takes note of something wrong at a statement (empty path: in the declarations). */
export type Report = (path: string, message: string) => void;
