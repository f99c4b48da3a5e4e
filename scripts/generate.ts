/**
 * Writes what is made from the table of routes: openapi.yaml, asyncapi.yaml and the types of the client.
 * `--check` writes nothing and fails when one of them is stale.
 */
import { readFile, writeFile } from 'node:fs/promises';
import openapiTypescript, { astToString } from 'openapi-typescript';
import { stringify } from 'yaml';
import { asyncApiDocument } from '../api/rest/asyncapi.ts';
import { openApiDocument } from '../api/rest/openapi.ts';

const ROOT = new URL('../', import.meta.url);

/** Path from the root → content. */
export async function generated(): Promise<ReadonlyMap<string, string>> {
  const { version } = JSON.parse(await readFile(new URL('package.json', ROOT), 'utf8')) as { version: string };
  const openApi = openApiDocument(version);
  const types = astToString(await openapiTypescript(structuredClone(openApi) as never));
  const notice = 'Made by scripts/generate.ts from api/rest/routes.ts: do not edit.';
  const yaml = (document: unknown): string =>
    `# ${notice}\n${stringify(document, { lineWidth: 120, aliasDuplicateObjects: false })}`;
  return new Map([
    ['openapi.yaml', yaml(openApi)],
    ['asyncapi.yaml', yaml(asyncApiDocument(version))],
    ['api/rest/openapi.gen.ts', `/** ${notice} */\n${types}`],
  ]);
}

/** Names of the files that are not what they should be. */
export async function staleFiles(): Promise<string[]> {
  const stale: string[] = [];
  for (const [path, content] of await generated()) {
    const present = await readFile(new URL(path, ROOT), 'utf8').catch(() => null);
    if (present !== content) stale.push(path);
  }
  return stale;
}

async function main(): Promise<void> {
  if (process.argv.includes('--check')) {
    const stale = await staleFiles();
    if (stale.length === 0) return;
    console.error(`stale: ${stale.join(', ')} (run bin/node scripts/generate.ts)`);
    process.exitCode = 1;
    return;
  }
  for (const [path, content] of await generated()) await writeFile(new URL(path, ROOT), content);
}

if (import.meta.main) await main();
