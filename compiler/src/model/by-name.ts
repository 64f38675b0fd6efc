/** An empty record for names that users give: `__proto__` is one like any other in it, and nothing is inherited. */
export function byName<Value>(): Record<string, Value> {
  return Object.create(null) as Record<string, Value>;
}
