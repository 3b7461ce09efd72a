import { silentTelemetry } from '#ports/telemetry'
import { createItemIndex } from '../../infra/embedded/item-index.ts'
import { itemIndexRandomTests } from './item-index-random-suite.ts'

itemIndexRandomTests({
  name: 'embedded',
  create: () => createItemIndex({ telemetry: silentTelemetry }),
  seeds: 12,
  steps: 250,
})
