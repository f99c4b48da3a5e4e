import type { LoadedConfig, SettingKey } from '../config-sources.ts';
import { SETTING_KEYS, valueAt } from '../config-sources.ts';

export interface SettingView {
  readonly key: SettingKey;
  readonly value: unknown;
  readonly origin: string;
}

/** What is changed through the API is kept in the database and wins over all sources here. */
const KEPT_IN_DATABASE: readonly SettingKey[] = ['net.relays', 'net.bootstrap'];

export const settingViews = ({ config, origins }: LoadedConfig): SettingView[] =>
  SETTING_KEYS.map(key => ({
    key,
    value: valueAt(config, key) ?? null,
    origin: KEPT_IN_DATABASE.includes(key) ? `${origins[key]}, changes made at run time win` : origins[key],
  }));

export const settingLine = ({ key, value, origin }: SettingView, withOrigin: boolean): string =>
  `${value === null ? `# ${key}` : key} = ${value === null ? '(not set)' : JSON.stringify(value)}${withOrigin ? `  # ${origin}` : ''}`;
