import { spawn } from 'node:child_process';

/**
 * Tells systemd about the state of the service by `systemd-notify`: Node cannot send the datagram itself. Does
 * nothing outside systemd. Units need NotifyAccess=all, because the sender is a child process.
 */
export function systemd(env: NodeJS.ProcessEnv): { ready(): void; stopping(): void } {
  if (!env['NOTIFY_SOCKET']) return { ready: () => undefined, stopping: () => undefined };
  let watchdog: NodeJS.Timeout | undefined;
  const say = (...words: string[]): void => {
    const child = spawn('systemd-notify', words, { stdio: 'ignore', env });
    // Without the program systemd times the start out and says so in the journal.
    child.on('error', () => undefined);
    child.unref();
  };
  return {
    ready() {
      say('--ready');
      const timeoutMs = Number(env['WATCHDOG_USEC']) / 1000;
      const forUs = !env['WATCHDOG_PID'] || Number(env['WATCHDOG_PID']) === process.pid;
      if (!(timeoutMs > 0) || !forUs) return;
      // Half the limit, as sd_watchdog_enabled(3) asks. A blocked event loop sends nothing: that is the point.
      watchdog = setInterval(() => say('WATCHDOG=1'), timeoutMs / 2);
      watchdog.unref();
    },
    stopping() {
      clearInterval(watchdog);
      say('STOPPING=1');
    },
  };
}
