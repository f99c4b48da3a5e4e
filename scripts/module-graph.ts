import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

export interface Import {
  /** Path of the module from the root (`api/errors.ts`), a package (`zod`), or `node:fs`. */
  readonly target: string;
  readonly kind: 'module' | 'package' | 'node';
  /** Leaves nothing behind at run time. */
  readonly isType: boolean;
  /** `import()`: loaded when it is reached. */
  readonly isDynamic: boolean;
}

export interface Module {
  /** From the root, with `/`. */
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly Import[];
}

/** All TypeScript modules under the folders, generated ones left out, with what they import. */
export function readModules(root: string, folders: readonly string[]): Module[] {
  return folders
    .flatMap(folder => readdirSync(join(root, folder), { recursive: true, withFileTypes: true }))
    .filter(entry => entry.isFile() && /(?<!\.gen|\.d)\.tsx?$/.test(entry.name))
    .map(entry => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter(path => !path.includes('/gen/') && !path.includes('node_modules/'))
    .sort()
    .map(path => readModule(root, path));
}

function readModule(root: string, path: string): Module {
  const text = readFileSync(join(root, path), 'utf8');
  return { path, lines: text.split('\n').length - 1, imports: importsOf(path, text) };
}

export function importsOf(path: string, text: string): Import[] {
  const found: Import[] = [];
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  const add = (specifier: ts.Expression | undefined, isType: boolean, isDynamic: boolean): void => {
    if (specifier && ts.isStringLiteralLike(specifier))
      found.push({ ...resolve(path, specifier.text), isType, isDynamic });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnly(node), false);
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly, false);
    else if (ts.isImportTypeNode(node))
      add(ts.isLiteralTypeNode(node.argument) ? (node.argument.literal as ts.Expression) : undefined, true, false);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false, true);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isTypeOnly({ importClause }: ts.ImportDeclaration): boolean {
  if (!importClause) return false;
  if (importClause.isTypeOnly) return true;
  const names = importClause.namedBindings;
  if (importClause.name || !names || !ts.isNamedImports(names)) return false;
  return names.elements.length > 0 && names.elements.every(element => element.isTypeOnly);
}

function resolve(from: string, specifier: string): { target: string; kind: Import['kind'] } {
  if (specifier.startsWith('node:')) return { target: specifier, kind: 'node' };
  if (specifier.startsWith('#api/')) return { target: `${specifier.slice(1)}.ts`, kind: 'module' };
  if (specifier.startsWith('.'))
    return { target: join(dirname(from), specifier).replaceAll('\\', '/'), kind: 'module' };
  const [scope = '', name] = specifier.split('/');
  return { target: scope.startsWith('@') ? `${scope}/${name}` : scope, kind: 'package' };
}

/** Every cycle of imports that exist at run time, once, as the paths in order. */
export function cycles(modules: readonly Module[]): string[][] {
  const byPath = new Map(modules.map(module => [module.path, module]));
  const done = new Set<string>();
  const found: string[][] = [];
  const walk = (path: string, trail: string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) found.push([...trail.slice(at), path]);
    if (at >= 0 || done.has(path)) return;
    for (const { target, kind, isType } of byPath.get(path)?.imports ?? [])
      if (kind === 'module' && !isType && byPath.has(target)) walk(target, [...trail, path]);
    done.add(path);
  };
  for (const { path } of modules) walk(path, []);
  return found;
}

/** Packages that are loaded when `entry` is, with the way to each: static imports that exist at run time. */
export function packagesLoadedBy(modules: readonly Module[], entry: string): Map<string, string[]> {
  const byPath = new Map(modules.map(module => [module.path, module]));
  const seen = new Set<string>();
  const packages = new Map<string, string[]>();
  const walk = (path: string, trail: readonly string[]): void => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const { target, kind, isType, isDynamic } of byPath.get(path)?.imports ?? []) {
      if (isType || isDynamic) continue;
      if (kind === 'module') walk(target, [...trail, path]);
      else if (kind === 'package' && !packages.has(target)) packages.set(target, [...trail, path]);
    }
  };
  walk(entry, []);
  return packages;
}
