import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{api,daemon,relay,clients,lab,scripts}/**/*.test.ts'],
    exclude: ['dist/**', 'node_modules/**'],
    pool: 'forks',
    maxWorkers: 2,
    // For what hangs. Above the patience of daemon/net/until.ts, where tests get their turns, which says what was waited for.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
