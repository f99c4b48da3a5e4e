import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Another process that is asked in lines and answers each with a JSON line. */
export interface LineProcess<First> extends AsyncDisposable {
  readonly pid: number;
  /** Its first line, unasked. */
  readonly first: First;
  /** One question at a time. @throws Error when the process has ended */
  ask<T>(question: string): Promise<T>;
}

/** Resolves with the first line. @throws Error when the process ends before it */
export async function startLineProcess<First>(command: string, args: readonly string[]): Promise<LineProcess<First>> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()));
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async <T>(): Promise<T> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${args[0] ?? command} has ended`);
    return JSON.parse(value) as T;
  };
  const first = await next<First>();
  return {
    pid: child.pid ?? 0,
    first,
    ask(question) {
      child.stdin.write(`${question}\n`);
      return next();
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await gone;
      clearTimeout(late);
    },
  };
}

/** The other end: the first line, and then an answer to each question. */
export async function answerLines(first: object, answer: (words: readonly string[]) => Promise<object>): Promise<void> {
  const say = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
  say(first);
  for await (const line of createInterface({ input: process.stdin })) say(await answer(line.split(' ')));
  process.exit(0);
}
