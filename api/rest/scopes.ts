/** What a token may do. `admin` includes all others. */
export const SCOPES = ['network', 'contacts', 'messages:read', 'messages:send', 'files', 'events', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

export const hasScope = (granted: readonly Scope[], needed: Scope): boolean =>
  granted.includes('admin') || granted.includes(needed);
