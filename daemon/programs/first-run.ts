import type { Started } from './daemon-contract.ts';

/** What a person sees who started it for the first time, in at most eight lines. */
export function firstRunText(started: Started, home: string, discoverable: boolean): string {
  const seen = discoverable
    ? 'others in your network and in the lobby of your relays (presence.discoverable = false hides you)'
    : 'only your contacts';
  return [
    `You are     ${started.peerId}`,
    `Your data   ${home}  (keep a copy: p2pmsgd identity export FILE)`,
    `API         ${started.api}  (token in ${home}/admin-token)`,
    `Seen by     ${seen}`,
    `Invite      p2pmsg invite        gives a link for one other person`,
    `Join        p2pmsg add LINK      then: p2pmsg send NAME "hello"`,
    `Stop        Ctrl-C`,
    '',
  ].join('\n');
}
