import { expect, it } from 'vitest';
import { generated, staleFiles } from './generate.ts';

it('finds openapi.yaml, asyncapi.yaml and the client types fresh', async () => {
  expect(await staleFiles()).toEqual([]);
});

it('makes the same files each time', async () => {
  expect(await generated()).toEqual(await generated());
});
