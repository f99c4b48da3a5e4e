import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{api,daemon,relay,clients,lab,scripts}/**/*.test.ts'],
    exclude: ['dist/**', 'node_modules/**'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
