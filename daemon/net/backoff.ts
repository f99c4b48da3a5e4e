/** Delay after `failures` failures in a row (1 = the first), growing by `growth` each, with ±30 % jitter. */
export function backoffMs(failures: number, limits: { firstMs: number; maxMs: number; growth: number }): number {
  const plainMs = Math.min(limits.firstMs * limits.growth ** Math.min(failures - 1, 30), limits.maxMs);
  return Math.round(plainMs * (0.7 + Math.random() * 0.6));
}
