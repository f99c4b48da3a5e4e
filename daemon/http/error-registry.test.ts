import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ERRORS, type ErrorCode } from '#api/errors';
import { codesOf, PATH_CODES } from '#api/rest/route-codes';
import { ERROR_CODES } from '#api/rest/problem';
import { OPERATIONS, routeOf } from '#api/rest/routes';
import { readOpenApi } from './openapi-check.ts';

/** Codes of the contract for what is not built yet. Each names its feature; once it is there the entry is an error. */
const RESERVED: Partial<Record<ErrorCode, string>> = {
  ETAG_MISMATCH: 'configuration over the API',
  INVITE_USED: 'only the maker of an invite knows who used it, and the wire has no answer yet that tells its bearer',
};

const ROOT = new URL('../../', import.meta.url);
/** Code that runs; the registry, the table and what is made from it only name codes. */
const raising = globSync('{daemon,relay}/**/*.ts', { cwd: ROOT })
  .filter(path => !/\.test\.ts$|\/(fake-|http-fixture|openapi-check)/.test(path))
  .map(path => [path, readFileSync(new URL(path, ROOT), 'utf8')] as const);
const raised = new Set(
  raising.flatMap(([, text]) => [...text.matchAll(/'([A-Z]+(?:_[A-Z]+)+|INTERNAL|STOPPING)'/g)].map(match => match[1])),
);

it('has read the code', () => {
  expect(raising.length).toBeGreaterThan(30);
  expect(raised.has('HOST_REFUSED')).toBe(true);
});

it('knows no code that nothing raises', () => {
  expect(ERROR_CODES.filter(code => !raised.has(code) && RESERVED[code] === undefined)).toEqual([]);
});

it('reserves no code that is raised', () => {
  expect(Object.keys(RESERVED).filter(code => raised.has(code))).toEqual([]);
});

it('sees no code raised that it does not know', () => {
  const unknown = raising.flatMap(([path, text]) =>
    [...text.matchAll(/new AppError\(\s*'([A-Z_]+)'/g)]
      .map(match => match[1] as string)
      .filter(code => !Object.hasOwn(ERRORS, code))
      .map(code => `${path}: ${code}`),
  );
  expect(unknown).toEqual([]);
});

it('is in openapi.yaml, at an operation or for any path', async () => {
  const atOperations = new Set(OPERATIONS.flatMap(operation => codesOf(routeOf(operation))));
  const nowhere = ERROR_CODES.filter(
    code => !atOperations.has(code) && !PATH_CODES.includes(code) && RESERVED[code] === undefined,
  );
  expect(nowhere).toEqual([]);
  const document = await readOpenApi();
  expect(Object.keys(document['x-error-codes'] as object)).toEqual(ERROR_CODES);
});
