export function brokenLinks(
  site: string,
  options?: { readonly headings?: (page: string) => boolean },
): Promise<readonly string[]>;
