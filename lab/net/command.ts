import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/** Output of a command. @throws with its stderr when it fails */
export async function run(command: readonly string[], input = ''): Promise<string> {
  const child = spawn(command[0] ?? '', command.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', chunk => (out += String(chunk)));
  child.stderr.on('data', chunk => (err += String(chunk)));
  // A command that reads no input may be gone before it is written.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`${command.join(' ')}: exit ${code}: ${err.slice(0, 500)}`);
  return out;
}

/** Why namespaces cannot be made here; null when they can. */
export function missingFor(...tools: readonly string[]): string | null {
  if (process.getuid?.() !== 0) return 'needs root';
  for (const tool of ['ip', ...tools])
    if (spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0) return `${tool} is not installed`;
  const probe = `p2pm-probe-${process.pid}`;
  if (spawnSync('ip', ['netns', 'add', probe]).status !== 0) return 'network namespaces cannot be made here';
  spawnSync('ip', ['netns', 'del', probe]);
  return null;
}
