// The engine.json that tests over a shop use.
import type { JsonObject } from '#schemas/json'

/** Engine `shop` of the app `shop`; the first indicator is the primary one. `params` go to its algorithm. */
export function shopEngine(
  indicators: readonly string[] = ['buy'],
  params: JsonObject = {},
): JsonObject {
  return {
    id: 'shop',
    engineFactory: 'universal',
    datasource: { params: { appName: 'shop' } },
    algorithms: [
      { name: 'ur', params: { indicators: indicators.map((name) => ({ name })), ...params } },
    ],
  }
}
